/**
 * Makes a host of agents start this node as an MCP server, and takes that back. `plan` says what would change; only
 * `carryOut` writes.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../../actors/errors.ts';
import { HOSTS, type Host, type HostName, type Scope, type ServerCommand } from './agents.ts';
import { ConfigurationFileError, entryAt, readDocument, withEntry, withoutEntry } from './edit.ts';
import { changeBetween, readChanges, undone, writeChanges } from './undo.ts';

export interface Wish {
  readonly host: HostName;
  readonly scope: Scope;
  /** What the host calls the server. */
  readonly name: string;
  /** Nothing: the server is to be taken out. */
  readonly server: ServerCommand | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** The text of a file before and after; nothing where there is none. */
export interface Plan {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly wish: Wish;
  /**
   * Where a link in a project leads, if the file is behind one. Whoever wrote the project put it there, so it takes a
   * word of the user's before anything is written through it.
   */
  readonly leadsTo: string | undefined;
  /** The text that an undo would come back to. */
  readonly base: string | undefined;
}

/**
 * What would change; `before` and `after` are the same where all is as it should be.
 * @throws ConfigurationFileError, UsageError where something else goes by the name
 */
export function plan(wish: Wish): Plan {
  const host: Host = HOSTS[wish.host];
  const candidates = host.files(wish.scope, wish.env);
  const found = candidates.find((file) => existsSync(file)) ?? candidates[0]!;
  // A link leads to where the user keeps their settings, and stays a link.
  const file = existsSync(found) ? realpathSync(found) : found;
  const leadsTo = wish.scope.kind === 'project' ? targetOf(found, wish.scope.folder) : undefined;
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  try {
    return { file, before, wish, leadsTo, ...change(host, wish, file, before) };
  } catch (error) {
    if (!(error instanceof ConfigurationFileError)) throw error;
    throw new ConfigurationFileError(`${file} was left as it is: ${error.message}; mend it, and try again`);
  }
}

/** Where a path below a project's folder really is, if a link on the way leads elsewhere. */
function targetOf(path: string, folder: string): string | undefined {
  const root = realOf(folder);
  const plain = join(root, relative(folder, path));
  const real = realOf(plain);
  return real === plain ? undefined : real;
}

/** The real path of what is there, with what is not there yet behind it; a link that leads nowhere is followed too. */
function realOf(path: string): string {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (isLink && !existsSync(path)) return realOf(resolve(dirname(path), readlinkSync(path)));
  return existsSync(path) ? realpathSync(path) : join(realOf(dirname(path)), basename(path));
}

function change(
  host: Host,
  wish: Wish,
  file: string,
  before: string | undefined,
): Pick<Plan, 'after' | 'base'> {
  const { format } = host;
  const { server, name, env } = wish;
  const document = readDocument(before ?? '', format);
  const path = [...host.place(document), name];
  const present = entryAt(document, path);
  const wanted = server && host.entry(server);
  if (present === undefined && wanted === undefined) return { after: before, base: before };
  if (wanted !== undefined && isDeepStrictEqual(plain(present), plain(wanted)))
    return { after: before, base: before };
  const kept = readChanges(env)[keyOf(file, name)];
  if (present !== undefined && !startsUs(present))
    throw new UsageError(`${file} has another server called "${name}"; choose another name with --name`);
  const base = present === undefined ? before : without(before!, host, path, kept);
  if (wanted === undefined) return { after: base, base };
  return { after: withEntry(base ?? '', format, path, wanted), base };
}

/** The text before the entry came: as it was, if nobody has changed it since, else with the entry taken out. */
function without(
  text: string,
  { format }: Host,
  path: readonly string[],
  kept: Parameters<typeof undone>[1] | undefined,
): string | undefined {
  const restored = kept === undefined ? undefined : undone(text, kept);
  return restored === undefined ? withoutEntry(text, format, path) : (restored ?? undefined);
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Whether an entry starts this program as an MCP server, whatever its options. */
function startsUs(entry: unknown): boolean {
  const { command, args } = (entry ?? {}) as { command?: unknown; args?: unknown };
  const words: unknown[] = [command, args].flat();
  const program = words.findIndex((word) => typeof word === 'string' && /(^|[\\/])lb$/.test(word));
  return program >= 0 && ['mcp', 'run-mcp'].includes(String(words[program + 1]));
}

function keyOf(file: string, name: string): string {
  return `${file}#${name}`;
}

/**
 * Writes what was planned, whole or not at all.
 * @throws UsageError where the file was changed since
 */
export function carryOut({ file, before, after, base, wish }: Plan): void {
  const present = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (present !== before)
    throw new UsageError(`${file} was changed meanwhile; look again, by the same command`);
  const { [keyOf(file, wish.name)]: _, ...others } = readChanges(wish.env);
  if (after === undefined) {
    rmSync(file);
    writeChanges(wish.env, others);
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  // What is taken back is known before it is done: an interruption between the two loses nothing.
  const change = wish.server && { [keyOf(file, wish.name)]: changeBetween(base, after) };
  if (change !== undefined) writeChanges(wish.env, { ...others, ...change });
  const draft = `${file}.lb-${process.pid}.tmp`;
  // Such files may hold secrets of other servers.
  writeFileSync(draft, after, { mode: 0o600 });
  if (before !== undefined) chmodSync(draft, statSync(file).mode & 0o777);
  renameSync(draft, file);
  if (change === undefined) writeChanges(wish.env, others);
}
