/** Settings as flags of a verb. */
import type { Command } from 'commander';
import { boolean } from './kinds.ts';
import { flagOf, SETTING_NAMES, type SettingName, settingOf } from './schema.ts';

/** Adds a flag for every setting. */
export function addConfigFlags(command: Command): Command {
  command.optionsGroup('Settings (docs/CONFIGURATION.md says more):');
  for (const name of SETTING_NAMES) {
    const { kind, meaning } = settingOf(name);
    const value = kind === boolean ? '[boolean]' : '<value>';
    command.option(`${flagOf(name)} ${value}`, meaning.replaceAll('`', ''));
  }
  return command;
}

/** The settings among the options of a verb, as they were typed, for `loadConfig`. */
export function configFlags(
  options: Readonly<Record<string, unknown>>,
): Partial<Record<SettingName, string>> {
  const flags: Partial<Record<SettingName, string>> = {};
  for (const name of SETTING_NAMES) {
    const given = options[name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())];
    if (given !== undefined) flags[name] = String(given);
  }
  return flags;
}
