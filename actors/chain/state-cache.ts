/**
 * The state as the chain actor sees it: storage, with what is judged but not yet stored on top of it, and a
 * bounded cache of decoded records between.
 *
 * The cache has two generations: what is read or written lands in the young one, and when that is full it
 * becomes the old one, whose entries are either used again (and move back) or forgotten together. That costs
 * one map look-up instead of the bookkeeping of a linked list.
 */
import { compareUtf8 } from '../../events/bytes.ts';
import { decode, encode } from '../../events/codec.ts';
import type { StateBase, Table, TableKeys, WriteSet } from '../../machines/state.ts';
import type { GroupReader } from '../../storage/port.ts';
import { CACHE_GENERATION_ENTRIES } from '../bounds.ts';

/** The part of storage that the cache reads. */
export type StateReader = Pick<GroupReader, 'state' | 'stateRange'>;

interface Pending {
  readonly value: unknown;
  readonly height: number;
}

const ABSENT = Symbol('absent');
/** Per table: records by id. */
type Generation = (Map<string, unknown> | undefined)[];

export class StateCache implements StateBase {
  private readonly reader: StateReader;
  private readonly pending: (Map<string, Pending> | undefined)[] = [];
  private readonly writesOfHeight = new Map<number, WriteSet>();
  private young: Generation = [];
  private youngSize = 0;
  private old: Generation = [];

  constructor(reader: StateReader) {
    this.reader = reader;
  }

  get<T>(table: Table<T>, id: string): T | undefined {
    const { slot } = table;
    const pending = this.pending[slot]?.get(id);
    if (pending !== undefined) return pending.value as T | undefined;
    let value = this.young[slot]?.get(id);
    if (value === undefined) {
      value = this.old[slot]?.get(id) ?? this.load(table, id);
      this.remember(slot, id, value);
    }
    return value === ABSENT ? undefined : (value as T);
  }

  private load<T>(table: Table<T>, id: string): unknown {
    const bytes = this.reader.state(table.prefix + id);
    return bytes === undefined ? ABSENT : decode(table.codec, bytes);
  }

  private remember(slot: number, id: string, value: unknown): void {
    if (this.youngSize >= CACHE_GENERATION_ENTRIES) {
      this.old = this.young;
      this.young = [];
      this.youngSize = 0;
    }
    mapAt(this.young, slot).set(id, value);
    this.youngSize++;
  }

  *ids(table: TableKeys, idPrefix: string): Iterable<string> {
    const found = new Set<string>();
    for (const [key] of this.reader.stateRange(table.prefix + idPrefix))
      found.add(key.slice(table.prefix.length));
    for (const [id, { value }] of this.pending[table.slot] ?? []) {
      if (!id.startsWith(idPrefix)) continue;
      if (value === undefined) found.delete(id);
      else found.add(id);
    }
    yield* [...found].sort(compareUtf8);
  }

  /** Takes over the writes of a judged block, which storage does not have yet. */
  addPending(height: number, writes: WriteSet): void {
    for (const { table, id, value } of writes.writes())
      mapAt(this.pending, table.slot).set(id, { value, height });
    this.writesOfHeight.set(height, writes);
  }

  /** Storage now has the block: its writes may be forgotten when memory is needed. */
  settle(height: number): void {
    for (const { table, id } of this.writesOfHeight.get(height)?.writes() ?? []) {
      const pending = this.pending[table.slot]?.get(id);
      if (pending === undefined || pending.height !== height) continue;
      this.pending[table.slot]!.delete(id);
      this.remember(table.slot, id, pending.value ?? ABSENT);
    }
    this.writesOfHeight.delete(height);
  }
}

function mapAt<V>(maps: (Map<string, V> | undefined)[], slot: number): Map<string, V> {
  let map = maps[slot];
  if (map === undefined) {
    map = new Map();
    maps[slot] = map;
  }
  return map;
}

/**
 * State held in memory alone: for replays, which begin with nothing. The bytes that were hashed are not kept, since
 * they are views that would keep the writes of their whole block alive (16 KiB at least); they are made again.
 */
export class MemoryState implements StateBase {
  private readonly tables: Table<unknown>[] = [];
  private readonly values: (Map<string, unknown> | undefined)[] = [];

  get<T>(table: Table<T>, id: string): T | undefined {
    return this.values[table.slot]?.get(id) as T | undefined;
  }

  ids(table: TableKeys, idPrefix: string): Iterable<string> {
    const ids = Array.from(this.values[table.slot]?.keys() ?? []);
    return ids.filter((id) => id.startsWith(idPrefix)).sort(compareUtf8);
  }

  *records<T>(table: Table<T>, idPrefix: string): Generator<[id: string, record: T]> {
    for (const id of this.ids(table, idPrefix)) yield [id, this.get(table, id)!];
  }

  apply(writes: WriteSet): void {
    for (const map of writes.tables()) {
      const [first] = map.values();
      const { table } = first!;
      this.tables[table.slot] = table;
      const target = mapAt(this.values, table.slot);
      for (const [id, { value }] of map) {
        if (value === undefined) target.delete(id);
        else target.set(id, value);
      }
    }
  }

  get size(): number {
    return this.values.reduce((sum, map) => sum + (map?.size ?? 0), 0);
  }

  /** Every key with the bytes of its value, unsorted. */
  *entries(): Iterable<readonly [key: string, value: Uint8Array]> {
    for (const { prefix, slot, codec } of this.tables.filter(Boolean))
      for (const [id, value] of this.values[slot]!) yield [prefix + id, encode(codec, value)];
  }
}
