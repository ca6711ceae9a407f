/**
 * The groups of a node: which there are, by what they are called, and the actors of those in use.
 *
 * A group costs a line of the registry until somebody uses it. Holding a `Group` costs little more: its chain is
 * loaded by the first who acts, follows or reloads, and what can be read from the store is read from there.
 */

import { sha256 } from '../../crypto/hash.ts';
import type { Verifier } from '../../crypto/verifier.ts';
import { decodeBlock } from '../../events/block.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import { sealersTable } from '../../machines/tables.ts';
import type { DamageNotes } from '../../storage/damage-notes.ts';
import { StorageError } from '../../storage/errors.ts';
import type { CommitBatch } from '../../storage/port.ts';
import type { GroupRecord } from '../../storage/registry.ts';
import type { Store } from '../../storage/store.ts';
import type { Bus } from '../bus.ts';
import { GroupChain } from '../chain/chain.ts';
import { storeFounding } from '../chain/found.ts';
import type { FinalBlock } from '../chain/judge.ts';
import type { Outlet } from '../chain/options.ts';
import { tellSigned } from '../chain/signed-within.ts';
import type { SealedStatement } from '../checkpoint/format.ts';
import { deleteMarker, historyGap, writeMarker } from '../checkpoint/marker.ts';
import type { WatchedClock } from '../clock.ts';
import { RefusedError } from '../errors.ts';
import { type ChainStanding, Group } from '../group.ts';
import { groupNamed } from '../group-names.ts';
import { StoredState } from '../group-view.ts';
import { HEX_LOOKING, resolveId } from '../ids.ts';
import type { PeerHint } from '../invites.ts';
import type { Market } from '../market/market.ts';
import type { Presences } from '../presence/presences.ts';
import type { SealersHeard } from '../sealers-heard.ts';
import type { TaskBoards } from '../tasks/task-boards.ts';
import type { Telemetry } from '../telemetry.ts';
import { dropDamagedArtifacts } from './damaged-artifacts.ts';
import { found, type NewGroup, nameAtFounding } from './founding.ts';
import type { Identities } from './identities.ts';
import type { Supervisor } from './supervisor.ts';

/** The longest wait of a transaction for company, unless set otherwise. */
const LINGER_MS_DEFAULT = 2;

export interface GroupsOptions {
  readonly store: Store;
  readonly verifier: Verifier;
  readonly clock: WatchedClock;
  readonly bus: Bus;
  /** Keeps in mind that this directory has a chain, so that a database that is missing is one that was lost. */
  noteChain(): void;
  /** Notes that this node may have forgotten what it has sealed: members are asked before it seals again. */
  noteForgotten(): void;
  /** What is known to be damaged. */
  readonly damage: DamageNotes;
  readonly lingerMs: number | undefined;
  readonly telemetry: Telemetry | undefined;
  readonly identities: Identities;
  readonly supervisor: Supervisor;
  readonly tasks: TaskBoards;
  readonly presences: Presences;
  readonly sealersHeard: SealersHeard;
  market(): Market;
  /** Where work goes that somebody else must seal. */
  readonly outbox: Outlet;
  /** Where this node can be reached, for join codes. */
  hints(): readonly PeerHint[];
  /** What the read models of a group have that its log does not say. */
  compareViews(groupId: Hex32): Promise<string | undefined>;
}

export class Groups {
  private readonly options: GroupsOptions;
  private readonly groups = new Map<Hex32, Group>();
  private readonly chains = new Map<Hex32, GroupChain>();
  /** The groups that have a chain; read from the registry again when one more has. */
  private founded: readonly GroupRecord[] | undefined;
  private isClosed = false;
  /** Groups whose history is being filled in, each with what lets it be sealed again. */
  private readonly unfinished = new Map<Hex32, () => void>();
  /** Who asks that nothing be sealed in a group, and how each of its loaded chain is released. */
  private readonly holds = new Map<Hex32, Set<{ release?: () => void }>>();

