/**
 * The store of a node: one LMDB environment for all its groups.
 *
 *   reads    on the calling thread, straight from the memory map, always of what is committed
 *   writes   packed here, applied by the writer thread, acknowledged when they are on disk
 *
 * Commits of all groups that wait at the same time share one transaction and one flush. Opening reads a handful of
 * pages whatever the store holds: groups are looked up when they are asked for, and state when it is read.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ArtifactReader, Artifacts } from './artifacts.ts';
import { checkDatabaseFiles } from './database-files.ts';
import { syncDirectory } from './directory.ts';
import { closedError, type Durability, type Environment, openEnvironment } from './environment.ts';
import { systemError, typedError, withTypedErrors } from './errors.ts';
import { LmdbGroupReader, LmdbGroupStore } from './group-store.ts';
import { OpaqueMap } from './opaque-map.ts';
import { PackedWrites } from './packed-writes.ts';
import type { GroupReader, GroupStore } from './port.ts';
import { type GroupRecord, Registry } from './registry.ts';
import type { ReadTransaction, View } from './scan.ts';
import { Writer } from './writer.ts';

/** How to open a store. */
export interface StoreOptions {
  readonly durability: Durability;
  /** Address space to map at first, bytes; it grows by itself. 64 GiB: a remap is then rare, and it costs nothing. */
  readonly mapSize?: number;
}

const MAP_BYTES = 64 * 1024 ** 3;

/**
 * Opens or creates the store in `dir` (the `chain/` of a data directory). The caller holds the directory's lock.
 * @throws StorageError `newer_format`, `corrupt`, `io`, `disk_full`
 */
export function openStore(dir: string, options: StoreOptions): Store {
  const mapSize = options.mapSize ?? MAP_BYTES;
  makeDirectory(dir);
  checkDatabaseFiles(dir, mapSize);
  const data = { dir, mapSize, durability: options.durability };
  const environment = openEnvironment(data);
  syncDirectory(dir);
  const writer = new Writer(data, () => environment.root.resetReadTxn());
  const store = new Store(environment, writer);
  try {
    store.start();
  } catch (error) {
    void store.close();
    throw error;
  }
  return store;
}

/** Creates `dir`, and makes sure that a power cut does not take it away again. */
function makeDirectory(dir: string): void {
  try {
    const created = mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (created !== undefined) syncDirectory(dirname(created));
  } catch (error) {
    throw systemError(error);
  }
}

/** An open store. */
export class Store {
  readonly artifacts: Artifacts;
  readonly outbox: OpaqueMap;
  readonly wallet: OpaqueMap;
  readonly #environment: Environment;
  readonly #writer: Writer;
  readonly #registry: Registry;
  readonly #view: View;
  readonly #groups = new Map<string, LmdbGroupStore>();
  readonly #adding = new Map<string, Promise<GroupStore>>();
  readonly #snapshots = new Set<Snapshot>();
  #closed: Promise<void> | undefined;

  constructor(environment: Environment, writer: Writer) {
    this.#environment = environment;
    this.#writer = writer;
    this.#view = { options: {}, check: () => this.#check() };
    const { tables } = environment;
    this.#registry = new Registry(tables.registry);
    this.artifacts = new Artifacts(environment, this.#view, writer);
    this.outbox = new OpaqueMap('outbox', tables.outbox, this.#view, writer);
    this.wallet = new OpaqueMap('wallet', tables.wallet, this.#view, writer);
  }

  /** Checks the format and clears away what a crash left. Part of `openStore`. */
  start(): void {
    if (this.#registry.checkFormat() === undefined) {
      const writes = new PackedWrites();
      this.#registry.writeFormat(writes);
      // Failing here is failing at the first commit as well, which reports it: the record goes out before that.
      this.#writer.submit(writes).catch(noop);
    }
    this.artifacts.sweep().catch(noop);
  }

  /** The groups of this node, in order of their ids. */
  groups(): GroupRecord[] {
    this.#check();
    return [...this.#registry.groups()];
  }

  hasGroup(groupId: string): boolean {
    this.#check();
    return this.#groups.has(groupId) || this.#registry.find(groupId) !== undefined;
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
    const record = this.#registry.writeGroup(writes, groupId, name, addedMs);
    await this.#writer.submit(writes);
    return this.#opened(record);
  }

  /**
   * The one store of a group of this node.
   * @throws RangeError for a group that was never added: ask `hasGroup` where the id comes from outside
   */
  group(groupId: string): GroupStore {
    this.#check();
    const open = this.#groups.get(groupId);
    if (open) return open;
    const record = this.#registry.find(groupId);
    if (!record) throw new RangeError(`group ${groupId} is not in this store`);
    return this.#opened(record);
  }

  #opened(record: GroupRecord): GroupStore {
    const known = this.#groups.get(record.groupId);
    if (known) return known;
    const store = new LmdbGroupStore(record, this.#environment, this.#view, this.#writer);
    this.#groups.set(record.groupId, store);
    return store;
  }

  /**
   * A view of everything as it is now, whatever is committed later. Close it: pages that it can see are not reused
   * while it is open.
   */
  snapshot(): Snapshot {
    this.#check();
    // Renewed, so that the view is not older than what has been acknowledged in this turn of the event loop.
    this.#environment.root.resetReadTxn();
    const snapshot = new Snapshot(this.#environment, this.#registry, (closed) =>
      this.#snapshots.delete(closed),
    );
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  /** Runs `use` on a snapshot and closes it whatever happens. */
  async readSnapshot<T>(use: (snapshot: Snapshot) => T | Promise<T>): Promise<T> {
    const snapshot = this.snapshot();
    try {
      return await use(snapshot);
    } finally {
      snapshot.close();
    }
  }

  /**
   * Copies the whole store, as it is at one moment, to the new directory `dir`, compacted; commits go on meanwhile.
   * @throws StorageError `disk_full`, `io`
   */
  async backup(dir: string): Promise<void> {
    this.#check();
    makeDirectory(dir);
    try {
      await this.#environment.root.backup(dir, true);
    } catch (error) {
      throw typedError(error);
    }
  }

  /** Waits for the commits in flight and closes. Everything asked afterwards fails with `closed`. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    await this.#writer.close();
    for (const snapshot of this.#snapshots) snapshot.close();
    await this.#environment.root.close();
  }

  #check(): void {
    if (this.#closed) throw closedError();
  }
}

/** Everything as it was at one moment. */
export class Snapshot implements Disposable {
  readonly artifacts: ArtifactReader;
  readonly #environment: Environment;
  readonly #registry: Registry;
  readonly #transaction: ReadTransaction;
  readonly #view: View;
  readonly #whenClosed: (snapshot: Snapshot) => void;
  #open = true;

  constructor(environment: Environment, registry: Registry, whenClosed: (snapshot: Snapshot) => void) {
    this.#environment = environment;
    this.#registry = registry;
    this.#whenClosed = whenClosed;
    this.#transaction = withTypedErrors(() => environment.root.useReadTransaction());
    this.#view = { options: { transaction: this.#transaction }, check: () => this.#check() };
    this.artifacts = new ArtifactReader(environment, this.#view);
  }

  /** Reads of a group; throws `RangeError` when the node does not have it. */
  group(groupId: string): GroupReader {
    this.#check();
    const record = this.#registry.find(groupId);
    if (!record) throw new RangeError(`group ${groupId} is not in this store`);
    return new LmdbGroupReader(record, this.#environment, this.#view);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#transaction.done();
    this.#whenClosed(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #check(): void {
    if (!this.#open) throw closedError();
  }
}

function noop(): void {}
