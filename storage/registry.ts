/**
 * The node's own records: the format of the store and the groups it holds.
 *
 *   'format'                → [version]
 *   'group-number'          → [the last number given out]
 *   'group/' + groupId      → [number, name, addedMs]
 *   'upload/' + sha256      → []          an artifact that is being streamed in
 *                           → [untilMs]   the same, to be gone on with until then
 *
 * A group's number is never given out twice, so a group that was removed and added again cannot see old entries.
 */
import { Packr } from 'msgpackr';
import { hexAt } from '../events/bytes.ts';
import type { Table } from './environment.ts';
import { StorageError } from './errors.ts';
import { registryKey } from './keys.ts';
import type { PackedWrites } from './packed-writes.ts';
import type { Id } from './port.ts';
import { read, readRaw, scanTable, type View } from './scan.ts';
import { STORE_FORMAT } from './schema.ts';

const packr = new Packr({ useRecords: false });
const GROUP_NUMBER_MAX = 2 ** 32 - 1;

/** A group of this node. */
export interface GroupRecord {
  readonly groupId: string;
  /** The group's number in keys: local to this store, no meaning elsewhere. */
  readonly number: number;
  /** As it was called when it was added; for listings before the group is loaded. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly addedMs: number;
}

/** Reads of the registry, and the writes that go with them. */
export class Registry {
  readonly #table: Table;
  readonly #view: View;
  #lastNumber: number | undefined;

  constructor(table: Table, view: View) {
    this.#table = table;
    this.#view = view;
  }

  /**
   * The format of the store: undefined in a new one.
   * @throws StorageError `newer_format`, `older_format`, `corrupt`
   */
  checkFormat(): number | undefined {
    const key = registryKey('format');
    const stored = readRaw(this.#table, this.#view, key);
    // Format 1 had no checksums: its record is these two bytes.
    if (stored?.length === 2 && stored[0] === 0x91 && stored[1] === 1) throw olderFormat(1);
    const fields = this.#fields(key);
    if (!fields) return undefined;
    const [version] = fields;
    if (typeof version !== 'number') throw damaged();
    if (version < STORE_FORMAT) throw olderFormat(version);
    if (version > STORE_FORMAT) {
      const message = `the database has format ${version}; this version reads ${STORE_FORMAT}: upgrade`;
      throw new StorageError('newer_format', message);
    }
    return version;
  }

  /** Adds the record of the format to `writes`. */
  writeFormat(writes: PackedWrites): void {
    writes.put('registry', registryKey('format'), packr.pack([STORE_FORMAT]));
  }

  /** The record of a group, or undefined. */
  find(groupId: Id): GroupRecord | undefined {
    const key = registryKey('group/', groupId);
    const fields = this.#fields(key);
    return fields && groupRecord(key, fields);
  }

  /** All groups, in order of their ids. */
  *groups(): Iterable<GroupRecord> {
    const entries = [...scanTable(this.#table, this.#view, { prefix: registryKey('group/') })];
    for (const [key, value] of entries) yield groupRecord(key, fieldsIn(value));
  }

  /** Gives a new group its number and adds its record to `writes`. */
  writeGroup(writes: PackedWrites, groupId: string, name: string, addedMs: number): GroupRecord {
    this.#lastNumber ??= this.#readLastNumber();
    if (this.#lastNumber >= GROUP_NUMBER_MAX) throw new RangeError('group numbers are used up');
    const number = ++this.#lastNumber;
    writes.put('registry', registryKey('group-number'), packr.pack([number]));
    writes.put('registry', registryKey('group/', groupId), packr.pack([number, name, addedMs]));
    return { groupId, number, name, addedMs };
  }

  #readLastNumber(): number {
    const fields = this.#fields(registryKey('group-number'));
    if (!fields) return 0;
    if (typeof fields[0] !== 'number') throw damaged();
    return fields[0];
  }

  #fields(key: Uint8Array): unknown[] | undefined {
    const bytes = read(this.#table, this.#view, key);
    return bytes && fieldsIn(bytes);
  }
}

function fieldsIn(bytes: Uint8Array): unknown[] {
  const fields: unknown = packr.unpack(bytes);
  if (!Array.isArray(fields)) throw damaged();
  return fields;
}

function olderFormat(version: number): StorageError {
  const message = `the database has format ${version}, of an earlier version than this one, which reads ${STORE_FORMAT}: export its groups with the version that made it, or follow them from their peers anew`;
  return new StorageError('older_format', message);
}

function groupRecord(key: Uint8Array, fields: readonly unknown[]): GroupRecord {
  const [number, name, addedMs] = fields;
  if (typeof number !== 'number' || typeof name !== 'string' || typeof addedMs !== 'number') throw damaged();
  return { groupId: hexAt(key, key.length - 32, 32), number, name, addedMs };
}

function damaged(): StorageError {
  return new StorageError('corrupt', 'a registry record has not the shape of one');
}