  constructor(options: GroupsOptions) {
    this.options = options;
    options.store.onDamage = (groupId, error) => this.damaged(groupId, error);
  }

  /**
   * Something of a group is not what was written, whoever read it: the group halts, and stays so over the next start.
   * Not within the read: that may be in the middle of a block.
   */
  damaged(groupId: Hex32, error: StorageError): void {
    this.options.damage.note(groupId, error.message);
    queueMicrotask(() => {
      if (this.isClosed || this.options.damage.of(groupId) === undefined) return;
      // One that is not loaded yet finds the note and halts by itself.
      this.chain(groupId).damaged(error);
    });
  }

  /** Founds a group and gives it. Throws `RefusedError`, `StorageError`. */
  async create(group: NewGroup): Promise<Group> {
    const { store, clock, identities, bus, noteChain } = this.options;
    const { signer } = identities.signerNamed(group.as ?? identities.nodeName);
    const final = found(group, signer, clock.sealingMs());
    const { blockId, header } = final;
    await tellSigned(blockId, final.judged.accepted[0]!.txId);
    const place = await store.addGroup(blockId, group.name, header.tsMs);
    noteChain();
    await storeFounding(place, final);
    this.founded = undefined;
    bus.moment({ kind: 'group.opened', groupId: blockId });
    return this.get(blockId, group.name);
  }

  /**
   * Takes in a group that another node founded, by its block 0. The caller has compared the block's id with
   * the group that it wants.
   * @throws RefusedError when the block is not valid, MalformedError, StorageError
   */
  async adopt(bytes: Uint8Array): Promise<GroupChain> {
    const { store, bus, noteChain } = this.options;
    const block = decodeBlock(bytes);
    const groupId = toHex(sha256(block.headerBytes));
    await store.addGroup(groupId, nameAtFounding(block), block.header.tsMs);
    noteChain();
    const chain = this.chain(groupId);
    const refusal = await chain.follow([bytes]);
    if (refusal !== undefined) throw new RefusedError(refusal);
    bus.moment({ kind: 'group.opened', groupId });
    return chain;
  }

  /**
   * Takes in a group at a checkpoint, as its first commit. Its history is filled in later, and until then nothing is
   * sealed in it here.
   * @throws StorageError
   */
  async adoptAt(groupId: Hex32, batch: CommitBatch, sealed: SealedStatement): Promise<void> {
    const { store, bus, noteChain } = this.options;
    await writeMarker(store.network, groupId, { sealed, filled: 0 });
    const founding = decodeBlock(batch.blocks![0]!.bytes);
    const place = await store.addGroup(groupId, nameAtFounding(founding), founding.header.tsMs);
    noteChain();
    await place.commit(batch);
    this.founded = undefined;
    bus.moment({ kind: 'group.opened', groupId });
  }

  /**
   * Gives a damaged group an empty place, to be filled from its other members; what was there before is not read any
   * more. Follow it with `adopt` or `adoptAt`, and end with `renewed`.
   */
  async renew(groupId: Hex32): Promise<void> {
    const { store, damage, supervisor, noteForgotten } = this.options;
    if (this.maySeal(groupId)) noteForgotten();
    await this.chains.get(groupId)?.close();
    await dropDamagedArtifacts(store, groupId);
    await deleteMarker(store.network, groupId);
    await store.renewGroup(groupId);
    // Whoever asked in between got a chain of what was there before.
    const before = this.chains.get(groupId);
    this.chains.delete(groupId);
    damage.clear(groupId);
    await before?.close();
    supervisor.sound('chain', groupId);
    this.founded = undefined;
  }

  /** Whether this node may seal a group, or that cannot be read. */
  private maySeal(groupId: Hex32): boolean {
    try {
      return this.seals(groupId);
    } catch (error) {
      if (error instanceof StorageError) return true;
      throw error;
    }
  }

  /** Whoever kept something of a group reads it again from what is stored. */
  renewed(groupId: Hex32): void {
    this.reloaded(groupId);
  }

