/**
 * Reading a store: all its groups and artifacts, live or as they were at one moment.
 *
 * The node's `Store` is one of these that can also write. Another thread, such as that of the views, opens a reader
 * of its own: LMDB lets any number read beside the one that writes, without a lock between them.
 */
import { ArtifactReader } from './artifacts.ts';
import { closedError, type Environment } from './environment.ts';
import { type StorageError, withTypedErrors } from './errors.ts';
import { LmdbGroupReader } from './group-store.ts';
import type { GroupReader } from './port.ts';
import { type GroupRecord, Registry } from './registry.ts';
import type { ReadTransaction, View } from './scan.ts';

/** An open store, to read. */
export class StoreReader {
  readonly artifacts: ArtifactReader;
  /** Told when something of a group is found damaged, whoever reads it. */
  onDamage: ((groupId: string, error: StorageError) => void) | undefined;
  protected readonly environment: Environment;
  protected readonly registry: Registry;
  protected readonly view: View;
  readonly #snapshots = new Set<Snapshot>();
  #closed: Promise<void> | undefined;

  constructor(environment: Environment) {
    this.environment = environment;
    this.view = {
      options: {},
      intact: environment.intact,
      check: () => this.check(),
      damaged: (groupId, error) => this.onDamage?.(groupId, error),
    };
    this.registry = new Registry(environment.tables.registry, this.view);
    this.artifacts = new ArtifactReader(environment, this.view);
  }

  /** The groups of this node, in order of their ids. */
  groups(): GroupRecord[] {
    this.check();
    return withTypedErrors(() => [...this.registry.groups()]);
  }

  hasGroup(groupId: string): boolean {
    this.check();
    return withTypedErrors(() => this.registry.find(groupId)) !== undefined;
  }

  /**
   * Reads of a group of this node.
   * @throws RangeError for a group that was never added: ask `hasGroup` where the id comes from outside
   */
  group(groupId: string): GroupReader {
    return new LmdbGroupReader(this.record(groupId), this.environment, this.view);
  }

  /** Whether `reader` still reads where its group is kept: a repaired one is kept elsewhere. */
  isCurrent(reader: GroupReader): boolean {
    return reader instanceof LmdbGroupReader && reader.isAt(this.record(reader.groupId));
  }

  /**
   * Makes the reads that follow see everything committed so far. A view is kept for about a millisecond, so a reader
   * that is told of a commit by another thread renews before it looks. The store that commits does so by itself.
   */
  renew(): void {
    this.check();
    this.environment.root.resetReadTxn();
  }

  /**
   * A view of everything as it is now, whatever is committed later. Close it: pages that it can see are not reused
   * while it is open.
   */
  snapshot(): Snapshot {
    this.renew();
    const snapshot = new Snapshot(this.environment, this.registry, this.view, (closed) =>
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

  /** Waits for what is in flight and closes. Everything asked afterwards fails with `closed`. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    await this.finish();
    for (const snapshot of this.#snapshots) snapshot.close();
    this.environment.intact.close();
    await this.environment.root.close();
  }

  /** What has to end before the environment is closed. */
  protected finish(): Promise<void> {
    return Promise.resolve();
  }

  protected record(groupId: string): GroupRecord {
    this.check();
    return recordOf(this.registry, groupId);
  }

  /** Whether nothing can be asked any more. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Throws `StorageError` (`closed`). */
  protected check(): void {
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

  constructor(
    environment: Environment,
    registry: Registry,
    live: View,
    whenClosed: (snapshot: Snapshot) => void,
  ) {
    this.#environment = environment;
    this.#registry = registry;
    this.#whenClosed = whenClosed;
    this.#transaction = withTypedErrors(() => environment.root.useReadTransaction());
    this.#view = {
      ...live,
      options: { transaction: this.#transaction },
      check: () => this.#check(),
    };
    this.artifacts = new ArtifactReader(environment, this.#view);
  }

  /** Reads of a group; throws `RangeError` when the node does not have it. */
  group(groupId: string): GroupReader {
    this.#check();
    return new LmdbGroupReader(recordOf(this.#registry, groupId), this.#environment, this.#view);
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

function recordOf(registry: Registry, groupId: string): GroupRecord {
  const record = withTypedErrors(() => registry.find(groupId));
  if (!record) throw new RangeError(`group ${groupId} is not in this store`);
  return record;
}
