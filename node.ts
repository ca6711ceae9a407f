/**
 * The composition root: opens the data directory, starts the actors and wires them together. Nothing else knows
 * everything.
 */
import { Alarms } from './actors/alarms.ts';
import { Bus } from './actors/bus.ts';
import { systemClock, WatchedClock } from './actors/clock.ts';
import { NodeClosedError } from './actors/errors.ts';
import type { Group } from './actors/group.ts';
import { readHints } from './actors/invites.ts';
import { Market } from './actors/market/market.ts';
import { MeasuredVerifier } from './actors/measured-verifier.ts';
import type { NewGroup } from './actors/node/founding.ts';
import { Groups } from './actors/node/groups.ts';
import { Identities } from './actors/node/identities.ts';
import type { NodeStatus } from './actors/node/node.machine.ts';
import { assertInitable, assertKeysNotLost, openChain } from './actors/node/opening.ts';
import type { InitOptions, OpenOptions } from './actors/node/options.ts';
import { Supervisor } from './actors/node/supervisor.ts';
import { Outbox } from './actors/outbox.ts';
import { Presences } from './actors/presence/presences.ts';
import { TaskBoards } from './actors/tasks/task-boards.ts';
import { systemTimers } from './actors/timers.ts';
import { Watchers, type WatchOptions } from './actors/watch.ts';
import { createKeystore, type Keystore, type ListedIdentity, openKeystore } from './crypto/keystore.ts';
import { PoolVerifier } from './crypto/pool-verifier.ts';
import type { Verifier } from './crypto/verifier.ts';
import type { EventsSkipped, LogEvent, MomentEvent } from './events/bus.ts';
import type { Hex32 } from './events/bytes.ts';
import type { NetworkService } from './protocol/network-service.ts';
import { NetworkSlot } from './protocol/network-slot.ts';
import type { NetworkOptions } from './protocol/network-types.ts';
import { type NetworkPort, networkPort } from './protocol/port.ts';
import { type BackupSummary, writeBackup } from './storage/backup/write.ts';
import { createDirectory, type DirectoryLayout, openDirectory, recordChain } from './storage/directory.ts';
import { acquireLock, type Lock } from './storage/lock.ts';
import type { Store } from './storage/store.ts';

export type { NewGroup } from './actors/node/founding.ts';
export type { InitOptions, OpenOptions } from './actors/node/options.ts';

/** What `open` has got hold of, and `close` gives back. */
interface Parts {
  readonly layout: DirectoryLayout;
  readonly lock: Lock;
  readonly store: Store;
  readonly keystore: Keystore;
  readonly verifier: Verifier;
  readonly options: OpenOptions;
}

