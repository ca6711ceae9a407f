/**
 * The state as the chain actor sees it: storage, with what is judged but not yet stored on top of it, and a
 * bounded cache of decoded records between.
 *
 * The cache has two generations: what is read or written lands in the young one, and when that is full it
 * becomes the old one, whose entries are either used again (and move back) or forgotten together. That costs
 * one map look-up instead of the bookkeeping of a linked list.
 */
import { utf8 } from '../../events/bytes.ts';
import { decode } from '../../events/codec.ts';
import type { StateBase, Table, Write } from '../../machines/state.ts';
import type { GroupReader } from '../../storage/port.ts';

/** Records per generation. At some 500 bytes each, two generations of one busy group stay under 64 MB. */
const GENERATION_ENTRIES = 65_536;

/** The part of storage that the cache reads. */
export type StateReader = Pick<GroupReader, 'state' | 'stateRange'>;

interface Pending {
  readonly value: unknown;
  readonly height: number;
}

const ABSENT = Symbol('absent');

export class StateCache implements StateBase {
  private readonly reader: StateReader;
  private readonly pending = new Map<string, Pending>();
  private readonly keysOfHeight = new Map<number, string[]>();
  private young = new Map<string, unknown>();
  private old = new Map<string, unknown>();

  constructor(reader: StateReader) {
    this.reader = reader;
  }

  get<T>(table: Table<T>, id: string): T | undefined {
    const key = table.prefix + id;
    const pending = this.pending.get(key);
    if (pending !== undefined) return pending.value as T | undefined;
    let value = this.young.get(key);
    if (value === undefined) {
      value = this.old.get(key) ?? this.load(table, key);
      this.remember(key, value);
    }
    return value === ABSENT ? undefined : (value as T);
  }

  private load<T>(table: Table<T>, key: string): unknown {
    const bytes = this.reader.state(key);
    return bytes === undefined ? ABSENT : decode(table.codec, bytes);
  }

  private remember(key: string, value: unknown): void {
    if (this.young.size >= GENERATION_ENTRIES) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }

  *ids(table: Table<unknown>, idPrefix: string): Iterable<string> {
    const prefix = table.prefix + idPrefix;
    const found = new Set<string>();
    for (const [key] of this.reader.stateRange(prefix)) found.add(key);
    for (const [key, { value }] of this.pending) {
      if (!key.startsWith(prefix)) continue;
      if (value === undefined) found.delete(key);
      else found.add(key);
    }
    for (const key of found) yield key.slice(table.prefix.length);
  }

  /** Takes over the writes of a judged block, which storage does not have yet. */
  addPending(height: number, writes: ReadonlyMap<string, Write>): void {
    for (const [key, write] of writes) this.pending.set(key, { value: write.value, height });
    this.keysOfHeight.set(height, [...writes.keys()]);
  }

  /** Storage now has the block: its writes may be forgotten when memory is needed. */
  settle(height: number): void {
    for (const key of this.keysOfHeight.get(height) ?? []) {
      const pending = this.pending.get(key);
      if (pending === undefined || pending.height !== height) continue;
      this.pending.delete(key);
      this.remember(key, pending.value ?? ABSENT);
    }
    this.keysOfHeight.delete(height);
  }
}

/** State held in memory alone: for replays, which begin with nothing. */
export class MemoryState implements StateBase {
  private readonly values = new Map<string, Write>();

  get<T>(table: Table<T>, id: string): T | undefined {
    return this.values.get(table.prefix + id)?.value as T | undefined;
  }

  *ids(table: Table<unknown>, idPrefix: string): Iterable<string> {
    const prefix = table.prefix + idPrefix;
    for (const key of this.values.keys()) if (key.startsWith(prefix)) yield key.slice(table.prefix.length);
  }

  apply(writes: ReadonlyMap<string, Write>): void {
    for (const [key, write] of writes) {
      if (write.value === undefined) this.values.delete(key);
      else this.values.set(key, write);
    }
  }

  get size(): number {
    return this.values.size;
  }

  /** Every key with the bytes of its value, unsorted. */
  *entries(): Iterable<readonly [key: string, value: Uint8Array]> {
    for (const [key, write] of this.values) if (write.bytes !== undefined) yield [key, write.bytes];
  }
}

/** Bytes of a state key, as storage and hashing see it. */
export const stateKeyBytes = (key: string): Uint8Array => utf8(key);
