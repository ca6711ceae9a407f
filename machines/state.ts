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
  /** The table's place among all tables by prefix. No prefix begins another, so places and ids order the keys. */
  readonly slot: number;
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

/**
 * Writes by table and id: one map per table, since joining prefix and id for every look-up costs more than all
 * the rest of it.
 */
export class WriteSet implements Iterable<readonly [key: string, write: Write]> {
  private readonly maps: (Map<string, Write> | undefined)[] = [];
  /** Slots that have writes; clearing and walking then cost what was written, not how many tables there are. */
  private readonly used: number[] = [];
  size = 0;

  get(table: Table<unknown>, id: string): Write | undefined {
    return this.maps[table.slot]?.get(id);
  }

  set(write: Write): void {
    const { slot } = write.table;
    let map = this.maps[slot];
    if (map === undefined) {
      map = new Map();
      this.maps[slot] = map;
    }
    if (map.size === 0) this.used.push(slot);
    const before = map.size;
    map.set(write.id, write);
    this.size += map.size - before;
  }

  clear(): void {
    for (const slot of this.used) this.maps[slot]!.clear();
    this.used.length = 0;
    this.size = 0;
  }

  /** The maps of tables that have writes, in the order of their slots. */
  tables(): ReadonlyMap<string, Write>[] {
    if (this.used.length > 1) this.used.sort((a, b) => a - b);
    return this.used.map((slot) => this.maps[slot]!);
  }

  /** All writes, table by table in the order of their slots. */
  *writes(): Generator<Write> {
    for (const map of this.tables()) yield* map.values();
  }

  /** The writes of one table by id. */
  of(table: Table<unknown>): ReadonlyMap<string, Write> | undefined {
    return this.maps[table.slot];
  }

  *[Symbol.iterator](): Generator<readonly [key: string, write: Write]> {
    for (const write of this.writes()) yield [write.table.prefix + write.id, write];
  }
}

const SURROGATE = /[\ud800-\udfff]/;

export class Overlay implements StateView {
  private readonly base: StateBase;
  private readonly transactionWrites = new WriteSet();
  private blockWrites = new WriteSet();

  constructor(base: StateBase) {
    this.base = base;
  }

  get<T>(table: Table<T>, id: string): T | undefined {
    const write =
      this.transactionWrites.get(table as Table<unknown>, id) ??
      this.blockWrites.get(table as Table<unknown>, id);
    if (write !== undefined) return write.value as T | undefined;
    return this.base.get(table, id);
  }

  /** The value as it was before the open transaction. */
  getBefore<T>(table: Table<T>, id: string): T | undefined {
    const write = this.blockWrites.get(table as Table<unknown>, id);
    return write === undefined ? this.base.get(table, id) : (write.value as T | undefined);
  }

  put<T>(table: Table<T>, id: string, value: T): void {
    this.transactionWrites.set({ table: table as Table<unknown>, id, value, bytes: undefined });
  }

  delete(table: Table<unknown>, id: string): void {
    this.transactionWrites.set({ table, id, value: undefined, bytes: undefined });
  }

  ids(table: Table<unknown>, idPrefix: string): string[] {
    const found = new Set(this.base.ids(table, idPrefix));
    for (const layer of [this.blockWrites, this.transactionWrites]) {
      for (const [id, write] of layer.of(table) ?? []) {
        if (!id.startsWith(idPrefix)) continue;
        if (write.value === undefined) found.delete(id);
        else found.add(id);
      }
    }
    return [...found].sort(compareUtf8);
  }

  /** The open transaction's writes, unsorted. */
  openWrites(): Iterable<Write> {
    return this.transactionWrites.writes();
  }

  /** The open transaction's writes of one table. */
  openWritesOf(table: Table<unknown>): ReadonlyMap<string, Write> | undefined {
    return this.transactionWrites.of(table);
  }

  /** Forgets the open transaction. */
  dropTransaction(): void {
    this.transactionWrites.clear();
  }

  /**
   * Ends the open transaction: its writes join the block's and are appended to `effects` as
   * `[[key, value | nil], …]`, ascending by key. The values' bytes are kept for storage.
   */
  commitTransaction(effects: Writer): void {
    effects.arrayHeader(this.transactionWrites.size);
    for (const writes of this.transactionWrites.tables())
      for (const id of sortedIds(writes)) this.commitWrite(writes.get(id)!, effects);
    this.transactionWrites.clear();
  }

  private commitWrite(write: Write, effects: Writer): void {
    effects.arrayHeader(2);
    effects.text(write.table.prefix, write.id);
    if (write.value === undefined) {
      effects.nil();
    } else {
      const start = effects.length;
      write.table.codec.write(effects, write.value);
      write.bytes = effects.bytesSince(start);
    }
    this.blockWrites.set(write);
  }

  /** The block's writes so far; a later write of the same key has replaced an earlier one. */
  takeBlock(): WriteSet {
    const writes = this.blockWrites;
    this.blockWrites = new WriteSet();
    return writes;
  }
}

/** Ids ascending by their UTF-8 bytes. */
function sortedIds(writes: ReadonlyMap<string, Write>): Iterable<string> {
  if (writes.size < 2) return writes.keys();
  const ids = [...writes.keys()].sort();
  const [first] = writes.values();
  // Code-unit order is byte order unless surrogates are about, and only free-text ids can hold them.
  if (first!.table.textIds && ids.some((id) => SURROGATE.test(id))) ids.sort(compareUtf8);
  return ids;
}