export class BatteryNode {
  /** Everything that happens, as RxJS streams. */
  readonly bus = new Bus();
  /** Work that other nodes must seal. */
  readonly outbox: Outbox;
  private readonly parts: Parts;
  private readonly clock: WatchedClock;
  private readonly supervisor: Supervisor;
  private readonly alarms: Alarms;
  private readonly tasks: TaskBoards;
  private readonly presences: Presences;
  private readonly people: Identities;
  private readonly held: Groups;
  /** Orders of this node's buyers, grants of its sellers. */
  readonly market: Market;
  private readonly watchers: Watchers;
  private readonly port: NetworkPort;
  private readonly networkSlot: NetworkSlot;
  private closing: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.parts = parts;
    const { layout, store, keystore, verifier, options } = parts;
    const { bus } = this;
    const { timers = systemTimers, lingerMs } = options;
    const clock = new WatchedClock(options.clock ?? systemClock, options.maxClockDriftMs);
    this.clock = clock;
    const supervisor = new Supervisor({ clock, timers });
    const alarms = new Alarms(clock, timers);
    const watched = { alarms, clock, timers, supervisor };
    const readerOf = (groupId: Hex32) => store.group(groupId);
    const tell = (event: MomentEvent): void => bus.moment(event);
    clock.onChange = (error) =>
      tell(
        error === undefined
          ? { kind: 'clock.restored' }
          : { kind: 'clock.jumped', jumpMs: error.jumpMs, message: error.message },
      );
    this.supervisor = supervisor;
    this.alarms = alarms;
    this.people = new Identities(keystore);
    this.outbox = new Outbox({
      map: store.outbox,
      bus,
      clock,
      group: (groupId) => store.group(groupId),
      signerOf: (publicKey) => this.people.signerOf(publicKey),
    });
    this.tasks = new TaskBoards({ ...watched, readerOf, tell, groupIds: () => this.held.ids() });
    this.presences = new Presences({
      ...watched,
      readerOf,
      tell,
      send: (groupId, beat) => bus.beat({ groupId, beat }),
    });
    const { people: identities, tasks, presences, outbox } = this;
    const hints = () => this.networkSlot.current?.hints() ?? readHints(store.network);
    this.held = new Groups({
      store,
      verifier,
      clock,
      bus,
      noteChain: () => recordChain(layout),
      lingerMs,
      telemetry: options.telemetry,
      identities,
      supervisor,
      tasks,
      presences,
      outbox,
      market: () => this.market,
      hints,
    });
    this.market = new Market({
      store,
      outbox,
      bus,
      clock,
      timers,
      groupIds: () => this.held.ids(),
      chain: (groupId) => this.held.chain(groupId),
      signerOf: (publicKey) => this.people.signerOf(publicKey),
      hints,
    });
    this.port = networkPort({
      store,
      outbox,
      bus,
      clock,
      keystore,
      identities,
      groups: this.held,
      presences,
      market: this.market,
    });
    this.networkSlot = new NetworkSlot(this.port, options.telemetry);
    this.watchers = new Watchers(bus);
    supervisor.opened();
  }

  /**
   * Throws what `init` would refuse the directory with, and changes nothing: to ask before a password is made up.
   * @throws KeystoreExistsError, KeystoreLostError, DirectoryError
   */
  static assertInitable(data: string): void {
    assertInitable(data);
  }

  /**
   * Makes a directory a node's, with one identity of its own.
   * @throws KeystoreExistsError, KeystoreLostError, DirectoryError; a directory that holds a node stays as it is
   */
  static async init(options: InitOptions): Promise<{ identity: ListedIdentity }> {
    const { data, password, waitMs = 0 } = options;
    const layout = createDirectory(data);
    const lock = await acquireLock(layout.root, { waitMs });
    try {
      assertKeysNotLost(data);
      const keystore = await createKeystore(layout.keys, password === undefined ? {} : { password });
      const identity = keystore.list()[0]!;
      await keystore.close();
      return { identity };
    } finally {
      lock.release();
    }
  }

  /**
   * Opens a node and becomes the owner of its directory.
   * @throws DirectoryError, DirectoryOwnedError, KeystoreError, StorageError
   */
  static async open(options: OpenOptions): Promise<BatteryNode> {
    const { data, password, durability = 'flush', waitMs = 0, threads, telemetry } = options;
    const layout = openDirectory(data);
    const pool = new PoolVerifier(threads === undefined ? {} : { threads });
    const verifier = telemetry === undefined ? pool : new MeasuredVerifier(pool, telemetry);
    const lock = await acquireLock(layout.root, { waitMs });
    let keystore: Keystore | undefined;
    try {
      assertKeysNotLost(data);
      keystore = await openKeystore(layout.keys, password === undefined ? {} : { password });
      const store = openChain(layout, durability);
      return new BatteryNode({ layout, lock, store, keystore, verifier, options });
    } catch (error) {
      await keystore?.close();
      lock.release();
      throw error;
    }
  }

  /** Opens a node, and makes it first where there is none. */
  static async openOrInit(options: OpenOptions): Promise<BatteryNode> {
    try {
      return await BatteryNode.open(options);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'missing' && code !== 'keystore_not_found') throw error;
      // Somebody else may make it at the same moment; then it is there as well.
      await BatteryNode.init(options).catch((failure: { code?: string }) => {
        if (failure.code !== 'keystore_exists') throw failure;
      });
      return BatteryNode.open(options);
    }
  }

  /** Where in its life the node is. */
  get status(): NodeStatus {
    return this.supervisor.status;
  }

  // Identities.

  /** The identities of this node, its own first. */
  identities(): ListedIdentity[] {
    return this.people.list();
  }

  /** A new identity with a key of its own. */
  createIdentity(name: string): Promise<ListedIdentity> {
    return this.people.create(name);
  }

  /** An identity by its name, its key, or a prefix of the key. */
  identity(nameOrKey: string): ListedIdentity {
    return this.people.find(nameOrKey);
  }

  /** Whether the keys are encrypted and no password was given: the node reads, but signs nothing. */
  get isLocked(): boolean {
    return this.parts.keystore.locked;
  }

  get hasPassword(): boolean {
    return this.parts.keystore.hasPassword;
  }

  /** What is wrong with the modes of the key file, if anything. */
  get keyFileWarning(): string | undefined {
    return this.parts.keystore.modeWarning;
  }

  changePassword(oldPassword: string | undefined, newPassword: string | undefined): Promise<void> {
    return this.parts.keystore.changePassword(oldPassword, newPassword);
  }

  // Groups.

  /** Founds a group; the founder becomes its admin and sealer. */
  async createGroup(group: NewGroup): Promise<Group> {
    this.assertOpen();
    return this.held.create(group);
  }

  /** Ids of the groups on this node. */
  groupIds(): Hex32[] {
    return this.held.ids();
  }

  /** Every group of this node. */
  groups(): Group[] {
    this.assertOpen();
    return this.held.all();
  }

  /** The groups whose chains are loaded: those in use. */
  loadedGroups(): Group[] {
    return this.held.loaded();
  }

  /** A group by its id, an unambiguous prefix of it, or its name where only one group has it. */
  group(idOrName: string): Group {
    this.assertOpen();
    return this.held.find(idOrName);
  }

  /**
   * Everything that happens from now on, in all groups or one, through a bounded queue: a subscriber that falls
   * behind is told what it skipped and where to read it again. `Group.events` reads the log and skips nothing.
   * @throws TooManyWatchersError
   */
  watch(options: WatchOptions = {}): AsyncGenerator<LogEvent | MomentEvent | EventsSkipped> {
    this.assertOpen();
    return this.watchers.watch(options);
  }

  private assertOpen(): void {
    if (this.closing !== undefined) throw new NodeClosedError();
  }

  // The network.

  /**
   * Starts the network of this node: from then on its groups follow those of other nodes, and what waits in the
   * outbox goes to its sealers. Where one runs already it goes on as it is.
   * @throws NetworkError `listen_failed`, PasswordRequiredError while the keys are locked
   */
  startNetwork(options: NetworkOptions = {}): Promise<NetworkService> {
    this.assertOpen();
    return this.networkSlot.start(options);
  }

  /** Ends the network; the node goes on without one. */
  stopNetwork(): Promise<void> {
    return this.networkSlot.stop();
  }

  /** The network, where it runs. */
  get network(): NetworkService | undefined {
    return this.networkSlot.current;
  }

  /** What the network knows of this node: for its records while it does not run. */
  get networkPort(): NetworkPort {
    return this.port;
  }

  /** The verification pool, for audits of files. */
  get signatureVerifier(): Verifier {
    return this.parts.verifier;
  }

  /** By how much the system clock has jumped, milliseconds, where that keeps this node from sealing. */
  get clockJumpMs(): number | undefined {
    return this.clock.jumpMs;
  }

  /** Takes the present wall time as right after a jump. */
  trustClock(): void {
    this.clock.trust();
  }

  /**
   * Writes everything but the read models to one new file, as it is at one moment; the node goes on meanwhile.
   * @throws StorageError, and the system's error with `EEXIST` where the file is there already
   */
  backup(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<BackupSummary> {
    this.assertOpen();
    return writeBackup(this.parts.store, this.parts.layout, path, {
      ...options,
      nowMs: this.clock.nowMs(),
    });
  }

  /** Seals and stores what waits, stops everything, and gives the directory back. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    const { keystore, store, verifier, lock } = this.parts;
    this.supervisor.drain();
    try {
      await this.networkSlot.stop();
      this.outbox.close();
      await this.market.stop();
      this.tasks.stop();
      this.presences.stop();
      this.alarms.stop();
      await this.held.close();
      this.bus.close();
      await verifier.close();
      await store.close();
    } finally {
      await keystore.close();
      lock.release();
      this.supervisor.drained();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
