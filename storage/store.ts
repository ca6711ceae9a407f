/**
 * The store of a node: one LMDB environment for all its groups.
 *
 *   reads    on the calling thread, straight from the memory map, always of what is committed
 *   writes   packed here, applied by the writer thread, acknowledged when they are on disk
 *
 * Commits of all groups that wait at the same time share one transaction and one flush. Opening reads a handful of
 * pages whatever the store holds: groups are looked up when they are asked for, and state when it is read.
 */
import { dirname } from 'node:path';
import { Artifacts } from './artifacts.ts';
import { isIntact } from './checksum.ts';
import { checkAccess, checkDatabaseFiles } from './database-files.ts';
import { closedError, type Durability, type Environment, openEnvironment } from './environment.ts';
import { fileError, typedError, withFileErrors } from './errors.ts';
import { makeFolders, syncFolder } from './folders.ts';
import { LmdbGroupStore } from './group-store.ts';
import { groupKey } from './keys.ts';
import { type DamagedEntry, damagedEntries, OpaqueMap } from './opaque-map.ts';
import { PackedWrites } from './packed-writes.ts';
import type { GroupStore } from './port.ts';
import type { GroupRecord } from './registry.ts';
import { NODE_TABLES } from './schema.ts';
import { StoreReader } from './store-reader.ts';
import { Writer } from './writer.ts';

/** How to open a store. */
export interface StoreOptions {
  readonly durability: Durability;
  /** Address space to map at first, bytes; it grows by itself. 64 GiB: a remap is then rare, and it costs nothing. */
  readonly mapSize?: number;
  /** Whether there must be a database with groups already; else a new one is made where there is none. */
  readonly isExpected?: boolean;
}

/** The tables whose keys begin with the number of a group. */
const GROUP_TABLES = [
  'heads',
  'blocks',
  'block-ids',
  'heights',
  'effects',
  'transactions',
  'replacements',
  'state',
  'history-nodes',
  'artifact-members',
] as const;

const MAP_BYTES = 64 * 1024 ** 3;

/**
 * Opens or creates the store in `dir` (the `chain/` of a data directory). The caller holds the directory's lock.
 * @throws StorageError `newer_format`, `corrupt`, `io`, `disk_full`
 */
export function openStore(dir: string, options: StoreOptions): Store {
  const mapSize = options.mapSize ?? MAP_BYTES;
  makeDurably(dir);
  checkDatabaseFiles(dir, mapSize, options.isExpected ?? false);
  const data = { dir, mapSize, durability: options.durability };
  const environment = openEnvironment(data);
  const writer = new Writer(data, () => environment.root.resetReadTxn());
  const store = new Store(environment, writer);
  try {
    syncFolder(dir);
    store.start();
  } catch (error) {
    store.close().catch(noop);
    throw fileError(error, 'write', dir);
  }
  return store;
}

/**
 * Opens an existing store to read, in any thread of the process that has it open, with the same durability.
 * @throws StorageError `io`
 */
export function openStoreReader(dir: string, options: StoreOptions): StoreReader {
  const mapSize = options.mapSize ?? MAP_BYTES;
  checkAccess(dir, mapSize);
  return new StoreReader(openEnvironment({ dir, mapSize, durability: options.durability }));
}

/** Creates `dir`, and makes sure that a power cut does not take it away again. */
function makeDurably(dir: string): void {
  const made = makeFolders(dir);
  if (made !== undefined) withFileErrors('write', dir, () => syncFolder(dirname(made)));
}

/** An open store, to read and to write. */
export class Store extends StoreReader {
  override readonly artifacts: Artifacts;
  readonly outbox: OpaqueMap;
  readonly wallet: OpaqueMap;
  /** Peers, subscriptions and evidence: what the network remembers. */
  readonly network: OpaqueMap;
  /** Work that agents of other systems have handed to groups, and whom to tell of it. */
  readonly agents: OpaqueMap;
  /** Orders of this node's buyers, and announcements. */
  readonly market: OpaqueMap;
  readonly #writer: Writer;
  readonly #groups = new Map<string, LmdbGroupStore>();
  readonly #adding = new Map<string, Promise<GroupStore>>();
  readonly #copying = new Set<Promise<void>>();

