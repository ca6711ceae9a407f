/** The settings with their kinds, defaults and meanings, section by section. */
import {
  flagOf,
  OTHER_VARIABLES,
  REPLACED_VARIABLES,
  SECTIONS,
  SETTING_NAMES,
  type SettingName,
  settingOf,
  variableOf,
} from '../../interfaces/config/schema.ts';
import { table } from './table.ts';

export function settingsTable(): string {
  return SECTIONS.map((section) => {
    const names = SETTING_NAMES.filter((name) => settingOf(name).section === section);
    return `### ${section}\n\n${table(['in config.json', 'variable', 'flag', 'value', 'default', 'meaning'], names.map(rowOf))}`;
  }).join('\n\n');
}

function rowOf(name: SettingName): string[] {
  const { kind, meaning } = settingOf(name);
  return [
    `\`${name}\``,
    `\`${variableOf(name)}\``,
    `\`${flagOf(name)}\``,
    kind.what,
    defaultOf(name),
    meaning,
  ];
}

function defaultOf(name: SettingName): string {
  const { default: value, defaultText } = settingOf(name);
  if (defaultText !== undefined) return defaultText;
  return Array.isArray(value) && value.length === 0 ? 'none' : `\`${value}\``;
}

export function variablesTable(): string {
  const rows = Object.entries({ ...OTHER_VARIABLES, ...REPLACED_VARIABLES }).map(([name, meaning]) => [
    `\`${name}\``,
    meaning,
  ]);
  return table(['variable', 'meaning'], rows);
}
