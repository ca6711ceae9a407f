/**
 * Reads of one tree of the source, in a process of its own: it lays a store and a node with that tree's own code, and
 * then reads what it is told to, as often as it is told to. What it answers is processor time of the thread that
 * reads: much the same on a busy machine.
 *
 * The tree is a parameter, so that two of them can take turns; what it imports is named by this tree's types.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { layNode } from './node-cases.ts';
import { layStore } from './store-cases.ts';

/** What a case reads, by number; a promise where that takes turns of the event loop. */
export type Read = (at: number) => unknown;

/** Reads by what they are called. */
export type Reads = ReadonlyMap<string, Read>;

/** Imports modules of the tree that is measured. */
export type ImportOf = <T>(path: string) => Promise<T>;

export type ToChild =
  | { readonly kind: 'read'; readonly what: string; readonly from: number; readonly count: number }
  | { readonly kind: 'usage' }
  | { readonly kind: 'end' };

export type FromChild =
  | { readonly kind: 'laid'; readonly cases: readonly string[]; readonly http: HttpAccess }
  | { readonly kind: 'took'; readonly microseconds: number };

/** Where this node is asked over HTTP. */
export interface HttpAccess {
  readonly port: number;
  readonly token: string;
  readonly group: string;
}

const [root = '', dir = '', smoke = ''] = process.argv.slice(2);
const importOf: ImportOf = async <T>(path: string) =>
  (await import(pathToFileURL(join(root, path)).href)) as T;
const scale = smoke === '' ? 1 : Number(smoke);
const store = await layStore(importOf, join(dir, 'store'), scale);
const node = await layNode(importOf, join(dir, 'node'), scale);
const reads = new Map([...store.reads, ...node.reads]);
const answer = (message: FromChild): void => void process.send!(message);

async function took(what: string, from: number, count: number): Promise<number> {
  const read = reads.get(what)!;
  const before = process.threadCpuUsage();
  for (let at = from; at < from + count; at++) {
    const result = read(at);
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

process.on('message', async (message: ToChild) => {
  if (message.kind === 'read')
    answer({ kind: 'took', microseconds: await took(message.what, message.from, message.count) });
  else if (message.kind === 'usage') {
    const { user, system } = process.threadCpuUsage();
    answer({ kind: 'took', microseconds: user + system });
  } else {
    await node.close();
    await store.close();
    process.disconnect();
  }
});
answer({ kind: 'laid', cases: [...reads.keys()], http: node.http });
