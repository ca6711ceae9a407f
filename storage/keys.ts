/**
 * How keys are laid out, in one place.
 *
 * Every key function writes into one shared buffer and returns a view of it: a key is needed for the length of
 * one call (LMDB and the packed writes copy it at once), and an allocation per key would cost more than the
 * look-up. So: **a key is valid until the next key is made**. Whoever keeps one copies it (`.slice()`).
 */
import { concatBytes, fromHex, utf8, writeHex } from '../events/bytes.ts';

/** An id or hash: 64 lower-case hex digits, or the 32 raw bytes where the caller has them at hand. */
export type Id = string | Uint8Array;

const ID_BYTES = 32;
const GROUP_BYTES = 4;

/**
 * The longest state key, in bytes of UTF-8. LMDB with pages of 4 KiB holds keys of 1,978 bytes; the longest key
 * of the rules (two names of 256 characters beside an id) is about 1,100. Checked when the store is opened.
 */
export const STATE_KEY_BYTES_MAX = 1_536;

/** The longest key of the outbox and the wallet, in bytes. */
export const OPAQUE_KEY_BYTES_MAX = 512;

/** The longest key of all, with its prefix: what the database must be able to hold. */
export const KEY_BYTES_MAX = GROUP_BYTES + STATE_KEY_BYTES_MAX;

const SCRATCH_BYTES = 2048;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** Views of the shared buffer by their length: to make one costs a tenth of a look-up. */
const views: (Uint8Array | undefined)[] = Array.from({ length: SCRATCH_BYTES + 1 }, () => undefined);

/** The first `length` bytes of the shared buffer. A plain array: `slice()` of a `Buffer` would not copy. */
function made(length: number): Uint8Array {
  const known = views[length];
  if (known !== undefined) return known;
  const view = new Uint8Array(scratch.buffer, scratch.byteOffset, length);
  views[length] = view;
  return view;
}

function writeId(id: Id, at: number): number {
  if (id.length !== (typeof id === 'string' ? 2 * ID_BYTES : ID_BYTES)) {
    throw new RangeError(`an id has ${ID_BYTES} bytes, not the length ${id.length}`);
  }
  if (typeof id === 'string') writeHex(id, scratch, at);
  else scratch.set(id, at);
  return at + ID_BYTES;
}

/** (group) */
export function groupKey(group: number): Uint8Array {
  return made(scratch.writeUInt32BE(group, 0));
}

/** (group, height); throws `RangeError` unless 0 ≤ height < 2^48. */
export function heightKey(group: number, height: number): Uint8Array {
  scratch.writeUInt32BE(group, 0);
  return made(scratch.writeUIntBE(height, GROUP_BYTES, 6));
}

/** (group, id) */
export function groupIdKey(group: number, id: Id): Uint8Array {
  scratch.writeUInt32BE(group, 0);
  return made(writeId(id, GROUP_BYTES));
}

/** (id) */
export function idKey(id: Id): Uint8Array {
  return made(writeId(id, 0));
}

/** (id, n) */
export function chunkKey(id: Id, n: number): Uint8Array {
  return made(scratch.writeUInt32BE(n, writeId(id, 0)));
}

/** (group, level, index) */
export function nodeKey(group: number, level: number, index: number): Uint8Array {
  scratch.writeUInt32BE(group, 0);
  scratch.writeUInt8(level, GROUP_BYTES);
  return made(scratch.writeUIntBE(index, GROUP_BYTES + 1, 6));
}

/**
 * (group, key as UTF-8); an empty key stands for the whole group in ranges.
 * @throws RangeError when the key is longer than `STATE_KEY_BYTES_MAX` or not well-formed Unicode.
 */
export function stateKey(group: number, key: string): Uint8Array {
  checkStateKey(key);
  scratch.writeUInt32BE(group, 0);
  return made(GROUP_BYTES + scratch.write(key, GROUP_BYTES, 'utf8'));
}

/** Throws `RangeError` unless `key` may be (the beginning of) a state key. */
export function checkStateKey(key: string): void {
  if (key.length * 3 > STATE_KEY_BYTES_MAX && Buffer.byteLength(key) > STATE_KEY_BYTES_MAX) {
    throw new RangeError(`a state key has at most ${STATE_KEY_BYTES_MAX} bytes`);
  }
  // Two broken strings would become the same bytes, and so the same entry.
  if (!key.isWellFormed()) throw new RangeError('a state key is well-formed Unicode');
}

/** The text of a state key on disk. */
export function stateKeyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8', GROUP_BYTES);
}

/** The number that ends `key` as u48: a height, an index or a size. */
export function lastUint48(bytes: Uint8Array): number {
  return uint48At(bytes, bytes.length - 6);
}

/** The u48 at `at`. By hand: a short array has no buffer of its own until it is asked for, and that is dear. */
export function uint48At(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 8) | bytes[at + 1]!;
  const low =
    ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0;
  return high * 2 ** 32 + low;
}

/** A u48 as 6 bytes of its own. */
export function uint48(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
}

/** A registry key: `text`, or `text` and an id. The result is the caller's own. */
export function registryKey(text: string, id?: Id): Uint8Array {
  if (id === undefined) return utf8(text);
  return concatBytes(utf8(text), typeof id === 'string' ? fromHex(id) : id);
}

/** The least byte string above every one that starts with `prefix`, or undefined when there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 255) length--;
  if (length === 0) return undefined;
  const next = prefix.slice(0, length);
  next[length - 1] = next[length - 1]! + 1;
  return next;
}
