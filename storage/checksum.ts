/**
 * The checksum that follows every value on disk: over the table's id, the key and the value.
 *
 * It finds what a disk, a cable or another program did to the bytes, and a value that stands under another key or in
 * another table than it was written to. It is no defense against somebody who makes their own checksum: what
 * stands in a chain is signed, and an audit checks it.
 *
 * Values are short nearly always, and a call into zlib costs more than 200 ns. So keys and short values are mixed
 * here, four bytes at a step (about 1 ns); each step can be undone, so bytes that differ in one word never meet in
 * one sum. Long values go through the CRC-32 of zlib, which uses the processor's own instructions (2 GB/s and more).
 */
import { crc32 } from 'node:zlib';
import { StorageError } from './errors.ts';
import { NODE_TABLES, type TableName } from './schema.ts';

/** What a checksum takes behind its value. */
export const CHECKSUM_BYTES = 4;
/** Where the CRC-32 of zlib is as fast as the mixing here: measured between 500 and 1,000 bytes. */
const MIXED_BYTES_MAX = 768;

const FACTOR = 0x9e3779b1 | 0;

function mix(seed: number, bytes: Uint8Array, length: number): number {
  let sum = Math.imul(seed ^ length, FACTOR);
  const words = length & ~3;
  let at = 0;
  for (; at < words; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    sum = Math.imul(sum ^ word, FACTOR);
    sum ^= sum >>> 15;
  }
  for (; at < length; at++) {
    sum = Math.imul(sum ^ bytes[at]!, FACTOR);
    sum ^= sum >>> 15;
  }
  return sum;
}

/** The checksum of the first `length` bytes of `value` under `key` in the table with this id; a u32. */
export function checksumOf(tableId: number, key: Uint8Array, value: Uint8Array, length: number): number {
  const sum = mix(tableId + 1, key, key.length);
  if (length <= MIXED_BYTES_MAX) return mix(sum, value, length) >>> 0;
  return crc32(length === value.length ? value : value.subarray(0, length), sum >>> 0);
}

/** Whether `stored`, a value with its checksum behind it, is what was written under `key`. */
export function isIntact(tableId: number, key: Uint8Array, stored: Uint8Array): boolean {
  const length = stored.length - CHECKSUM_BYTES;
  if (length < 0) return false;
  const sum =
    stored[length]! | (stored[length + 1]! << 8) | (stored[length + 2]! << 16) | (stored[length + 3]! << 24);
  return sum >>> 0 === checksumOf(tableId, key, stored, length);
}

/** Writes the checksum into the last four bytes of `stored`. */
export function seal(tableId: number, key: Uint8Array, stored: Uint8Array): void {
  const length = stored.length - CHECKSUM_BYTES;
  const sum = checksumOf(tableId, key, stored, length);
  stored[length] = sum;
  stored[length + 1] = sum >>> 8;
  stored[length + 2] = sum >>> 16;
  stored[length + 3] = sum >>> 24;
}

/** What is said of a value without its checksum. */
export function damagedValue(table: TableName): StorageError {
  const what = `the database is damaged: a value in ${table} is not what was written`;
  // What belongs to a group comes back with it; nobody else has what is the node's own.
  const isOwn = NODE_TABLES.some((name) => name === table);
  return new StorageError(
    'corrupt',
    isOwn ? `${what}; restore the node from a backup with lb restore` : what,
  );
}
