/**
 * `.lb/group.json`: what a repository says about its group, for everybody who can read it. That is the group's id and
 * name and where it may be found: keys of nodes, and the addresses that somebody named. Nothing in it lets anybody
 * in: codes, tokens and keys stay on the nodes.
 *
 * The file comes from whoever wrote to the repository, so it is read strictly, and following it is a decision of the
 * one who types `lb git join`.
 */
import { lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '../../actors/errors.ts';
import type { PeerHint } from '../../actors/invites.ts';
import { isHex32 } from '../../events/bytes.ts';
import { isDialable } from '../../protocol/addresses.ts';
import { GitError } from './repository.ts';

export const SHARED_FILE = '.lb/group.json';
const FORMAT = 1;
const BYTES_MAX = 16 * 1024;
const PEERS_MAX = 16;
const ADDRESSES_MAX = 8;
const NAME_CHARACTERS_MAX = 128;

export interface SharedGroup {
  readonly group: string;
  readonly name: string;
  readonly peers: readonly PeerHint[];
}

/** What the repository says; nothing where it says nothing. @throws GitError for what is not such a file */
export function readShared(root: string): SharedGroup | undefined {
  const path = join(root, SHARED_FILE);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const shared =
    found.isFile() && found.size <= BYTES_MAX ? parseShared(readFileSync(path, 'utf8')) : undefined;
  if (shared === undefined)
    throw new GitError(`${path} does not name a group; look at who changed it: git log -- ${SHARED_FILE}`);
  return shared;
}

/** @throws NotFoundError where the repository says nothing */
export function sharedOf(root: string): SharedGroup {
  const shared = readShared(root);
  if (shared === undefined)
    throw new NotFoundError(
      `${join(root, SHARED_FILE)} is not there; share a group with: lb git init --group GROUP`,
    );
  return shared;
}

/** The group that a text names; nothing for anything but such a text. */
export function parseShared(text: string): SharedGroup | undefined {
  try {
    const { format, group, name, peers, ...more } = JSON.parse(text) as Record<string, unknown>;
    const isSound =
      format === FORMAT &&
      isHex32(group) &&
      typeof name === 'string' &&
      name.length <= NAME_CHARACTERS_MAX &&
      Array.isArray(peers) &&
      peers.length <= PEERS_MAX &&
      peers.every(isPeer) &&
      Object.keys(more).length === 0;
    return isSound ? { group, name, peers } : undefined;
  } catch {
    return undefined;
  }
}

function isPeer(value: unknown): value is PeerHint {
  const { key, addresses, ...more } = (value ?? {}) as Record<string, unknown>;
  return (
    isHex32(key) &&
    Array.isArray(addresses) &&
    addresses.length <= ADDRESSES_MAX &&
    addresses.every((address) => typeof address === 'string' && isDialable(address)) &&
    Object.keys(more).length === 0
  );
}

/** The text of the file: the same for the same content, so that git sees no change where there is none. */
export function formatShared({ group, name, peers }: SharedGroup): string {
  const sorted = [...peers].sort((one, other) => (one.key < other.key ? -1 : 1));
  const wire = sorted.map(({ key, addresses }) => ({ key, addresses: [...addresses].sort() }));
  return `${JSON.stringify({ format: FORMAT, group, name, peers: wire }, undefined, 2)}\n`;
}

/** Writes the file. @throws GitError where something else is in its place */
export function writeShared(root: string, shared: SharedGroup): void {
  const folder = join(root, '.lb');
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) throw new GitError(`${folder} is no folder; move it away`);
  mkdirSync(folder, { recursive: true });
  const path = join(root, SHARED_FILE);
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, formatShared(shared), { flag: 'wx' });
  renameSync(draft, path);
}

/** Peers of two lists, each once, with the addresses of both. */
export function mergePeers(...lists: readonly (readonly PeerHint[])[]): PeerHint[] {
  const merged = new Map<string, Set<string>>();
  for (const { key, addresses } of lists.flat())
    merged.set(key, new Set([...(merged.get(key) ?? []), ...addresses]));
  return Array.from(merged, ([key, addresses]) => ({
    key,
    addresses: [...addresses].slice(0, ADDRESSES_MAX),
  })).slice(0, PEERS_MAX);
}
