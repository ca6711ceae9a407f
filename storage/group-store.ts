/**
 * One group on LMDB: reads through a view (live, or a snapshot), and the commit.
 */
import { concatBytes, fromHex, type Hex32, toHex } from '../events/bytes.ts';
import { ArtifactReader } from './artifacts.ts';
import { heightAfter, packBatch, readTxValue } from './batch.ts';
import { closedError, type Environment } from './environment.ts';
import { StorageError, withTypedErrors } from './errors.ts';
import { decodeHead } from './head.ts';
import { groupIdKey, groupKey, heightKey, lastUint48, nodeKey, stateKey, stateKeyText } from './keys.ts';
import type {
  ArtifactEntry,
  CommitBatch,
  GroupReader,
  GroupStore,
  Head,
  Id,
  StateRange,
  StoredBlock,
  TxLocation,
} from './port.ts';
import type { GroupRecord } from './registry.ts';
import { read, type Scan, scanTable, type View } from './scan.ts';
import type { TableName } from './schema.ts';
import type { Writer } from './writer.ts';

const GROUP_KEY_BYTES = 4;

/** Something of a group is not what was written. The message says how to get the group back. */
export class DamagedGroupError extends StorageError {
  readonly groupId: string;

  constructor(groupId: string, cause: StorageError) {
    super('corrupt', `${cause.message}; ${wayBackOf(groupId)}`, { cause });
    this.groupId = groupId;
  }
}

/** How a damaged group comes back, for people. */
export function wayBackOf(groupId: string): string {
  return `get the group back from its other members with lb repair ${groupId.slice(0, 12)}, or the node from a backup with lb restore`;
}

/** Reads of one group through a view. */
export class LmdbGroupReader implements GroupReader {
  readonly groupId: string;
  protected number: number;
  readonly #environment: Environment;
  readonly #view: View;
  readonly #artifacts: ArtifactReader;
  #lastHead: { readonly bytes: Uint8Array; readonly head: Head } | undefined;

  /** Whether the group is kept where this reads. */
  isAt(record: GroupRecord): boolean {
    return this.number === record.number;
  }

  constructor(record: GroupRecord, environment: Environment, view: View) {
    this.groupId = record.groupId;
    this.number = record.number;
    this.#environment = environment;
    this.#view = view;
    this.#artifacts = new ArtifactReader(environment, view);
  }

