/** `config`: what is configured, where each value comes from, and changes of config.json. */
import type { Command } from 'commander';
import { layoutOf, openDirectory } from '../../../storage/directory.ts';
import { setInFile, settingNamed, unsetInFile } from '../../config/edit.ts';
import { addConfigFlags, configFlags } from '../../config/flags.ts';
import { type Config, loadConfig, replacedVariables } from '../../config/load.ts';
import { flagOf, SETTING_NAMES, type SettingName, settingOf, variableOf } from '../../config/schema.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { type Column, printTable } from '../table.ts';

const heading = 'Start here';

export function registerConfig(program: Command, context: CliContext): void {
  const config = family(program, 'config', 'Show and change the configuration.', heading);
  verb(
    config,
    context,
    {
      usage: 'list',
      summary: 'Show every setting, its value, and where it comes from.',
      heading,
      example: 'lb config list\nLB_LOG_LEVEL=debug lb config --json',
      details:
        'A flag counts before the environment, the environment before config.json in the data directory, and that before the default. The flags of settings are taken here as they are by lb up, to see what they would do.',
      isDefault: true,
      runsHere: true,
    },
    addConfigFlags,
    list,
  );
  verb(
    config,
    context,
    {
      usage: 'get',
      summary: 'Print the value of one setting.',
      heading,
      example: 'lb config get log_level',
      runsHere: true,
    },
    (command) => command.argument('<setting>', 'the name of the setting'),
    get,
  );
  verb(
    config,
    context,
    {
      usage: 'set',
      summary: 'Write a setting into config.json.',
      heading,
      example: 'lb config set log_level debug',
      runsHere: true,
      details: 'A node that is running reads its configuration when it starts the next time.',
    },
    (command) =>
      command
        .argument('<setting>', 'the name of the setting')
        .argument('<value>', 'the value, as it would be typed for its flag'),
    set,
  );
  verb(
    config,
    context,
    {
      usage: 'unset',
      summary: 'Take a setting out of config.json.',
      heading,
      example: 'lb config unset log_level',
      runsHere: true,
      details: 'Takes out unknown keys as well, so that a file that is refused can be mended.',
    },
    (command) => command.argument('<setting>', 'the name of the setting'),
    unset,
  );
}

interface Row {
  readonly setting: SettingName;
  readonly value: unknown;
  readonly source: string;
  readonly spelling: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'setting', value: ({ setting }) => setting },
  { header: 'value', value: (row) => valueText(row.setting, row.value), isFlexible: true },
  { header: 'from', value: ({ spelling }) => spelling },
];

/** The configuration of the data directory, which must be a node's. */
function configOf(run: Run): Config {
  openDirectory(run.data);
  return loadConfig({ data: run.data, env: run.env, flags: configFlags({ ...run.options }) });
}

function list(run: Run): void {
  const { settings, sources } = configOf(run);
  const spellings = {
    flag: flagOf,
    environment: variableOf,
    file: () => 'config.json',
    default: () => 'default',
  };
  const rows = SETTING_NAMES.map((setting): Row => {
    const source = sources[setting];
    return { setting, value: settings[setting], source, spelling: spellings[source](setting) };
  });
  run.print({ file: layoutOf(run.data).config, settings: rows }, () => printTable(run.out, COLUMNS, rows));
  for (const line of replacedVariables(run.env)) run.hint(line);
}

function valueText(name: SettingName, value: unknown): string {
  if (value === undefined) return `(${settingOf(name).defaultText})`;
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.join(',');
  return String(value);
}

function get(run: Run): void {
  const setting = settingNamed(run.args[0]!);
  const { settings, sources } = configOf(run);
  const value = settings[setting];
  run.print({ setting, value, source: sources[setting] }, () => run.out.line(valueText(setting, value)));
}

function set(run: Run): void {
  openDirectory(run.data);
  const setting = settingNamed(run.args[0]!);
  const value = setInFile(run.data, setting, run.args[1]!);
  run.print({ setting, value }, () =>
    run.out.line(`${setting} is ${valueText(setting, value)} in config.json`),
  );
  if (run.env[variableOf(setting)]) run.hint(`note: ${variableOf(setting)} is set as well, and counts more`);
  run.hint('a node that is running takes it up when it starts the next time');
}

function unset(run: Run): void {
  openDirectory(run.data);
  const key = run.args[0]!;
  const wasSet = unsetInFile(run.data, key);
  run.print({ setting: key, wasSet }, () =>
    run.out.line(wasSet ? `${key} is not in config.json any more` : `${key} was not in config.json`),
  );
}
