import { Bus } from './actors/bus.ts';
import { type Clock, type ClockError, recordOf, systemClock } from './actors/clock.ts';
import { NodeClosedError } from './actors/errors.ts';
import type { Group } from './actors/group.ts';
import type { Market } from './actors/market/market.ts';
import { MeasuredVerifier } from './actors/measured-verifier.ts';
import type { NewGroup } from './actors/node/founding.ts';
import { assertNoKey } from './actors/node/identities.ts';
import type { NodeStatus } from './actors/node/node.machine.ts';
import { noteOpened } from './actors/node/opened-here.ts';
import { assertInitable, assertKeysNotLost, openChain } from './actors/node/opening.ts';
import { sealingDoubt } from './actors/node/sealing-doubt.ts';
import type { PartFailure } from './actors/node/supervisor.ts';
import type { Outbox } from './actors/outbox.ts';
import { Watchers, type WatchOptions } from './actors/watch.ts';
import { compose, embedderOf, type NodeParts, type OpenOptions, type Resources } from './composition.ts';
import { createKeystore, type Keystore, type ListedIdentity, openKeystore } from './crypto/keystore.ts';
import { PoolVerifier } from './crypto/pool-verifier.ts';
import type { Verifier } from './crypto/verifier.ts';
import type { EventsSkipped, LogEvent, MomentEvent } from './events/bus.ts';
import type { Hex32 } from './events/bytes.ts';
import type { NetworkService } from './protocol/network-service.ts';
import type { NetworkOptions } from './protocol/network-types.ts';
import type { NetworkPort } from './protocol/port.ts';
import { type BackupSummary, writeBackup } from './storage/backup/write.ts';
import { writeClockRecord } from './storage/clock-record.ts';
import { createDirectory, isFreshlyRestored, openDirectory, recordCompared } from './storage/directory.ts';
import { acquireLock } from './storage/lock.ts';
import type { Store } from './storage/store.ts';
import type { EmbedderOptions } from './views/meaning/embedder.ts';
import type { Views } from './views/views.ts';

export type { NewGroup } from './actors/node/founding.ts';
export type { OpenOptions } from './composition.ts';

export interface InitOptions {
  /** The data directory; made if it does not exist. */
  readonly data: string;
  /** What the node's own identity is called; `node` until another name is chosen. */
  readonly name?: string;
  /** Encrypts the keys at rest. */
  readonly password?: string;
  /** How long to wait for another owner of the directory to go, milliseconds. */
  readonly waitMs?: number;
  readonly clock?: Clock;
}

export class BatteryNode {
  /** Everything that happens, as RxJS streams. */
  readonly bus = new Bus();
  private readonly resources: Resources;
  private readonly parts: NodeParts;
  private readonly watchers: Watchers;
  private closing: Promise<void> | undefined;
  /** Takes back the note that this node is open here. */
  private forget: () => void = () => {};

