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

/** Where the keys of a table are, whatever stands under them. */
export interface TableKeys {
  /** Text before the id, with its slash; a table of one record has no slash and the empty id. */
  readonly prefix: string;
  /** The table's place among all tables by prefix. No prefix begins another, so places and ids order the keys. */
  readonly slot: number;
  /** Whether ids are free text, whose order in UTF-8 may differ from JavaScript's. */
  readonly textIds: boolean;
}

/** A namespace of the state: its prefix, and the record that stands under each of its keys. */
export interface Table<T> extends TableKeys {
  readonly codec: Codec<T>;
}

/** What lies below the overlay. Values come decoded so that the base may cache them. */
export interface StateBase {
  get<T>(table: Table<T>, id: string): T | undefined;
  /** Ids of `table` that begin with `idPrefix`, ascending by their UTF-8 bytes. */
  ids(table: TableKeys, idPrefix: string): Iterable<string>;
}

/** What a rule sees. */
export interface StateView {
  get<T>(table: Table<T>, id: string): T | undefined;
  put<T>(table: Table<T>, id: string, value: T): void;
  delete(table: Table<unknown>, id: string): void;
  ids(table: TableKeys, idPrefix: string): string[];
  /** The first so many ids that begin with `owner`, which ends with a slash: what a rule may walk through. */
  firstIds(table: TableKeys, owner: string, limit: number): string[];
}

/** A written key: its new value (`undefined`: deleted) and, once encoded, where the bytes are that were hashed. */
export class Write {
  readonly table: Table<unknown>;
  readonly id: string;
  value: unknown;
  private encoded: { readonly writer: Writer; readonly start: number; readonly end: number } | undefined;

  constructor(table: Table<unknown>, id: string, value: unknown) {
    this.table = table;
    this.id = id;
    this.value = value;
  }

  /** Encodes the value where its effects are hashed. */
  encode(writer: Writer): void {
    if (this.value === undefined) {
      writer.nil();
      return;
    }
    const start = writer.length;
    this.table.codec.write(writer, this.value);
    this.encoded = { writer, start, end: writer.length };
  }

  /** Bytes of the encoded value. */
  get size(): number {
    return this.encoded === undefined ? 0 : this.encoded.end - this.encoded.start;
  }

  /** The encoded value; made when asked for, since a replay never asks. */
  get bytes(): Uint8Array | undefined {
    return this.encoded?.writer.bytesBetween(this.encoded.start, this.encoded.end);
  }
}

/** What was written of a record: its new value, or that it is gone. */
export interface Written<T> {
  readonly value: T | undefined;
}

/**
 * Ids of the form `<owner>/<rest>` by their owner, so that what one owner has is found without a look at all. Made
 * when it is first asked for, and kept up from then on.
 */
export class OwnedIds {
  private readonly byOwner = new Map<string, Set<string>>();

  constructor(ids: Iterable<string>) {
    for (const id of ids) this.add(id);
  }

  /** Whether a prefix of ids is an owner with its slash. */
  static isOwner(idPrefix: string): boolean {
    return idPrefix !== '' && idPrefix.indexOf('/') === idPrefix.length - 1;
  }

  add(id: string): void {
    const owner = id.slice(0, id.indexOf('/') + 1);
    const owned = this.byOwner.get(owner);
    if (owned === undefined) this.byOwner.set(owner, new Set([id]));
    else owned.add(id);
  }

  delete(id: string): void {
    const owner = id.slice(0, id.indexOf('/') + 1);
    const owned = this.byOwner.get(owner);
    owned?.delete(id);
    if (owned?.size === 0) this.byOwner.delete(owner);
  }

  /** @param owner with its slash */
  of(owner: string): Iterable<string> {
    return this.byOwner.get(owner) ?? [];
  }
}

/**
 * A block's writes by table and id: one map per table, since joining prefix and id for every look-up costs more
 * than all the rest of it.
 */
export class WriteSet implements Iterable<readonly [key: string, write: Write]> {
  private readonly maps: (Map<string, Write> | undefined)[] = [];
  /** Slots that have writes; walking then costs what was written, not how many tables there are. */
  private readonly used: number[] = [];
  private readonly owned: (OwnedIds | undefined)[] = [];

  get(table: TableKeys, id: string): Write | undefined {
    return this.maps[table.slot]?.get(id);
  }

  set(write: Write): void {
    const { slot } = write.table;
    let map = this.maps[slot];
    if (map === undefined) {
      map = new Map();
      this.maps[slot] = map;
      this.used.push(slot);
    }
    map.set(write.id, write);
    this.owned[slot]?.add(write.id);
  }

  /** The writes at the keys of a table whose ids begin with `owner`, which ends with a slash. */
  *ownedBy(table: TableKeys, owner: string): Generator<Write> {
    const { slot } = table;
    const map = this.maps[slot];
    if (map === undefined) return;
    this.owned[slot] ??= new OwnedIds(map.keys());
    for (const id of this.owned[slot].of(owner)) yield map.get(id)!;
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

  /** The writes at the keys of a table. */
  at(table: TableKeys): Iterable<Write> {
    return this.maps[table.slot]?.values() ?? [];
  }

  /** The records of one table that were written, by id. */
  of<T>(table: Table<T>): ReadonlyMap<string, Written<T>> | undefined {
    return this.maps[table.slot] as ReadonlyMap<string, Written<T>> | undefined;
  }

  *[Symbol.iterator](): Generator<readonly [key: string, write: Write]> {
    for (const write of this.writes()) yield [write.table.prefix + write.id, write];
  }
}

/** Up to so many writes are found by looking through them, which beats a map that must be made and emptied. */
const SCANNED_MAX = 16;

/** What one transaction writes: mostly a handful, and thousands at most. */
class TransactionWrites {
  private list: Write[] = [];
  /** The same by table and id, once there are many. */
  private index: WriteSet | undefined;