  constructor(environment: Environment, writer: Writer) {
    super(environment);
    this.#writer = writer;
    const { tables } = environment;
    this.artifacts = new Artifacts(environment, this.view, writer);
    this.outbox = new OpaqueMap('outbox', tables.outbox, this.view, writer);
    this.wallet = new OpaqueMap('wallet', tables.wallet, this.view, writer);
    this.network = new OpaqueMap('network', tables.network, this.view, writer);
    this.agents = new OpaqueMap('agents', tables.agents, this.view, writer);
    this.market = new OpaqueMap('market', tables.market, this.view, writer);
  }

  /** Checks the format and clears away what a crash left. Part of `openStore`. */
  start(): void {
    if (this.registry.checkFormat() === undefined) {
      const writes = new PackedWrites();
      this.registry.writeFormat(writes);
      // Failing here is failing at the first commit as well, which reports it: the record goes out before that.
      this.#writer.submit(writes).catch(noop);
    }
    this.artifacts.sweep().catch(noop);
  }

  /**
   * Adds a group, or gives the one that is there; resolves when its registration is durable.
   * @param name as it is called now, for listings
   * @param addedMs milliseconds since 1970
   */
  addGroup(groupId: string, name: string, addedMs: number): Promise<GroupStore> {
    const adding = this.#adding.get(groupId) ?? this.#add(groupId, name, addedMs);
    this.#adding.set(groupId, adding);
    const forget = (): boolean => this.#adding.delete(groupId);
    adding.then(forget, forget);
    return adding;
  }

  async #add(groupId: string, name: string, addedMs: number): Promise<GroupStore> {
    if (this.#writer.closing) throw closedError();
    if (this.hasGroup(groupId)) return this.group(groupId);
    const writes = new PackedWrites();
    const record = this.registry.writeGroup(writes, groupId, name, addedMs);
    await this.#writer.submit(writes);
    return this.#opened(record);
  }

  /**
   * Gives a group an empty place: from then on nothing is read of what it had. For one that is damaged. Entries without
   * their checksums are taken away, since they would keep those beside them in doubt.
   */
  async renewGroup(groupId: string): Promise<GroupStore> {
    const { name, addedMs } = this.record(groupId);
    const group = this.#groups.get(groupId);
    const writes = new PackedWrites();
    this.#removeDamaged(this.record(groupId), writes);
    const record = this.registry.writeGroup(writes, groupId, name, addedMs);
    await this.#writer.submit(writes);
    group?.move(record);
    return this.group(groupId);
  }

  #removeDamaged({ number }: GroupRecord, writes: PackedWrites): void {
    const start = groupKey(number).slice();
    const end = groupKey(number + 1).slice();
    for (const name of GROUP_TABLES) {
      const table = this.environment.tables[name];
      for (const { key, value } of table.getRange({ start, end }))
        if (!isIntact(table.tableId, key, value)) writes.delete(name, key);
    }
  }

  /**
   * The one store of a group of this node.
   * @throws RangeError for a group that was never added: ask `hasGroup` where the id comes from outside
   */
  override group(groupId: string): GroupStore {
    this.check();
    return this.#groups.get(groupId) ?? this.#opened(this.record(groupId));
  }

  #opened(record: GroupRecord): GroupStore {
    const known = this.#groups.get(record.groupId);
    if (known) return known;
    const store = new LmdbGroupStore(record, this.environment, this.view, this.#writer);
    this.#groups.set(record.groupId, store);
    return store;
  }

  /**
   * Copies the whole store, as it is at one moment, to the new directory `dir`, compacted; commits go on meanwhile.
   * @throws StorageError `disk_full`, `io`
   */
  async backup(dir: string): Promise<void> {
    this.check();
    makeDurably(dir);
    // Whoever closes waits for it: LMDB would go on reading a map that is gone.
    const copying = this.environment.root.backup(dir, true);
    this.#copying.add(copying);
    try {
      await copying;
    } catch (error) {
      throw typedError(error);
    } finally {
      this.#copying.delete(copying);
    }
  }

  /** Entries that belong to no group and are not what was written. */
  damagedEntries(): DamagedEntry[] {
    this.check();
    const { tables } = this.environment;
    return NODE_TABLES.flatMap((name) => [...damagedEntries(name, tables[name], this.view)]);
  }

  protected override async finish(): Promise<void> {
    await this.#writer.close();
    await Promise.allSettled(this.#copying);
  }
}

function noop(): void {}
