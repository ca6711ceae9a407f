/**
 * Everything that can be configured, in one table. A setting has one name, and three spellings follow from it:
 *
 *   log_level   in config.json
 *   LB_LOG_LEVEL   in the environment
 *   --log-level   as a flag
 *
 * The table is what values are checked against, what `lb config` prints, and what docs/CONFIGURATION.md is made
 * from. No setting may change what is valid: limits of the protocol are in events/limits.ts, and nodes must agree.
 */
import {
  addresses,
  boolean,
  choice,
  embedder,
  host,
  hosts,
  integer,
  type Kind,
  path,
  webAddress,
} from './kinds.ts';

export const SECTIONS = [
  'Logs',
  'Sealing and storage',
  'Search',
  'Metrics and tracing',
  'HTTP',
  'Network',
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Setting<T> {
  readonly section: Section;
  readonly kind: Kind<unknown>;
  readonly default: T;
  /** How the default reads, where its value does not say it. */
  readonly defaultText?: string;
  /** One or two sentences. */
  readonly meaning: string;
}

/** A setting with a default. */
function setting<T>(
  section: Section,
  kind: Kind<T>,
  standard: NoInfer<T>,
  meaning: string,
  more: { readonly defaultText?: string } = {},
): Setting<T> {
  return { section, kind, default: standard, meaning, ...more };
}

/** A setting that may be absent; `absent` says what that means. */
function optional<T>(
  section: Section,
  kind: Kind<T>,
  absent: string,
  meaning: string,
): Setting<T | undefined> {
  return { section, kind, default: undefined, defaultText: absent, meaning };
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Only this machine: whoever wants more says so. */
const LOOPBACK = '127.0.0.1';
const LOOPBACK_TEXT = 'the loopback address';
const PORT = integer(0, 65_535);
const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;

const LOGS = 'Logs';
const STORAGE = 'Sealing and storage';
const SEARCH = 'Search';
const METRICS = 'Metrics and tracing';
const HTTP = 'HTTP';
const NETWORK = 'Network';

export const SETTINGS = {
  log_level: setting(LOGS, choice(LOG_LEVELS), 'info', 'The least severe message to log.'),
  log_dir: optional(
    LOGS,
    path,
    'standard error',
    'A directory for log files, created if it does not exist. In config.json, relative to the data directory.',
  ),
  log_json: setting(LOGS, boolean, false, 'One JSON object per line instead of text.'),
  log_file_bytes_max: setting(
    LOGS,
    integer(1024, 1024 * MIB),
    10 * MIB,
    'The size at which a log file is closed and a new one begun.',
  ),
  log_files_max: setting(LOGS, integer(1, 1000), 10, 'Log files to keep; the oldest are deleted first.'),

  durability: setting(
    STORAGE,
    choice(['flush', 'commit']),
    'flush',
    '`flush`: a receipt means that the data is on disk. `commit`: the operating system has it, and a power failure may damage the database; for measurements only.',
  ),
  seal_linger_ms: setting(
    STORAGE,
    integer(0, 10_000),
    2,
    'The longest that a transaction waits for others before its block is sealed.',
  ),
  verify_threads: optional(STORAGE, integer(1, 256), 'one per core', 'Threads that check signatures.'),
  max_clock_drift_ms: setting(
    STORAGE,
    integer(1000, 60 * MINUTE_MS),
    5 * MINUTE_MS,
    'How far the wall clock may drift from the monotonic clock before this node stops sealing.',
  ),

  embedder: setting(
    SEARCH,
    embedder,
    'builtin',
    'The model for search by meaning: `builtin` is part of the package and needs no network; `none` searches by words alone; `ollama:MODEL@URL` and `openai:MODEL@URL` use a server, to which claim texts are then sent.',
  ),

  metrics: setting(METRICS, boolean, true, 'Collect metrics about the node.'),
  metrics_groups_max: setting(
    METRICS,
    integer(0, 10_000),
    100,
    'Groups with separate metrics; all others are counted together as `other`.',
  ),
  metrics_port: optional(
    METRICS,
    PORT,
    'off',
    'Serves `/metrics`, `/health` and `/ready` over HTTP on this port; 0 takes any free one.',
  ),
  metrics_host: setting(METRICS, host, LOOPBACK, 'The address to serve them on. They require no password.', {
    defaultText: LOOPBACK_TEXT,
  }),
  tracing: setting(
    METRICS,
    boolean,
    false,
    'Create OpenTelemetry spans from submission to receipt, for the SDK that the process has registered.',
  ),

  http_port: optional(
    HTTP,
    PORT,
    'off',
    'Serves operations, the event stream and MCP over HTTP on this port; 0 takes any free one. Callers need a token: `lb access create`.',
  ),
  http_host: setting(HTTP, host, LOOPBACK, 'The address to serve them on.', { defaultText: LOOPBACK_TEXT }),
  http_allowed_hosts: setting(
    HTTP,
    hosts,
    [],
    'Host names that requests may be addressed to, in addition to loopback names and IP addresses. Applies to monitoring requests as well.',
  ),
  http_allowed_origins: setting(
    HTTP,
    hosts,
    [],
    'Hosts whose pages may send requests from a browser, in addition to loopback ones.',
  ),
  http_max_req_per_min: setting(
    HTTP,
    integer(1, 1_000_000_000),
    6_000,
    'Requests a minute that the bearer of one token may make.',
  ),
  a2a: setting(
    HTTP,
    boolean,
    false,
    'Also serve A2A there, at `/a2a`: agents of other systems can hand work to the groups.',
  ),
  a2a_url: optional(
    HTTP,
    webAddress,
    'as the caller addresses the node',
    'The address of this node in its A2A agent card. Required behind a proxy that terminates TLS.',
  ),
  a2a_push_private: setting(
    HTTP,
    boolean,
    false,
    'Allow A2A push notifications to loopback and private addresses, and unencrypted. Anyone with a token can then make this node call addresses that only it can reach.',
  ),

  p2p: setting(
    NETWORK,
    boolean,
    true,
    'Run the network. With `false`, the node stays offline, and work that others must seal waits.',
  ),
  p2p_host: setting(NETWORK, host, '0.0.0.0', 'The address that peers connect to.'),
  p2p_port: setting(
    NETWORK,
    PORT,
    0,
    'The port that peers connect to. 0 takes any free one, and the same again after a restart if it is available.',
  ),
  p2p_mdns: setting(NETWORK, boolean, true, 'Find peers on the local network, and be found there.'),
  p2p_bootstrap: setting(NETWORK, addresses, [], 'Peers to keep connected to.'),
  p2p_max_conn_per_ip: setting(NETWORK, integer(1, 10_000), 10, 'Connections that one address may hold.'),
  p2p_max_req_per_min: setting(
    NETWORK,
    integer(1, 1_000_000),
    100,
    'Requests a minute that a stranger may make; members of a common group may make ten times as many.',
  ),
  sync_interval_s: setting(
    NETWORK,
    integer(1, 86_400),
    300,
    'How often to poll for a group when nothing is announced.',
  ),
  sync_auto_start: setting(
    NETWORK,
    boolean,
    true,
    'Sync the groups of this node from startup. `false`: only on request, such as by `lb sync-now`.',
  ),
};

export type SettingName = keyof typeof SETTINGS;

/** The value of every setting. */
export type Settings = {
  readonly [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer T> ? T : never;
};

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** A setting without its type, for code that treats all alike. */
export function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name] as Setting<unknown>;
}

/** Variables of the environment that are no settings. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  LB_DATA: 'The data directory, if `--data` is not given.',
  LB_PASSWORD: 'The password of the keys.',
  LB_NEW_PASSWORD: 'The new password, when changing the password.',
  LB_EMBEDDER_KEY: 'The API key for the server that `embedder` names with `openai:`.',
  LB_SEED: "The seed of this project's own random tests.",
  LB_UPDATE_DOCS: "Makes this project's own tests update generated pages.",
};

/** Variables that other programs of this kind know: taken without effect, with what replaces them. */
export const REPLACED_VARIABLES: Readonly<Record<string, string>> = {
  LB_NONCE_EXPIRY_MS:
    'Accepted but has no effect: transaction ids are remembered forever, and the time within which a transaction can be sealed is the same 24 hours on all nodes (`TRANSACTION_AGE_MS_MAX`).',
};

const PREFIX = 'LB_';

/** `log_level` as `LB_LOG_LEVEL`. */
export function variableOf(name: SettingName): string {
  return PREFIX + name.toUpperCase();
}

/** `log_level` as `--log-level`. */
export function flagOf(name: SettingName): string {
  return `--${name.replaceAll('_', '-')}`;
}

/** The setting that a variable of the environment spells; nothing for another's variable. */
export function settingOfVariable(variable: string): SettingName | undefined {
  const name = variable.slice(PREFIX.length).toLowerCase();
  return variable.startsWith(PREFIX) && variable === variable.toUpperCase() && isSettingName(name)
    ? name
    : undefined;
}

/** Whether a variable of the environment is meant for this program. */
export function isOurVariable(variable: string): boolean {
  return variable.startsWith(PREFIX);
}
