/**
 * A store against its own log: the indexes block by block while the log is judged, then the head and the state.
 *
 * The log decides and the rest follows from it, so a difference means that the database was damaged or written by
 * somebody else. What a store has too much is found in the state; the indexes can only be asked, not listed.
 */
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../crypto/hash.ts';
import { compareUtf8, equalBytes, type Hex32 } from '../../events/bytes.ts';
import { replacedBy } from '../../machines/spent.ts';
import { decodeEffects, encodeEffects } from '../../storage/effects.ts';
import type { GroupReader, Head, TxLocation } from '../../storage/port.ts';
import type { FinalBlock } from '../chain/judge.ts';
import type { Finding, IndexName } from './findings.ts';
import type { Pace } from './progress.ts';
import type { MemoryChain, Place } from './replay.ts';
import { readable } from './source.ts';

/** The first way in which the indexes disagree with a judged block. */
export function checkIndexes(reader: GroupReader, final: FinalBlock): Finding | undefined {
  return (
    checkBlockIndexes(reader, final) ??
    checkNodes(reader, final) ??
    checkTransactions(reader, final) ??
    checkEffects(reader, final)
  );
}

const mismatch = (place: Place, index: IndexName, what: string): Finding => ({
  ...place,
  check: 'index_mismatch',
  index,
  what,
});

function checkBlockIndexes(reader: GroupReader, { header, blockId }: FinalBlock): Finding | undefined {
  const { height } = header;
  const id = reader.blockId(height);
  if (id !== blockId) return mismatch({ height }, 'block_ids', id === undefined ? 'no id' : `it says ${id}`);
  const found = reader.heightOf(blockId);
  if (found === height) return undefined;
  return mismatch({ height }, 'heights', found === undefined ? 'no height' : `it says height ${found}`);
}

function checkNodes(reader: GroupReader, { header, nodes }: FinalBlock): Finding | undefined {
  for (const { level, index, hash } of nodes) {
    const stored = reader.node(level, index);
    if (stored !== undefined && equalBytes(stored, hash)) continue;
    const what = `node ${index} of level ${level} ${stored === undefined ? 'is missing' : 'is another one'}`;
    return mismatch({ height: header.height }, 'history_nodes', what);
  }
  return undefined;
}

function checkTransactions(reader: GroupReader, { header, judged }: FinalBlock): Finding | undefined {
  const { height } = header;
  for (const [index, transaction] of judged.accepted.entries()) {
    const { txId, txIdBytes } = transaction;
    const place = { height, transaction: index, txId };
    const replaced = replacedBy(transaction, sha256);
    const wrong = wrongLocation(txId, place, () => reader.txLocation(txIdBytes));
    if (wrong !== undefined) return mismatch(place, 'transactions', wrong);
    if (replaced === undefined) continue;
    const wrongReplaced = wrongLocation(replaced, place, () => reader.replacement(replaced));
    if (wrongReplaced !== undefined) return mismatch(place, 'replacements', wrongReplaced);
  }
  return undefined;
}

function wrongLocation(
  id: Hex32,
  expected: { readonly height: number; readonly transaction: number },
  read: () => TxLocation | undefined,
): string | undefined {
  const found = readable(read);
  if (found === undefined) return `nothing readable about ${id}`;
  const { height, index } = found;
  if (height === expected.height && index === expected.transaction) return undefined;
  return `it puts ${id} at block ${height}, transaction ${index}`;
}

function checkEffects(reader: GroupReader, { header, judged }: FinalBlock): Finding | undefined {
  const { height } = header;
  const stored = reader.effects(height);
  if (stored === undefined) return mismatch({ height }, 'effects', 'none are kept');
  // Equal bytes are the rule; a later version may write the same effects in other bytes.
  if (equalBytes(stored, encodeEffects(judged.effects))) return undefined;
  try {
    if (isDeepStrictEqual(decodeEffects(stored), judged.effects)) return undefined;
  } catch {
    return mismatch({ height }, 'effects', 'they cannot be read');
  }
  return mismatch({ height }, 'effects', 'they are others');
}

/** The first field in which the stored head differs from the chain as it was judged. */
export function checkHead(head: Head | undefined, chain: MemoryChain): Finding | undefined {
  const { tip } = chain.judge;
  const height = chain.height;
  const wrong = (field: string): Finding => ({ height, check: 'head_mismatch', field });
  if (head === undefined || tip === undefined) return wrong('height');
  const peaks = tip.frontier.peaks();
  if (head.height !== tip.height) return wrong('height');
  if (head.blockId !== tip.blockId) return wrong('blockId');
  if (head.tsMs !== tip.tsMs) return wrong('tsMs');
  if (head.transactions !== chain.transactions) return wrong('transactions');
  if (head.operations !== chain.operations) return wrong('operations');
  const { frontier } = head;
  const same = frontier.length === peaks.length && frontier.every((hash, at) => equalBytes(hash, peaks[at]!));
  return same ? undefined : wrong('frontier');
}

/**
 * Compares the stored state key by key with the recomputed one, lets others work in between, and gives the first
 * difference in the order of keys.
 */
export async function checkState(
  reader: GroupReader,
  chain: MemoryChain,
  pace: Pace,
): Promise<Finding | undefined> {
  const { height, operations } = chain;
  /** What has not been met yet. */
  const left = new Map<string, Uint8Array>(chain.state.entries());
  let first: Difference | undefined;
  for (const [key, actual] of reader.stateRange('')) {
    const expected = left.get(key);
    left.delete(key);
    if (expected === undefined || !equalBytes(expected, actual)) {
      first = { key, expected, actual };
      break;
    }
    const turn = pace.step(height, operations);
    if (turn !== undefined) await turn;
  }
  // What is missing may come before what is wrong, or be all that is wrong.
  for (const [key, expected] of left) {
    if (first !== undefined && compareUtf8(first.key, key) <= 0) continue;
    if (reader.state(key) === undefined) first = { key, expected, actual: undefined };
  }
  return first && { height, check: 'state_mismatch', ...first };
}

interface Difference {
  readonly key: string;
  readonly expected: Uint8Array | undefined;
  readonly actual: Uint8Array | undefined;
}