  head(): Head | undefined {
    return this.#watched(() => {
      const bytes = this.#read('heads', groupKey(this.number));
      if (bytes === undefined) return undefined;
      // It is asked for before nearly every other read, and changes with a block.
      if (this.#lastHead === undefined || Buffer.compare(this.#lastHead.bytes, bytes) !== 0)
        this.#lastHead = { bytes, head: decodeHead(bytes) };
      const { frontier, ...rest } = this.#lastHead.head;
      return { ...rest, frontier: frontier.map((hash) => hash.slice()) };
    });
  }

  block(height: number): Uint8Array | undefined {
    return this.#read('blocks', heightKey(this.number, height));
  }

  blockId(height: number): string | undefined {
    const id = this.#read('block-ids', heightKey(this.number, height));
    return id && toHex(id);
  }

  heightOf(blockId: Id): number | undefined {
    const height = this.#read('heights', groupIdKey(this.number, blockId));
    return height && lastUint48(height);
  }

  blockIds(digits: string): Iterable<Hex32> {
    return this.#ids('heights', digits);
  }

  txIds(digits: string): Iterable<Hex32> {
    return this.#ids('transactions', digits);
  }

  /** The ids in the keys of a table by id; an odd digit is half a byte, so it is compared in the text. */
  *#ids(table: TableName, digits: string): Generator<Hex32> {
    const whole = fromHex(digits.slice(0, digits.length - (digits.length % 2)));
    const scan = { prefix: concatBytes(groupKey(this.number), whole), values: false };
    for (const [key] of this.#scan(table, scan)) {
      const id = toHex(key.subarray(GROUP_KEY_BYTES));
      if (id.startsWith(digits)) yield id;
    }
  }

  *blocks(from: number, to?: number): Generator<StoredBlock> {
    const prefix = groupKey(this.number).slice();
    const start = heightKey(this.number, from).slice();
    const end = to === undefined ? undefined : heightKey(this.number, to).slice();
    for (const [key, bytes] of this.#scan('blocks', { prefix, start, end })) {
      const height = lastUint48(key);
      yield { height, id: this.blockId(height)!, bytes };
    }
  }

  effects(height: number): Uint8Array | undefined {
    return this.#read('effects', heightKey(this.number, height));
  }

  txLocation(txId: Id): TxLocation | undefined {
    return this.#location('transactions', txId);
  }

  replacement(replacedId: Id): TxLocation | undefined {
    return this.#location('replacements', replacedId);
  }

  hasReplacements(): boolean {
    return this.findsReplacements();
  }

  protected findsReplacements(): boolean {
    const scan = { prefix: groupKey(this.number).slice(), limit: 1, values: false };
    for (const _ of this.#scan('replacements', scan)) return true;
    return false;
  }

  #location(table: 'transactions' | 'replacements', id: Id): TxLocation | undefined {
    return this.#watched(() => {
      const value = this.#read(table, groupIdKey(this.number, id));
      return value && readTxValue(value);
    });
  }

  state(key: string): Uint8Array | undefined {
    return this.#read('state', stateKey(this.number, key));
  }

  *stateRange(prefix: string, range: StateRange = {}): Generator<readonly [string, Uint8Array]> {
    const scan = {
      prefix: stateKey(this.number, prefix).slice(),
      start: range.start === undefined ? undefined : stateKey(this.number, range.start).slice(),
      reverse: range.reverse,
      limit: range.limit,
    };
    for (const [key, value] of this.#scan('state', scan)) {
      yield [stateKeyText(key), value];
    }
  }

  node(level: number, index: number): Uint8Array | undefined {
    return this.#read('history-nodes', nodeKey(this.number, level, index));
  }

  artifact(hash: Id): Uint8Array | undefined {
    return this.hasArtifact(hash) ? this.#watched(() => this.#artifacts.get(hash)) : undefined;
  }

  hasArtifact(hash: Id): boolean {
    return this.#read('artifact-members', groupIdKey(this.number, hash)) !== undefined;
  }

  *artifacts(start?: Id): Generator<ArtifactEntry> {
    const scan = {
      prefix: groupKey(this.number).slice(),
      start: start === undefined ? undefined : groupIdKey(this.number, start).slice(),
    };
    for (const [key, size] of this.#scan('artifact-members', scan)) {
      yield { hash: toHex(key.subarray(GROUP_KEY_BYTES)), size: lastUint48(size) };
    }
  }

  artifactCount(): number {
    this.#view.check();
    const start = groupKey(this.number).slice();
    const end = groupKey(this.number + 1).slice();
    const members = this.#environment.tables['artifact-members'];
    return this.#watched(() => {
      this.#view.intact.assertWhole(members.tableId, start, end);
      return withTypedErrors(() => members.getKeysCount({ start, end, ...this.#view.options }));
    });
  }

  #read(table: TableName, key: Uint8Array): Uint8Array | undefined {
    try {
      return read(this.#environment.tables[table], this.#view, key);
    } catch (error) {
      throw this.#told(error);
    }
  }

  *#scan(table: TableName, scan: Scan): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    try {
      yield* scanTable(this.#environment.tables[table], this.#view, scan);
    } catch (error) {
      throw this.#told(error);
    }
  }

  #watched<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw this.#told(error);
    }
  }

  /** Damage, told to whoever must know, with the way back; anything else as it is. */
  #told(error: unknown): unknown {
    if (!(error instanceof StorageError) || error.code !== 'corrupt') return error;
    if (error instanceof DamagedGroupError) return error;
    const told = new DamagedGroupError(this.groupId, error);
    this.#view.damaged(this.groupId, told);
    return told;
  }
}

/** A group that can be changed. There is one for each group, so that it knows what is on its way to the disk. */
export class LmdbGroupStore extends LmdbGroupReader implements GroupStore {
  readonly #writer: Writer;
  /** Where the chain ends once everything issued so far has been kept; `stale` when the disk has to be asked. */
  #issued: { readonly height: number | undefined } | 'stale' = 'stale';
  /** Asked at every block. Nobody else writes to the group, and what fails to be kept costs a look too many. */
  #hasReplacements: boolean | undefined;
  /** Counts failures: a commit that was issued in an earlier epoch stands on one that was not kept. */
  #epoch = 0;

  constructor(record: GroupRecord, environment: Environment, view: View, writer: Writer) {
    super(record, environment, view);
    this.#writer = writer;
  }

  /** Goes on at another place of the store. */
  move(record: GroupRecord): void {
    this.number = record.number;
    this.#issued = 'stale';
    this.#hasReplacements = undefined;
  }

  override hasReplacements(): boolean {
    this.#hasReplacements ??= this.findsReplacements();
    return this.#hasReplacements;
  }

  async commit(batch: CommitBatch): Promise<void> {
    if (this.#writer.closing) throw closedError();
    const before = this.#issued === 'stale' ? this.head()?.height : this.#issued.height;
    const height = heightAfter(before, batch);
    const writes = packBatch(this.number, batch);
    if (writes.puts('replacements')) this.#hasReplacements = true;
    this.#issued = { height };
    const epoch = this.#epoch;
    try {
      await this.#writer.submit(writes, this.number, epoch);
    } catch (error) {
      // Only the first to fail turns the page: those that fail after it were issued in the same epoch.
      if (epoch === this.#epoch) {
        this.#epoch++;
        this.#issued = 'stale';
      }
      throw error;
    }
  }
}
