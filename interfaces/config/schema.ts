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
    'A folder for log files; it is made if it does not exist. In config.json, relative to the data directory.',
  ),
  log_json: setting(LOGS, boolean, false, 'One JSON object per line instead of text.'),
  log_file_bytes_max: setting(
    LOGS,
    integer(1024, 1024 * MIB),
    10 * MIB,
    'A log file is closed at this size.',
  ),
  log_files_max: setting(LOGS, integer(1, 1000), 10, 'Log files to keep; the oldest go first.'),

  durability: setting(
    STORAGE,
    choice(['flush', 'commit']),
    'flush',
    '`flush`: a receipt means that the disk has it. `commit`: the operating system has it, and a power cut may damage the database; for measurements only.',
  ),
  seal_linger_ms: setting(
    STORAGE,
    integer(0, 10_000),
    2,
    'The longest that a transaction waits for company before its block is sealed.',
  ),
  verify_threads: optional(STORAGE, integer(1, 256), 'one per core', 'Threads that check signatures.'),
  max_clock_drift_ms: setting(
    STORAGE,
    integer(1000, 60 * MINUTE_MS),
    5 * MINUTE_MS,
    'How far the wall clock may move against the monotonic clock before this node stops sealing.',
  ),

  embedder: setting(
    SEARCH,
    embedder,
    'builtin',
    'The model of the search by meaning: `builtin` is in the package and needs no network; `none` searches by words alone; `ollama:MODEL@URL` and `openai:MODEL@URL` ask a server, to which the texts of claims then go.',
  ),

  metrics: setting(METRICS, boolean, true, 'Count and measure what the node does.'),
  metrics_groups_max: setting(
    METRICS,
    integer(0, 10_000),
    100,
    'Groups with metrics of their own; all others are counted together as `other`.',
  ),
  metrics_port: optional(
    METRICS,
    PORT,
    'off',
    'Serves `/metrics`, `/health` and `/ready` over HTTP on this port; 0 takes any free one.',
  ),
  metrics_host: setting(METRICS, host, LOOPBACK, 'The address to serve them on. They need no password.', {
    defaultText: LOOPBACK_TEXT,
  }),
  tracing: setting(
    METRICS,
    boolean,
    false,
    'OpenTelemetry spans from submission to receipt, given to whatever SDK the process has registered.',
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
    'Names, besides the loopback ones and addresses, that requests may be addressed to, those of monitors as well.',
  ),
  http_allowed_origins: setting(
    HTTP,
    hosts,
    [],
    'Hosts, besides the loopback ones, whose pages may send requests from a browser.',
  ),
  http_max_req_per_min: setting(
    HTTP,
    integer(1, 1_000_000_000),
    6_000,
    'Requests that the bearer of one token may make in a minute.',
  ),
  a2a: setting(
    HTTP,
    boolean,
    false,
    'Serve A2A there too: agents of other systems hand work to the groups, at `/a2a`.',
  ),
  a2a_url: optional(
    HTTP,
    webAddress,
    'as the caller addresses the node',
    'Where the card of A2A says that this node is: needed behind a proxy that speaks TLS for it.',
  ),
  a2a_push_private: setting(
    HTTP,
    boolean,
    false,
    'Let push notifications of A2A go to loopback and private addresses, and unencrypted. Whoever has a token can then make this node call what only it can reach.',
  ),

  p2p: setting(
    NETWORK,
    boolean,
    true,
    'Run the network: `false` keeps the node to itself, and what others must seal waits.',
  ),
  p2p_host: setting(NETWORK, host, '0.0.0.0', 'The address that peers connect to.'),
  p2p_port: setting(
    NETWORK,
    PORT,
    0,
    'The port that peers connect to. 0 takes a free one, and the same again after a restart if it can be had.',
  ),
  p2p_mdns: setting(NETWORK, boolean, true, 'Find peers on the local network, and be found there.'),
  p2p_bootstrap: setting(NETWORK, addresses, [], 'Peers to keep connected to.'),
  p2p_max_conn_per_ip: setting(NETWORK, integer(1, 10_000), 10, 'Connections that one address may hold.'),
  p2p_max_req_per_min: setting(
    NETWORK,
    integer(1, 1_000_000),
    100,
    'Requests that a stranger may make in a minute; members of a common group may make ten times as many.',
  ),
  sync_interval_s: setting(
    NETWORK,
    integer(1, 86_400),
    300,
    'How often a group is asked for, where nobody announces anything.',
  ),
  sync_auto_start: setting(
    NETWORK,
    boolean,
    true,
    'Follow the groups of this node from the start. `false`: only when asked, such as by `lb sync-now`.',
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
  LB_DATA: 'The data directory, where `--data` does not name one.',
  LB_PASSWORD: 'The password of the keys.',
  LB_NEW_PASSWORD: 'The new password, where a password is changed.',
  LB_EMBEDDER_KEY: 'The key of the server that `embedder` names with `openai:`.',
  LB_SEED: "The seed of this project's own random tests.",
  LB_UPDATE_DOCS: "Makes this project's own tests write generated pages.",
};

/** Variables that other programs of this kind know: taken without effect, with what replaces them. */
export const REPLACED_VARIABLES: Readonly<Record<string, string>> = {
  LB_NONCE_EXPIRY_MS:
    'Taken, and without effect: every id of a transaction is remembered for ever, and the time within which one may be sealed is the same 24 hours for all nodes (`TRANSACTION_AGE_MS_MAX`).',
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