  get all(): readonly Write[] {
    return this.list;
  }

  get(table: TableKeys, id: string): Write | undefined {
    if (this.index !== undefined) return this.index.get(table, id);
    for (const write of this.list) if (write.table === table && write.id === id) return write;
    return undefined;
  }

  set(table: Table<unknown>, id: string, value: unknown): void {
    const known = this.get(table, id);
    if (known !== undefined) {
      known.value = value;
      return;
    }
    const write = new Write(table, id, value);
    this.list.push(write);
    if (this.index !== undefined) {
      this.index.set(write);
    } else if (this.list.length > SCANNED_MAX) {
      this.index = new WriteSet();
      for (const one of this.list) this.index.set(one);
    }
  }

  clear(): void {
    if (this.list.length > 0) this.list = [];
    this.index = undefined;
  }

  /** The writes, ascending by key. */
  sorted(): readonly Write[] {
    if (this.list.length > SCANNED_MAX) this.list.sort(compareWrites);
    else sortFew(this.list);
    return this.list;
  }
}

function compareWrites(a: Write, b: Write): number {
  if (a.table !== b.table) return a.table.slot - b.table.slot;
  // Code-unit order is byte order unless surrogates are about, and only free-text ids can hold them.
  if (a.table.textIds) return compareUtf8(a.id, b.id);
  return a.id < b.id ? -1 : 1;
}

/** By insertion: for a handful, `sort` costs more in what it sets up than in what it does. */
function sortFew(writes: Write[]): void {
  for (let at = 1; at < writes.length; at++) {
    const write = writes[at]!;
    let place = at;
    for (; place > 0 && compareWrites(writes[place - 1]!, write) > 0; place--)
      writes[place] = writes[place - 1]!;
    writes[place] = write;
  }
}

export class Overlay implements StateView {
  private readonly base: StateBase;
  private readonly transactionWrites = new TransactionWrites();
  private blockWrites = new WriteSet();

  constructor(base: StateBase) {
    this.base = base;
  }

  get<T>(table: Table<T>, id: string): T | undefined {
    const write = this.transactionWrites.get(table, id) ?? this.blockWrites.get(table, id);
    if (write !== undefined) return write.value as T | undefined;
    return this.base.get(table, id);
  }

  /** The value as it was before the open transaction. */
  getBefore<T>(table: Table<T>, id: string): T | undefined {
    const write = this.blockWrites.get(table, id);
    return write === undefined ? this.base.get(table, id) : (write.value as T | undefined);
  }

  put<T>(table: Table<T>, id: string, value: T): void {
    this.transactionWrites.set(table as Table<unknown>, id, value);
  }

  delete(table: Table<unknown>, id: string): void {
    this.transactionWrites.set(table, id, undefined);
  }

  ids(table: TableKeys, idPrefix: string): string[] {
    const found = new Set(this.base.ids(table, idPrefix));
    const note = ({ id, value }: Write): void => {
      if (!id.startsWith(idPrefix)) return;
      if (value === undefined) found.delete(id);
      else found.add(id);
    };
    for (const write of this.blockWrites.at(table)) note(write);
    for (const write of this.transactionWrites.all) if (write.table === table) note(write);
    return [...found].sort(compareUtf8);
  }

  firstIds(table: TableKeys, owner: string, limit: number): string[] {
    const written = new Map<string, boolean>();
    for (const { id, value } of this.blockWrites.ownedBy(table, owner)) written.set(id, value !== undefined);
    for (const write of this.transactionWrites.all)
      if (write.table === table && write.id.startsWith(owner))
        written.set(write.id, write.value !== undefined);
    const found = [...written.keys()].filter((id) => written.get(id));
    let more = limit;
    for (const id of this.base.ids(table, owner)) {
      if (more === 0) break;
      if (written.has(id)) continue;
      found.push(id);
      more--;
    }
    return found.sort(compareUtf8).slice(0, limit);
  }

  /** The open transaction's writes, unsorted. */
  openWrites(): readonly Write[] {
    return this.transactionWrites.all;
  }

  /** Forgets the open transaction. */
  dropTransaction(): void {
    this.transactionWrites.clear();
  }

  /**
   * Appends the open transaction's writes to `effects` as `[[key, value | nil], …]`, ascending by key. The values'
   * bytes are kept for storage.
   */
  encodeTransaction(effects: Writer): void {
    const writes = this.transactionWrites.sorted();
    effects.arrayHeader(writes.length);
    for (const write of writes) {
      effects.arrayHeader(2);
      effects.text(write.table.prefix, write.id);
      write.encode(effects);
    }
  }

  /** Ends the open transaction, once encoded: its writes join the block's. */
  keepTransaction(): void {
    for (const write of this.transactionWrites.all) this.blockWrites.set(write);
    this.transactionWrites.clear();
  }

  /** The block's writes so far; a later write of the same key has replaced an earlier one. */
  takeBlock(): WriteSet {
    const writes = this.blockWrites;
    this.blockWrites = new WriteSet();
    return writes;
  }
}
