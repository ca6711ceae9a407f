/**
 * The state of a group: a key-value map whose values are positional records, and the overlay in which rules
 * change it.
 *
 * Reads go through three layers, the transaction's writes, the block's, and the base (storage, or memory in a
 * replay). A refused transaction drops its layer and leaves no trace; a judged block hands its layer to whoever
 * commits it. Values are frozen by convention: a rule puts a new object instead of changing one.
 */
import { compareUtf8 } from '../events/bytes.ts';
import type { Codec } from '../events/codec.ts';
import type { Writer } from '../events/writer.ts';

/** A namespace of the state: its prefix, and the record that stands under each of its keys. */
export interface Table<T> {
  /** Text before the id, with its slash; a table of one record has no slash and the empty id. */
  readonly prefix: string;
  readonly codec: Codec<T>;
  /** Whether ids are free text, whose order in UTF-8 may differ from JavaScript's. */
  readonly textIds: boolean;
}

/** What lies below the overlay. Values come decoded so that the base may cache them. */
export interface StateBase {
  get<T>(table: Table<T>, id: string): T | undefined;
  /** Ids of `table` that begin with `idPrefix`, ascending by their UTF-8 bytes. */
  ids(table: Table<unknown>, idPrefix: string): Iterable<string>;
}

/** What a rule sees. */
export interface StateView {
  get<T>(table: Table<T>, id: string): T | undefined;
  put<T>(table: Table<T>, id: string, value: T): void;
  delete(table: Table<unknown>, id: string): void;
  ids(table: Table<unknown>, idPrefix: string): string[];
}

/** A written key: its new value (`undefined`: deleted) and, once encoded, the bytes that were hashed. */
export interface Write {
  readonly table: Table<unknown>;
  readonly id: string;
  readonly value: unknown;
  bytes: Uint8Array | undefined;
}

const SURROGATE = /[\ud800-\udfff]/;

export class Overlay implements StateView {
  private readonly base: StateBase;
  private transactionWrites = new Map<string, Write>();
  private blockWrites = new Map<string, Write>();
  private hasTextIds = false;

  constructor(base: StateBase) {
    this.base = base;
  }

  get<T>(table: Table<T>, id: string): T | undefined {
    const key = table.prefix + id;
    const write = this.transactionWrites.get(key) ?? this.blockWrites.get(key);
    if (write !== undefined) return write.value as T | undefined;
    return this.base.get(table, id);
  }

  /** The value as it was before the open transaction. */
  getBefore<T>(table: Table<T>, id: string): T | undefined {
    const write = this.blockWrites.get(table.prefix + id);
    return write === undefined ? this.base.get(table, id) : (write.value as T | undefined);
  }

  put<T>(table: Table<T>, id: string, value: T): void {
    if (table.textIds) this.hasTextIds = true;
    this.transactionWrites.set(table.prefix + id, {
      table: table as Table<unknown>,
      id,
      value,
      bytes: undefined,
    });
  }

  delete(table: Table<unknown>, id: string): void {
    if (table.textIds) this.hasTextIds = true;
    this.transactionWrites.set(table.prefix + id, { table, id, value: undefined, bytes: undefined });
  }

  ids(table: Table<unknown>, idPrefix: string): string[] {
    const found = new Set(this.base.ids(table, idPrefix));
    for (const layer of [this.blockWrites, this.transactionWrites]) {
      for (const write of layer.values()) {
        if (write.table.prefix !== table.prefix || !write.id.startsWith(idPrefix)) continue;
        if (write.value === undefined) found.delete(write.id);
        else found.add(write.id);
      }
    }
    return [...found].sort(compareUtf8);
  }

  /** The open transaction's writes, unsorted. */
  openWrites(): Iterable<Write> {
    return this.transactionWrites.values();
  }

  /** Forgets the open transaction. */
  dropTransaction(): void {
    this.transactionWrites.clear();
    this.hasTextIds = false;
  }

  /**
   * Ends the open transaction: its writes join the block's and are appended to `effects` as
   * `[[key, value | nil], …]`, ascending by key. The values' bytes are kept for storage.
   */
  commitTransaction(effects: Writer): void {
    const writes = this.transactionWrites;
    effects.arrayHeader(writes.size);
    for (const key of this.sortedKeys()) {
      const write = writes.get(key)!;
      effects.arrayHeader(2);
      effects.text(key);
      if (write.value === undefined) {
        effects.nil();
      } else {
        const start = effects.length;
        write.table.codec.write(effects, write.value);
        write.bytes = effects.bytesSince(start);
      }
      this.blockWrites.set(key, write);
    }
    this.dropTransaction();
  }

  private sortedKeys(): string[] {
    const keys = [...this.transactionWrites.keys()];
    if (keys.length < 2) return keys;
    keys.sort();
    // Code-unit order is byte order unless surrogates are about, and only free-text ids can hold them.
    if (this.hasTextIds && keys.some((key) => SURROGATE.test(key))) keys.sort(compareUtf8);
    return keys;
  }

  /** The block's writes so far by key; a later write of the same key has replaced an earlier one. */
  takeBlock(): Map<string, Write> {
    const writes = this.blockWrites;
    this.blockWrites = new Map();
    return writes;
  }
}
