/**
 * A small durable map of bytes to bytes: the outbox, the wallet, what the network and the market remember, whose
 * records belong to other rooms.
 */
import { concatBytes } from '../events/bytes.ts';
import { isIntact } from './checksum.ts';
import { closedError, type Table } from './environment.ts';
import { StorageError } from './errors.ts';
import { OPAQUE_KEY_BYTES_MAX } from './keys.ts';
import { PackedWrites } from './packed-writes.ts';
import { read, scanTable, type View } from './scan.ts';
import type { NodeTable } from './schema.ts';
import type { Writer } from './writer.ts';

/** One change: undefined deletes. */
export type OpaqueWrite = readonly [key: Uint8Array, value: Uint8Array | undefined];

/** An entry that is not what was written; without a key where a stretch of the table cannot be read. */
export interface DamagedEntry {
  readonly table: NodeTable;
  readonly key: string | undefined;
}

/** Bytes by key, in byte order of the keys. Keys have 1 to 512 bytes. */
export class OpaqueMap {
  readonly #name: NodeTable;
  readonly #table: Table;
  readonly #view: View;
  readonly #writer: Writer;

  constructor(name: NodeTable, table: Table, view: View, writer: Writer) {
    this.#name = name;
    this.#table = table;
    this.#view = view;
    this.#writer = writer;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return read(this.#table, this.#view, checked(key));
  }

  /** Resolves when durable. */
  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    return this.write([[key, value]]);
  }

  /** Resolves when durable; deleting what is not there is fine. */
  delete(key: Uint8Array): Promise<void> {
    return this.write([[key, undefined]]);
  }

  /** Several changes in one transaction. */
  async write(changes: Iterable<OpaqueWrite>): Promise<void> {
    if (this.#writer.closing) throw closedError();
    const writes = new PackedWrites();
    for (const [key, value] of changes) {
      if (value) writes.put(this.#name, checked(key), value);
      else writes.delete(this.#name, checked(key));
    }
    await this.#writer.submit(writes);
  }

  /** Entries whose key begins with `prefix` (empty for all) and comes after `after`, ascending. */
  list(
    prefix: Uint8Array = new Uint8Array(0),
    page: { readonly after?: Uint8Array | undefined; readonly limit?: number } = {},
  ): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    const { after, limit } = page;
    // The next key that there can be: keys are bytes, and a zero byte more is the smallest step.
    const start = after && concatBytes(after, Uint8Array.of(0));
    return scanTable(this.#table, this.#view, { prefix, start, limit });
  }
}

/** Entries of `table` that are not what was written, or that some are missing, found without believing any. */
export function* damagedEntries(name: NodeTable, table: Table, view: View): Generator<DamagedEntry> {
  const { tableId } = table;
  let isWhole = true;
  for (const { key, value } of table.getRange({})) {
    if (isIntact(tableId, key, value)) continue;
    isWhole = false;
    yield { table: name, key: Buffer.from(key).toString() };
  }
  if (!isWhole) return;
  try {
    view.intact.assertWhole(tableId, new Uint8Array(0), undefined);
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error;
    yield { table: name, key: undefined };
  }
}

function checked(key: Uint8Array): Uint8Array {
  if (key.length === 0 || key.length > OPAQUE_KEY_BYTES_MAX) {
    throw new RangeError(`a key has 1 to ${OPAQUE_KEY_BYTES_MAX} bytes, not ${key.length}`);
  }
  return key;
}