  /** The history of a group is whole: it may be sealed here again. */
  historyFilled(groupId: Hex32): void {
    this.unfinished.get(groupId)?.();
    this.unfinished.delete(groupId);
    // Whoever reads the log and stopped at the gap goes on.
    this.tellHead(groupId);
  }

  /** Wakes whoever reads a group's log: there may be more of it, of which nobody was told. */
  private tellHead(groupId: Hex32): void {
    const head = this.options.store.group(groupId).head();
    if (head !== undefined) this.options.bus.blockCommitted({ groupId, height: head.height }, () => []);
  }

  ids(): Hex32[] {
    return this.records().map(({ groupId }) => groupId);
  }

  all(): Group[] {
    return this.records().map(({ groupId, name }) => this.get(groupId, name));
  }

  /** The groups whose chains are loaded. */
  loaded(): Group[] {
    return [...this.chains.keys()].map((groupId) => this.find(groupId));
  }

  /** A group by its id, an unambiguous prefix of it, or its name where only one group has it. */
  find(idOrName: string): Group {
    const known = this.groups.get(idOrName);
    if (known !== undefined) return known;
    const { groupId, name } = this.resolve(idOrName);
    return this.get(groupId, name);
  }

  /** Ids come before names, since anybody may call a group whatever they like. */
  private resolve(idOrName: string): GroupRecord {
    // One that is sought by a verb needs the head of that one only.
    const records = this.founded ?? this.options.store.groups();
    const prefix = HEX_LOOKING.test(idOrName) ? idOrName.toLowerCase() : undefined;
    if (prefix !== undefined) {
      const fitting = records.filter((one) => one.groupId.startsWith(prefix) && this.hasChain(one));
      if (fitting.length > 0 || prefix.length === 64) {
        const groupId = resolveId(
          'group',
          idOrName,
          fitting.map((one) => one.groupId),
        );
        return fitting.find((one) => one.groupId === groupId)!;
      }
    }
    return groupNamed(
      idOrName,
      records.filter((one) => this.hasChain(one)),
    );
  }

  /** Asked for by strangers too (which groups are here, who has an artifact), so ten thousand are not read each time. */
  private records(): readonly GroupRecord[] {
    this.founded ??= this.options.store.groups().filter((one) => this.hasChain(one));
    return this.founded;
  }

  /** A crash between registering a group and storing its block 0 leaves a name without a chain. */
  private hasChain({ groupId }: GroupRecord): boolean {
    try {
      return this.options.store.group(groupId).head() !== undefined;
    } catch (error) {
      // A damaged group is there, and must not keep the others from being found.
      if (error instanceof StorageError && error.code === 'corrupt') return true;
      throw error;
    }
  }

  private get(groupId: Hex32, name: string): Group {
    const known = this.groups.get(groupId);
    if (known !== undefined) return known;
    const { store, bus, verifier, clock, identities, presences, tasks } = this.options;
    const { hints, market, compareViews, sealersHeard } = this.options;
    const group = new Group({
      store: store.group(groupId),
      registeredName: name,
      bus,
      verifier,
      wallet: store,
      market,
      chain: () => this.chain(groupId),
      standing: () => this.standing(groupId),
      sealerHeardMs: () => (this.seals(groupId) ? undefined : sealersHeard.lastMs(groupId)),
      presence: () => presences.of(groupId),
      lastBeatMs: (member) => presences.known(groupId)?.lastBeatMs(member),
      readSnapshot: (use) => store.readSnapshot((snapshot) => use(snapshot.group(groupId))),
      beside: { compareViews: () => compareViews(groupId), damagedEntries: () => store.damagedEntries() },
      nowMs: () => clock.nowMs(),
      identity: (nameOrKey) => identities.signerNamed(nameOrKey),
      hints,
      gap: () => historyGap(store.network, groupId),
      openTasks: () => tasks.openTasks(groupId),
    });
    this.groups.set(groupId, group);
    return group;
  }

