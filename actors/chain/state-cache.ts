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
import { OwnedIds, type StateBase, type Table, type TableKeys, type WriteSet } from '../../machines/state.ts';
import type { GroupReader } from '../../storage/port.ts';
import { CACHE_GENERATION_BYTES, CACHE_GENERATION_ENTRIES } from '../bounds.ts';

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
  private readonly pendingOwned: (OwnedIds | undefined)[] = [];
  private readonly writesOfHeight = new Map<number, WriteSet>();
  private young: Generation = [];
  private youngSize = 0;
  private youngBytes = 0;
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
      value = this.old[slot]?.get(id);
      // What moves back was counted when it came: it can at most double a generation.
      if (value === undefined) value = this.load(table, id);
      else this.remember(slot, id, value, 0);
    }
    return value === ABSENT ? undefined : (value as T);
  }

  private load<T>(table: Table<T>, id: string): unknown {
    const bytes = this.reader.state(table.prefix + id);
    const value = bytes === undefined ? ABSENT : decode(table.codec, bytes);
    this.remember(table.slot, id, value, bytes?.length ?? 0);
    return value;
  }

  private remember(slot: number, id: string, value: unknown, bytes: number): void {
    if (this.youngSize >= CACHE_GENERATION_ENTRIES || this.youngBytes >= CACHE_GENERATION_BYTES) {
      this.old = this.young;
      this.young = [];
      this.youngSize = 0;
      this.youngBytes = 0;
    }
    mapAt(this.young, slot).set(id, value);
    this.youngSize++;
    this.youngBytes += bytes;
  }

  /** Read on demand: whoever wants the first few pays for those. */
  *ids(table: TableKeys, idPrefix: string): Iterable<string> {
    const pending = this.pending[table.slot];
    const written = pending === undefined ? [] : [...this.pendingIds(table, idPrefix)].sort(compareUtf8);
    let at = 0;
    const isThere = (id: string): boolean => pending!.get(id)!.value !== undefined;
    for (const [key] of this.reader.stateRange(table.prefix + idPrefix)) {
      const id = key.slice(table.prefix.length);
      for (; at < written.length && compareUtf8(written[at]!, id) < 0; at++)
        if (isThere(written[at]!)) yield written[at]!;
      if (written[at] !== id) yield id;
    }
    for (; at < written.length; at++) if (isThere(written[at]!)) yield written[at]!;
  }

  private pendingIds(table: TableKeys, idPrefix: string): Iterable<string> {
    const { slot } = table;
    const ids = this.pending[slot]!.keys();
    if (OwnedIds.isOwner(idPrefix)) {
      this.pendingOwned[slot] ??= new OwnedIds(ids);
      return this.pendingOwned[slot].of(idPrefix);
    }
    return Array.from(ids).filter((id) => id.startsWith(idPrefix));
  }

  /** Takes over the writes of a judged block, which storage does not have yet. */
  addPending(height: number, writes: WriteSet): void {
    for (const { table, id, value } of writes.writes()) {
      mapAt(this.pending, table.slot).set(id, { value, height });
      this.pendingOwned[table.slot]?.add(id);
    }
    this.writesOfHeight.set(height, writes);
  }

  /** Storage now has the block: its writes may be forgotten when memory is needed. */
  settle(height: number): void {
    for (const { table, id, size } of this.writesOfHeight.get(height)?.writes() ?? []) {
      const pending = this.pending[table.slot]?.get(id);
      if (pending === undefined || pending.height !== height) continue;
      this.pending[table.slot]!.delete(id);
      this.pendingOwned[table.slot]?.delete(id);
      this.remember(table.slot, id, pending.value ?? ABSENT, size);
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
  private readonly owned: (OwnedIds | undefined)[] = [];

  get<T>(table: Table<T>, id: string): T | undefined {
    return this.values[table.slot]?.get(id) as T | undefined;
  }

  ids(table: TableKeys, idPrefix: string): Iterable<string> {
    const { slot } = table;
    const ids = this.values[slot]?.keys() ?? [];
    if (OwnedIds.isOwner(idPrefix)) {
      this.owned[slot] ??= new OwnedIds(ids);
      return [...this.owned[slot].of(idPrefix)].sort(compareUtf8);
    }
    return Array.from(ids)
      .filter((id) => id.startsWith(idPrefix))
      .sort(compareUtf8);
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
        if (value === undefined) {
          target.delete(id);
          this.owned[table.slot]?.delete(id);
        } else {
          target.set(id, value);
          this.owned[table.slot]?.add(id);
        }
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
