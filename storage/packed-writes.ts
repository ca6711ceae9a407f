/**
 * Writes as one run of bytes, to cross a thread boundary without copies of small objects.
 *
 *   [table u8 (+128 to delete)] [keyLength u16] [valueLength u32] [key] [value]        little-endian, repeated
 *
 * A value has the room of its checksum behind it; the writer thread fills it in, since it has the time.
 *
 * Everything is copied in when it is added: after that the caller's buffers are its own again, and a batch
 * that cannot be encoded fails before anything of it was sent.
 */
import { CHECKSUM_BYTES, seal } from './checksum.ts';
import { TABLE_ID, type TableName } from './schema.ts';

const HEADER_BYTES = 7;
const DELETE = 128;
const FIRST_BYTES = 4096;

/** A growing run of writes. */
export class PackedWrites {
  #bytes: Buffer;
  #length = 0;
  #count = 0;
  readonly #tables = new Set<number>();

  constructor(sizeHint = FIRST_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, sizeHint));
  }

  /** Adds a put; `key` and `value` are copied. */
  put(table: TableName, key: Uint8Array, value: Uint8Array): void {
    this.#tables.add(TABLE_ID[table]);
    const at = this.#open(TABLE_ID[table], key, value.length + CHECKSUM_BYTES);
    this.#bytes.set(value, at);
    this.#length = at + value.length + CHECKSUM_BYTES;
  }

  /** Adds a put whose value is `head` and then `tail`. */
  putParts(table: TableName, key: Uint8Array, head: Uint8Array, tail: Uint8Array): void {
    this.#tables.add(TABLE_ID[table]);
    const at = this.#open(TABLE_ID[table], key, head.length + tail.length + CHECKSUM_BYTES);
    this.#bytes.set(head, at);
    this.#bytes.set(tail, at + head.length);
    this.#length = at + head.length + tail.length + CHECKSUM_BYTES;
  }

  /** Adds a deletion. */
  delete(table: TableName, key: Uint8Array): void {
    this.#length = this.#open(TABLE_ID[table] | DELETE, key, 0);
  }

  /** Whether it puts something into a table. */
  puts(table: TableName): boolean {
    return this.#tables.has(TABLE_ID[table]);
  }

  /** How many writes it holds. */
  get count(): number {
    return this.#count;
  }

  /** The bytes, to be transferred; the object is empty afterwards. */
  take(): ArrayBuffer {
    // Shrinking in place: what is transferred is what was written, and no copy is made.
    const bytes = (this.#bytes.buffer as ArrayBuffer).transfer(this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(0);
    this.#length = 0;
    this.#count = 0;
    return bytes;
  }

  #open(tag: number, key: Uint8Array, valueLength: number): number {
    const at = this.#length;
    const end = at + HEADER_BYTES + key.length + valueLength;
    if (end > this.#bytes.length) this.#grow(end);
    this.#count++;
    const bytes = this.#bytes;
    bytes[at] = tag;
    bytes.writeUInt16LE(key.length, at + 1);
    bytes.writeUInt32LE(valueLength, at + 3);
    bytes.set(key, at + HEADER_BYTES);
    return at + HEADER_BYTES + key.length;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/**
 * Calls back for each write in `packed`, in order; `value`, with its checksum behind it, is undefined for a deletion.
 * Views, not copies.
 */
export function forEachWrite(
  packed: ArrayBuffer,
  use: (tableId: number, key: Uint8Array, value: Uint8Array | undefined) => void,
): void {
  const bytes = Buffer.from(packed);
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    const keyEnd = at + HEADER_BYTES + bytes.readUInt16LE(at + 1);
    const valueEnd = keyEnd + bytes.readUInt32LE(at + 3);
    const key = bytes.subarray(at + HEADER_BYTES, keyEnd);
    if (tag >= DELETE) use(tag - DELETE, key, undefined);
    else {
      const stored = bytes.subarray(keyEnd, valueEnd);
      seal(tag, key, stored);
      use(tag, key, stored);
    }
    at = valueEnd;
  }
}
