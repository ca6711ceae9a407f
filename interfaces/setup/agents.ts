/**
 * The hosts of agents that `lb setup` knows: where each keeps its MCP servers, and how it spells one. Every entry is
 * the same command line; what differs is the file and the shape around it.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** What a host starts. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** Whose configuration is meant: the user's own, or that of the project in one folder. */
export type Scope = { readonly kind: 'user' } | { readonly kind: 'project'; readonly folder: string };

export interface Host {
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The files that it reads, the one to make first. The first that is there is edited. */
  files(scope: Scope, env: NodeJS.ProcessEnv): readonly string[];
  /** The names that lead to the entries of servers, in what the file holds now. */
  place(document: unknown): readonly string[];
  entry(server: ServerCommand): Readonly<Record<string, unknown>>;
}

function home(env: NodeJS.ProcessEnv): string {
  return env.HOME || homedir();
}

function configHome(env: NodeJS.ProcessEnv): string {
  const given = env.XDG_CONFIG_HOME;
  return given && isAbsolute(given) ? given : join(home(env), '.config');
}

/** A path below the home folder for the user, and below the project's folder for a project. */
function filesAt(user: string, project: string): Host['files'] {
  return (scope, env) => [scope.kind === 'user' ? join(home(env), user) : join(scope.folder, project)];
}

const inServers = (): readonly string[] => ['mcpServers'];
const plain = ({ command, args }: ServerCommand) => ({ command, args });
const typed = (server: ServerCommand) => ({ type: 'stdio', ...plain(server) });

/** Where VS Code keeps what is the user's own. */
function codeUserFolder(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Application Support', 'Code', 'User');
  if (process.platform === 'win32')
    return join(env.APPDATA ?? join(home(env), 'AppData', 'Roaming'), 'Code', 'User');
  return join(configHome(env), 'Code', 'User');
}

/** OpenCode has put its servers one level deeper in its second version, and reads both. */
function openCodePlace(document: unknown): readonly string[] {
  const { mcp } = (document ?? {}) as { mcp?: { servers?: { type?: unknown; command?: unknown } } };
  const { servers } = mcp ?? {};
  const isServer = servers?.type !== undefined || servers?.command !== undefined;
  return typeof servers === 'object' && servers !== null && !isServer ? ['mcp', 'servers'] : ['mcp'];
}

export const HOSTS = {
  'claude-code': {
    title: 'Claude Code',
    format: 'json',
    files: filesAt('.claude.json', '.mcp.json'),
    place: inServers,
    entry: typed,
  },
  codex: {
    title: 'Codex',
    format: 'toml',
    files: (scope, env) =>
      scope.kind === 'project'
        ? [join(scope.folder, '.codex', 'config.toml')]
        : [join(env.CODEX_HOME || join(home(env), '.codex'), 'config.toml')],
    place: () => ['mcp_servers'],
    entry: plain,
  },
  cursor: {
    title: 'Cursor',
    format: 'json',
    files: filesAt('.cursor/mcp.json', '.cursor/mcp.json'),
    place: inServers,
    entry: plain,
  },
  vscode: {
    title: 'VS Code',
    format: 'json',
    files: (scope, env) => [
      scope.kind === 'project'
        ? join(scope.folder, '.vscode', 'mcp.json')
        : join(codeUserFolder(env), 'mcp.json'),
    ],
    place: () => ['servers'],
    entry: typed,
  },
  gemini: {
    title: 'Gemini CLI',
    format: 'json',
    files: filesAt('.gemini/settings.json', '.gemini/settings.json'),
    place: inServers,
    entry: plain,
  },
  opencode: {
    title: 'OpenCode',
    format: 'json',
    files: (scope, env) => {
      const folder = scope.kind === 'project' ? scope.folder : join(configHome(env), 'opencode');
      return [join(folder, 'opencode.json'), join(folder, 'opencode.jsonc')];
    },
    place: openCodePlace,
    entry: ({ command, args }) => ({ type: 'local', command: [command, ...args], enabled: true }),
  },
} as const satisfies Readonly<Record<string, Host>>;
export type HostName = keyof typeof HOSTS;