  /** The chain actor of a group, loaded by the first who asks. */
  chain(groupId: Hex32): GroupChain {
    const known = this.chains.get(groupId);
    if (known !== undefined) return known;
    const { store, verifier, clock, bus, lingerMs = LINGER_MS_DEFAULT, telemetry } = this.options;
    const { identities, presences, outbox: outlet } = this.options;
    const chain: GroupChain = new GroupChain(groupId, {
      store: store.group(groupId),
      verifier,
      clock,
      bus,
      lingerMs,
      outlet,
      ...(telemetry === undefined ? {} : { telemetry }),
      signerOf: (publicKey) => identities.signerOf(publicKey),
      halted: (error) => this.halted(groupId, error),
      damage: () => this.options.damage.of(groupId),
      reloaded: () => this.reloaded(groupId),
      committed: (final) => this.committed(groupId, final),
    });
    this.chains.set(groupId, chain);
    // Whoever does not have all of the history may not seal: they cannot know what was spent before.
    if (historyGap(store.network, groupId) !== undefined && !this.unfinished.has(groupId))
      this.unfinished.set(groupId, this.holdSealing(groupId));
    for (const hold of this.holds.get(groupId) ?? []) hold.release = chain.holdSealing();
    if (chain.status !== 'halted') presences.of(groupId);
    return chain;
  }

  private halted(groupId: Hex32, error: Error): number | undefined {
    return this.options.supervisor.failed('chain', groupId, error, () => {
      // One that halts again says so by itself.
      this.chains.get(groupId)?.reload().catch(noop);
    });
  }

  private reloaded(groupId: Hex32): void {
    const { supervisor, tasks, presences, market } = this.options;
    supervisor.loaded('chain', groupId);
    // The disk may have a block whose commit was never told.
    this.groups.get(groupId)?.observe(undefined);
    tasks.reload(groupId);
    presences.reload(groupId);
    market().reload(groupId);
    this.tellHead(groupId);
  }

  private committed(groupId: Hex32, { judged, header }: FinalBlock): void {
    if (header.height === 0) this.founded = undefined;
    const { supervisor, tasks, presences, market } = this.options;
    supervisor.sound('chain', groupId);
    this.groups.get(groupId)?.observe(judged.writes);
    tasks.observe(groupId, judged.writes);
    presences.observe(groupId, judged.writes);
    market().observe(groupId, judged.writes);
  }

  /** A group that nobody uses is not loaded for this, unless what is stored cannot be read: then it halts. */
  standing(groupId: Hex32): ChainStanding {
    const chain = this.chains.get(groupId) ?? this.unlessReadable(groupId);
    if (chain === undefined) {
      const status = this.seals(groupId) ? 'sealing' : 'following';
      return { status, haltReason: undefined, retryAtMs: undefined };
    }
    const { status, haltReason, retryAtMs } = chain;
    return { status, haltReason, retryAtMs };
  }

  private unlessReadable(groupId: Hex32): GroupChain | undefined {
    if (this.options.damage.of(groupId) !== undefined) return this.chain(groupId);
    try {
      this.options.store.group(groupId).head();
      this.seals(groupId);
      return undefined;
    } catch {
      return this.chain(groupId);
    }
  }

  /** Seals nothing in a group until the release is called, whether its chain is loaded yet or not. */
  holdSealing(groupId: Hex32): () => void {
    const chain = this.chains.get(groupId);
    const hold: { release?: () => void } = chain === undefined ? {} : { release: chain.holdSealing() };
    const holds = this.holds.get(groupId) ?? new Set();
    this.holds.set(groupId, holds.add(hold));
    return () => {
      holds.delete(hold);
      hold.release?.();
    };
  }

  /** Whether this node holds a key that may seal the group. */
  seals(groupId: Hex32): boolean {
    const { store, identities } = this.options;
    const sealers = new StoredState(store.group(groupId)).get(sealersTable, '') ?? [];
    return sealers.some((sealer) => identities.signerOf(sealer) !== undefined);
  }

  /** Seals and stores what waits, and ends the chains. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(Array.from(this.chains.values(), (chain) => chain.close()));
  }
}

const noop = (): void => {};
