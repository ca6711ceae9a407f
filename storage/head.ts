/**
 * The head record on disk: `[height, blockId(bin 32), tsMs, [hash(bin 32), …], operations, transactions]`,
 * positional MessagePack. Unlike records of the chain it is never hashed or sent, so the general decoder will do;
 * bytes that are not a head mean a damaged database.
 */
import { Packr } from 'msgpackr';
import { fromHex, toHex } from '../events/bytes.ts';
import { StorageError } from './errors.ts';
import type { Head } from './port.ts';

const packr = new Packr({ useRecords: false });

/**
 * The bytes of `head`.
 * @throws RangeError for a head that could not be read again (a bug of the caller)
 */
export function encodeHead(head: Head): Uint8Array {
  const { height, blockId, tsMs, frontier, operations, transactions } = head;
  if (![height, tsMs, operations, transactions].every(isCount) || !frontier.every(isHash))
    throw new RangeError('the head of a group must hold whole numbers and hashes');
  return packr.pack([height, fromHex(blockId), tsMs, frontier, operations, transactions]);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isHash(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 32;
}

/**
 * The head that `bytes` hold.
 * @throws StorageError `corrupt`
 */
export function decodeHead(bytes: Uint8Array): Head {
  let fields: unknown;
  try {
    fields = packr.unpack(bytes);
  } catch (cause) {
    throw new StorageError('corrupt', 'a head record cannot be read', { cause });
  }
  if (!Array.isArray(fields) || fields.length !== 6) throw notAHead();
  const [height, blockId, tsMs, frontier, operations, transactions]: unknown[] = fields;
  if (!isCount(height) || !isCount(tsMs) || !isCount(operations) || !isCount(transactions)) throw notAHead();
  if (!isHash(blockId) || !Array.isArray(frontier) || !frontier.every(isHash)) throw notAHead();
  // Copied out of the decoder's buffer, so that a kept head does not keep the whole of it alive.
  const hashes = frontier.map((hash) => Uint8Array.from(hash));
  return { height, blockId: toHex(blockId), tsMs, frontier: hashes, operations, transactions };
}

function notAHead(): StorageError {
  return new StorageError('corrupt', 'a head record has not the shape of one');
}
