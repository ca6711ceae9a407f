/**
 * Names for data directories, so that several nodes can be told apart by a word. They are the user's own,
 * kept in their configuration folder (XDG), and say which directory a verb means when neither `--data` nor
 * `LB_DATA` does.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { NotFoundError, UsageError } from '../../actors/errors.ts';

export const DATA_DEFAULT = './lb-data';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The file with the contexts cannot be used. An environment error. */
export class ContextsFileError extends Error {
  override readonly name = 'ContextsFileError';
  readonly code = 'contexts_unreadable';
}

export interface Contexts {
  /** The one that counts where none is named. */
  readonly current: string | undefined;
  /** Directories, absolute, by name. */
  readonly directories: ReadonlyMap<string, string>;
}

/** Where they are kept. A relative path in the variable does not count, as the XDG specification has it. */
export function contextsFile(env: NodeJS.ProcessEnv): string {
  const given = env.XDG_CONFIG_HOME;
  const folder = given && isAbsolute(given) ? given : join(env.HOME || homedir(), '.config');
  return join(folder, 'battery-node', 'contexts.json');
}

/** @throws ContextsFileError when the file is not what this program wrote */
export function readContexts(env: NodeJS.ProcessEnv): Contexts {
  const path = contextsFile(env);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { current: undefined, directories: new Map() };
    throw new ContextsFileError(`cannot read ${path}: ${(error as Error).message}`);
  }
  const contexts = parseContexts(text);
  if (contexts === undefined)
    throw new ContextsFileError(
      `${path} is not a list of contexts; mend it, or name a directory with --data`,
    );
  return contexts;
}

function parseContexts(text: string): Contexts | undefined {
  try {
    const { current, contexts } = JSON.parse(text) as { current?: unknown; contexts?: unknown };
    if (typeof contexts !== 'object' || contexts === null) return undefined;
    const entries = Object.entries(contexts as Record<string, unknown>).map(([name, entry]) => {
      const data = (entry as { data?: unknown } | null)?.data;
      if (typeof data !== 'string' || data === '') throw new SyntaxError(name);
      return [name, data] as const;
    });
    return { current: typeof current === 'string' ? current : undefined, directories: new Map(entries) };
  } catch {
    return undefined;
  }
}

/** Replaces the list, whole: an interrupted write leaves the old one. */
export function writeContexts(env: NodeJS.ProcessEnv, { current, directories }: Contexts): void {
  const path = contextsFile(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const contexts = Object.fromEntries(Array.from(directories, ([name, data]) => [name, { data }]));
  const draft = `${path}.tmp`;
  writeFileSync(draft, `${JSON.stringify({ current, contexts }, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

export function assertContextName(name: string): void {
  if (!NAME.test(name))
    throw new UsageError(`"${name}" is no name for a context: 1 to 64 of the characters A-Z a-z 0-9 . _ -`);
}

/** The directory of a context. @throws NotFoundError */
export function contextDirectory({ directories }: Contexts, name: string): string {
  const data = directories.get(name);
  if (data !== undefined) return data;
  const known =
    directories.size === 0 ? 'there is none yet' : `there are ${[...directories.keys()].join(', ')}`;
  throw new NotFoundError(`there is no context "${name}"; ${known}`);
}

/**
 * The data directory that a command line means: `--data`, else `--context`, else `LB_DATA`, else the context in use,
 * else `./lb-data`.
 */
export function dataDirectory(
  options: { readonly data?: string; readonly context?: string },
  env: NodeJS.ProcessEnv,
): string {
  const { data, context } = options;
  // An empty variable in a script must not mean the directory one happens to stand in.
  if (data === '') throw new UsageError('--data is empty; name a directory');
  if (data !== undefined && context !== undefined)
    throw new UsageError('--data and --context both name a directory; give one of them');
  if (data !== undefined) return data;
  if (context !== undefined) return contextDirectory(readContexts(env), context);
  if (env.LB_DATA) return env.LB_DATA;
  const contexts = readContexts(env);
  return contexts.current === undefined ? DATA_DEFAULT : contextDirectory(contexts, contexts.current);
}
