/**
 * The effective configuration: flag before environment before config.json before default, all checked before
 * anything starts. A name that nobody knows is refused, because a mistyped setting would otherwise silently be
 * the default.
 */
import { layoutOf } from '../../storage/directory.ts';
import type { EmbedderOptions } from '../../views/meaning/embedder.ts';
import { ConfigError, didYouMean, quoted } from './errors.ts';
import { type ConfigFile, readConfigFile } from './file.ts';
import { embedderOf } from './kinds.ts';
import {
  flagOf,
  isOurVariable,
  isSettingName,
  OTHER_VARIABLES,
  REPLACED_VARIABLES,
  SETTING_NAMES,
  type SettingName,
  type Settings,
  settingOf,
  settingOfVariable,
  variableOf,
} from './schema.ts';

export type Source = 'flag' | 'environment' | 'file' | 'default';

export interface Config {
  readonly settings: Settings;
  /** Where each value came from. */
  readonly sources: Readonly<Record<SettingName, Source>>;
}

export interface ConfigInput {
  /** The data directory. */
  readonly data: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settings given as flags, as they were typed. */
  readonly flags?: Readonly<Partial<Record<SettingName, string>>>;
}

/** One value with where it came from, before it is laid over the others. */
interface Given {
  readonly name: SettingName;
  readonly value: unknown;
}

/**
 * Reads and checks everything.
 * @throws ConfigError that names each thing that is wrong
 */
export function loadConfig(input: ConfigInput): Config {
  const { data, env, flags = {} } = input;
  const { config: file, root } = layoutOf(data);
  const problems: string[] = [];
  const layers: readonly (readonly [Source, readonly Given[]])[] = [
    ['file', checkFile(file, readConfigFile(file), root, problems)],
    ['environment', checkEnvironment(env, problems)],
    ['flag', checkFlags(flags, problems)],
  ];
  if (problems.length > 0) throw new ConfigError('config_invalid', problems);
  const settings = Object.fromEntries(SETTING_NAMES.map((name) => [name, settingOf(name).default]));
  const sources = Object.fromEntries(SETTING_NAMES.map((name): [string, Source] => [name, 'default']));
  for (const [source, givens] of layers)
    for (const { name, value } of givens) {
      settings[name] = value;
      sources[name] = source;
    }
  return { settings: settings as Settings, sources: sources as Record<SettingName, Source> };
}

function checkFile(file: string, content: ConfigFile, root: string, problems: string[]): Given[] {
  return Object.entries(content).flatMap(([key, given]) => {
    if (!isSettingName(key)) {
      problems.push(`${file} has an unknown key ${quoted(key)}${didYouMean(key, SETTING_NAMES)}`);
      return [];
    }
    const { kind } = settingOf(key);
    const value = kind.fromJson(given, root);
    if (value !== undefined) return [{ name: key, value }];
    problems.push(`${key} in ${file} is ${quoted(given)}; it must be ${kind.what}`);
    return [];
  });
}

function checkEnvironment(env: ConfigInput['env'], problems: string[]): Given[] {
  const known = [...SETTING_NAMES.map(variableOf), ...Object.keys(OTHER_VARIABLES)];
  return Object.entries(env).flatMap(([variable, text]) => {
    if (!isOurVariable(variable) || isNoSetting(variable)) return [];
    const name = settingOfVariable(variable);
    if (name === undefined) {
      problems.push(`the environment has an unknown variable ${variable}${didYouMean(variable, known)}`);
      return [];
    }
    // Scripts unset a variable by making it empty.
    return text === undefined || text === '' ? [] : checkText(name, variable, text, problems);
  });
}

const isNoSetting = (variable: string): boolean =>
  Object.hasOwn(OTHER_VARIABLES, variable) || Object.hasOwn(REPLACED_VARIABLES, variable);

/** What to say about variables that are set and have no effect, one line each. */
export function replacedVariables(env: ConfigInput['env']): string[] {
  return Object.entries(REPLACED_VARIABLES)
    .filter(([variable]) => env[variable] !== undefined && env[variable] !== '')
    .map(([variable, says]) => `note: ${variable}: ${says.replaceAll('`', '')}`);
}

function checkFlags(flags: NonNullable<ConfigInput['flags']>, problems: string[]): Given[] {
  return Object.entries(flags).flatMap(([name, text]) =>
    checkText(name as SettingName, flagOf(name as SettingName), text, problems),
  );
}

function checkText(name: SettingName, spelling: string, text: string, problems: string[]): Given[] {
  const { kind } = settingOf(name);
  const value = kind.fromText(text, process.cwd());
  if (value !== undefined) return [{ name, value }];
  problems.push(`${spelling} is ${quoted(text)}; it must be ${kind.what}`);
  return [];
}

/** What of the configuration the network takes; its bootstrap addresses are still to be read. */
export function networkOptions({ settings }: Config) {
  return {
    listen: { host: settings.p2p_host, port: settings.p2p_port },
    mdns: settings.p2p_mdns,
    isResting: !settings.sync_auto_start,
    syncIntervalMs: settings.sync_interval_s * 1000,
    requestsPerMinute: settings.p2p_max_req_per_min,
    connectionsPerAddress: settings.p2p_max_conn_per_ip,
  };
}

/**
 * What of the configuration the node itself takes when it opens.
 * @param env where secrets are, which are no settings
 */
export function nodeOptions(
  { settings }: Config,
  env: ConfigInput['env'] = {},
): {
  readonly durability: 'flush' | 'commit';
  readonly lingerMs: number;
  readonly maxClockDriftMs: number;
  readonly embedder: EmbedderOptions;
  readonly threads?: number;
} {
  const { durability, seal_linger_ms, max_clock_drift_ms, verify_threads } = settings;
  const common = {
    durability,
    lingerMs: seal_linger_ms,
    maxClockDriftMs: max_clock_drift_ms,
    embedder: embedderOf(settings.embedder, env.LB_EMBEDDER_KEY || undefined)!,
  };
  return verify_threads === undefined ? common : { ...common, threads: verify_threads };
}
