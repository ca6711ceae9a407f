/**
 * A checkpoint: the state of a group after one block, with the word of the sealer of that block that it is so.
 *
 *   statement  = [1, groupId, height, blockId, operations, transactions, stateHash, recentHash]
 *   sealed     = [statement(bin), sig]      sig = Ed25519("lb/checkpoint/1\0" || statement), by the block's sealer
 *   stateHash  = SHA-256 over the entries in order of their keys: u32 length, key, u32 length, value
 *   recentHash = SHA-256 over the spent transaction ids of the last day in the order of the log, each
 *                id (32), height (u48), index (u16), kind (u8: 0 sealed, 1 replaced)
 *
 * What was spent longer ago than a day can only come again as what a later transaction `replaces`; whoever
 * began at a checkpoint finds that out once they have filled in the history behind it. All integers are
 * big-endian.
 */
import { createHash } from 'node:crypto';
import { fromHex, type Hex32, utf8 } from '../../events/bytes.ts';
import type { Of } from '../../events/codec.ts';
import {
  blob,
  boolean,
  bytesOf,
  exactly,
  id,
  list,
  milliseconds,
  record,
  text,
  uint,
} from '../../events/fields.ts';
import { TRANSACTION_AGE_MS_MAX, TRANSACTION_LEAD_MS_MAX } from '../../events/limits.ts';

export const CHECKPOINT_PREFIX = utf8('lb/checkpoint/1\0');
const KEY_BYTES_MAX = 1_536;
const VALUE_BYTES_MAX = 1024 * 1024;
const ENTRIES_PER_PART_MAX = 65_536;
const STATEMENT_BYTES_MAX = 256;

const height = uint(2 ** 48 - 1);

export const statementCodec = record({
  version: exactly(1),
  groupId: id,
  height,
  blockId: id,
  operations: milliseconds,
  transactions: milliseconds,
  stateHash: bytesOf(32),
  recentHash: bytesOf(32),
});
export type Statement = Of<typeof statementCodec>;

export const sealedStatementCodec = record({
  statement: blob(STATEMENT_BYTES_MAX),
  signature: bytesOf(64),
});
export type SealedStatement = Of<typeof sealedStatementCodec>;

const entryCodec = record({ key: text({ maxBytes: KEY_BYTES_MAX, min: 1 }), value: blob(VALUE_BYTES_MAX) });
export type StateEntry = Of<typeof entryCodec>;
export const entriesCodec = list(entryCodec, { max: ENTRIES_PER_PART_MAX });

const spentCodec = record({ txId: id, height, index: uint(65_535), replaced: boolean });
export type SpentEntry = Of<typeof spentCodec>;
export const spentListCodec = list(spentCodec, { max: ENTRIES_PER_PART_MAX });

/** Block time from which on spent ids belong to a checkpoint whose block has this time. */
export function recentSinceMs(tsMs: number): number {
  return tsMs - TRANSACTION_AGE_MS_MAX - TRANSACTION_LEAD_MS_MAX;
}

/** Hashes a state, entry by entry in order of the keys. */
export class StateHash {
  private readonly hash = createHash('sha256');

  add(key: string, value: Uint8Array): void {
    const keyBytes = Buffer.from(key);
    this.hash.update(u32(keyBytes.length)).update(keyBytes).update(u32(value.length)).update(value);
  }

  digest(): Uint8Array {
    return new Uint8Array(this.hash.digest());
  }
}

/** Hashes spent ids in the order of the log. */
export class SpentHash {
  private readonly hash = createHash('sha256');
  private readonly place = Buffer.alloc(9);

  add(
    txId: Hex32,
    at: { readonly height: number; readonly index: number; readonly replaced: boolean },
  ): void {
    this.place.writeUIntBE(at.height, 0, 6);
    this.place.writeUInt16BE(at.index, 6);
    this.place.writeUInt8(at.replaced ? 1 : 0, 8);
    this.hash.update(fromHex(txId)).update(this.place);
  }

  digest(): Uint8Array {
    return new Uint8Array(this.hash.digest());
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