  private constructor(resources: Resources) {
    this.resources = resources;
    this.parts = compose(resources, this.bus);
    this.watchers = new Watchers(this.bus);
    this.parts.supervisor.opened();
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
    const { data, name, password, waitMs = 0 } = options;
    if (name !== undefined) assertNoKey(name);
    const layout = createDirectory(data);
    const lock = await acquireLock(layout.root, { waitMs });
    try {
      assertKeysNotLost(data);
      const keystore = await createKeystore(layout.keys, {
        ...(password === undefined ? {} : { password }),
        ...(name === undefined ? {} : { nodeName: name }),
      });
      const identity = keystore.list()[0]!;
      await keystore.close();
      writeClockRecord(layout.clock, recordOf(options.clock ?? systemClock));
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
    let store: Store | undefined;
    try {
      assertKeysNotLost(data);
      keystore = await openKeystore(layout.keys, password === undefined ? {} : { password });
      store = openChain(layout, durability);
      const node = new BatteryNode({ layout, lock, store, keystore, verifier, options });
      node.forget = noteOpened(layout.root, node);
      return node;
    } catch (error) {
      await failuresOf([() => store?.close(), () => keystore?.close(), () => lock.release()]);
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
    return this.parts.supervisor.status;
  }

  /** The data directory, as an absolute path. */
  get data(): string {
    return this.resources.layout.root;
  }

  /** Which parts of which groups have failed and not been sound since: their chains, task boards and presences. */
  failures(): PartFailure[] {
    return this.parts.supervisor.failures();
  }

  // Identities.

  /** The identities of this node, its own first. */
  identities(): ListedIdentity[] {
    return this.parts.identities.list();
  }

  /** A new identity with a key of its own. */
  async createIdentity(name: string): Promise<ListedIdentity> {
    this.assertOpen();
    return this.parts.identities.create(name);
  }

  /** Gives an identity another name on this node; its key stays, and so does the name that groups know it by. */
  renameIdentity(nameOrKey: string, newName: string): Promise<ListedIdentity> {
    return this.parts.identities.rename(nameOrKey, newName);
  }

  /** An identity by its name, its key, or a prefix of the key. The node's own also goes by `node`. */
  identity(nameOrKey: string): ListedIdentity {
    return this.parts.identities.find(nameOrKey);
  }

  /** Whether the keys are encrypted and no password was given: the node reads, but signs nothing. */
  get isLocked(): boolean {
    return this.resources.keystore.locked;
  }

  get hasPassword(): boolean {
    return this.resources.keystore.hasPassword;
  }

  /** What is wrong with the modes of the key file, if anything. */
  get keyFileWarning(): string | undefined {
    return this.resources.keystore.modeWarning;
  }

  async changePassword(oldPassword: string | undefined, newPassword: string | undefined): Promise<void> {
    this.assertOpen();
    return this.resources.keystore.changePassword(oldPassword, newPassword);
  }

  // Groups.

  /** Founds a group; the founder becomes its admin and sealer. */
  async createGroup(group: NewGroup): Promise<Group> {
    this.assertOpen();
    return this.parts.groups.create(group);
  }

  /** Ids of the groups on this node. */
  groupIds(): Hex32[] {
    this.assertOpen();
    return this.parts.groups.ids();
  }

  /** Every group of this node. */
  groups(): Group[] {
    this.assertOpen();
    return this.parts.groups.all();
  }

  /** Whether this node holds a key that may seal the group. */
  isSealedHere(groupId: Hex32): boolean {
    return this.parts.groups.seals(groupId);
  }

  /** The groups whose chains are loaded: those in use. */
  loadedGroups(): Group[] {
    return this.parts.groups.loaded();
  }

  /** A group by its id, an unambiguous prefix of it, or its name where only one group has it. */
  group(idOrName: string): Group {
    this.assertOpen();
    return this.parts.groups.find(idOrName);
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

  /**
   * The read models: search, threads, SQL. Their thread starts with the first question, with `follow`, or a while after
   * claims came, so that vectors are there when they are asked for.
   */
  get views(): Views {
    this.assertOpen();
    return this.parts.views;
  }

  /** Where the search by meaning has its model from. */
  get embedder(): EmbedderOptions {
    return embedderOf(this.resources.options);
  }

  private assertOpen(): void {
    if (this.closing !== undefined) throw new NodeClosedError();
  }

  /** Orders of this node's buyers, grants of its sellers, and what it has heard is for sale. */
  get market(): Market {
    return this.parts.market;
  }

  // The network.

  /** Work that other nodes must seal. */
  get outbox(): Outbox {
    return this.parts.outbox;
  }

  /**
   * Starts the network of this node: from then on its groups follow those of other nodes, and what waits in the
   * outbox goes to its sealers. Where one runs already it goes on as it is.
   * @throws NetworkError `listen_failed`, PasswordRequiredError while the keys are locked
   */
  startNetwork(options: NetworkOptions = {}): Promise<NetworkService> {
    this.assertOpen();
    return this.parts.networkSlot.start(options);
  }

  /** Whether the directory was made from a backup, and nobody was asked yet what it may have forgotten. */
  get isFreshlyRestored(): boolean {
    return isFreshlyRestored(this.resources.layout);
  }

  /** Members were asked what the backup has forgotten, or its owner knows that it is the newest there is. */
  trustRestored(): void {
    recordCompared(this.resources.layout);
  }

  /** Ends the network; the node goes on without one. */
  stopNetwork(): Promise<void> {
    return this.parts.networkSlot.stop();
  }

  /** The network, where it runs. */
  get network(): NetworkService | undefined {
    return this.parts.networkSlot.current;
  }

  /** What the network knows of this node: for its records while it does not run. */
  get networkPort(): NetworkPort {
    return this.parts.networkPort;
  }

  /** The verification pool, for audits of files. */
  get signatureVerifier(): Verifier {
    return this.resources.verifier;
  }

  /** By how much the system clock has jumped, milliseconds, where that keeps this node from sealing. */
  get clockJumpMs(): number | undefined {
    return this.parts.clock.jumpMs;
  }

  /**
   * What keeps this node from sealing by its clock.
   * @param lastBlockMs the time of the block that the next one would follow
   */
  clockDoubt(lastBlockMs?: number): ClockError | undefined {
    return this.parts.clock.doubt(lastBlockMs);
  }

  /** Why a group that this node seals is not sealed by the clock as it is: it jumped, or nothing vouches for it. */
  get sealingDoubt(): ClockError | undefined {
    return sealingDoubt(this.parts.clock, this.parts.groups);
  }

  /** Takes the present wall time as right: after a jump, and where nothing has vouched for the clock. */
  trustClock(): void {
    this.parts.clock.trust();
  }

  /**
   * Writes everything but the read models to one new file, as it is at one moment; the node goes on meanwhile.
   * @throws StorageError, and the system's error with `EEXIST` where the file is there already
   */
  backup(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<BackupSummary> {
    this.assertOpen();
    return writeBackup(this.resources.store, this.resources.layout, path, {
      ...options,
      nowMs: this.parts.clock.nowMs(),
    });
  }

  /** Seals and stores what waits, stops everything, and gives the directory back. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    const { keystore, store, verifier, lock } = this.resources;
    const { supervisor, networkSlot, outbox, market, tasks, presences, alarms, groups, views } = this.parts;
    supervisor.drain();
    this.forget();
    // What fails must not keep the store open under a directory that is given back.
    const [failure] = await failuresOf([
      () => networkSlot.stop(),
      () => outbox.close(),
      () => market.stop(),
      () => tasks.stop(),
      () => presences.stop(),
      () => alarms.stop(),
      () => groups.close(),
      () => this.rememberClock(),
      () => views.close(),
      () => this.bus.close(),
      () => verifier.close(),
      () => store.close(),
      () => keystore.close(),
      () => lock.release(),
    ]);
    supervisor.drained();
    if (failure !== undefined) throw failure.error;
  }

  /** For the next process, which has seen nothing of this one's time. */
  private rememberClock(): void {
    const known = this.parts.clock.known();
    if (known !== undefined) writeClockRecord(this.resources.layout.clock, known);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Takes every step in its order, whatever became of those before it; gives what they threw. */
async function failuresOf(steps: readonly (() => unknown)[]): Promise<{ readonly error: unknown }[]> {
  const failures: { error: unknown }[] = [];
  for (const step of steps)
    try {
      await step();
    } catch (error) {
      failures.push({ error });
    }
  return failures;
}
