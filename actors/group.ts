/**
 * A group as its users hold it: who acts in it (`as`), what it is like now or was at a height (`now`, `at`), what
 * happens in it (`events`), and its history (`block`, `transaction`, `audit` …).
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { sha256 } from '../crypto/hash.ts';
import type { Signer } from '../crypto/identity.ts';
import type { Verifier } from '../crypto/verifier.ts';
import { type Block, decodeBlock } from '../events/block.ts';
import type { LogEvent } from '../events/bus.ts';
import { type Hex32, isHex32, toHex } from '../events/bytes.ts';
import { type ClaimContent, readClaim } from '../events/claim-artifact.ts';
import type { Effect } from '../events/effects.ts';
import type { Policy } from '../events/operations/group.ts';
import type { Outcome, Removal } from '../events/receipt.ts';
import type { Refusal } from '../events/refusals.ts';
import { decodeTransaction, type Transaction } from '../events/transaction.ts';
import { standingOf } from '../machines/knowledge.ts';
import type { WriteSet } from '../machines/state.ts';
import { policyTable } from '../machines/tables.ts';
import { decodeEffects } from '../storage/effects.ts';
import type { GroupReader, GroupStore, Head, TxLocation } from '../storage/port.ts';
import { Agent } from './agent.ts';
import type { Bus } from './bus.ts';
import type { GroupChain } from './chain/chain.ts';
import type { ChainStatus } from './chain/options.ts';
import type { HistoryGap } from './checkpoint/marker.ts';
import { BrokenHistoryError, HistoryIncompleteError, NotFoundError, UsageError } from './errors.ts';
import { type StreamOptions, streamEvents } from './event-stream.ts';
import { type Claim, GroupView, type Presence, StoredState } from './group-view.ts';
import { type Audit, type AuditOptions, audit } from './history/audit.ts';
import { auditBeside, type Beside } from './history/beside.ts';
import { type ExportOptions, type ExportSummary, exportGroup } from './history/export-file.ts';
import { prove, proveConsistency } from './history/prove.ts';
import { type Replay, type ReplayOptions, replay } from './history/replay.ts';
import { sourceOf } from './history/source.ts';
import { resolveId } from './ids.ts';
import type { PeerHint } from './invites.ts';
import type { Wallet } from './market/desk.ts';
import type { Market } from './market/market.ts';
import type { BeatVerdict, GroupPresence } from './presence/group-presence.ts';
import { type PlaceBefore, type Published, publishedBackwards } from './published.ts';
import { removalOf } from './removal.ts';
import { Verdicts } from './verdicts.ts';

/** Blocks that are read between two turns of the event loop. */
const BLOCKS_PER_TURN = 64;

export interface RecentOptions {
  /** How many claims at most; 20 if not given. */
  readonly limit?: number;
  /** Only claims that count as published at or after this time. */
  readonly sinceMs?: number;
  /** Only claims that come before this place of the log, or before this time. */
  readonly before?: PlaceBefore;
  /** As they are in this view, from `at`; at the head, if not given. */
  readonly view?: GroupView;
}

export interface GroupOptions {
  readonly store: GroupStore;
  /** The group's name as it was when it came to this node. */
  readonly registeredName: string;
  readonly bus: Bus;
  readonly verifier: Verifier;
  readonly wallet: Wallet;
  market(): Market;
  /** The group's chain actor, started by the first who needs it. */
  chain(): GroupChain;
  /** When the sealer was last heard, where somebody else seals. */
  sealerHeardMs(): number | undefined;
  /** How the chain stands, without starting it where that is not needed. */
  standing(): ChainStanding;
  /** The group's presence actor, started by the first who needs it. */
  presence(): GroupPresence;
  /** When a member was last heard by a beat, if ever. */
  lastBeatMs(member: Hex32): number | undefined;
  /** Runs `use` on a view of the group that stands still. */
  readSnapshot<T>(use: (reader: GroupReader) => Promise<T>): Promise<T>;
  /** What the node keeps beside the log. */
  readonly beside: Beside;
  /** The signer and the name of an identity by name, key, or prefix of the key. */
  identity(nameOrKey: string): { signer: Signer; name: string };
  nowMs(): number;
  /** Where this node can be reached, for join codes. */
  hints(): readonly PeerHint[];
  /** What of the history is not here yet, where the group began at a checkpoint. */
  gap(): HistoryGap | undefined;
  /** Ids of the tasks that have not ended, where they are not too many to be kept. */
  readonly openTasks: () => Iterable<string> | undefined;
}

/** Whether a group's chain works, and if not, why and until when. */
export interface ChainStanding {
  readonly status: ChainStatus;
  readonly haltReason: string | undefined;
  /** When a halted group is loaded again by itself, wall time in milliseconds; absent where it is not. */
  readonly retryAtMs: number | undefined;
}

/** A group in short. */
export interface GroupInfo extends ChainStanding {
  readonly groupId: Hex32;
  readonly name: string;
  readonly currency: string;
  readonly head: Head;
  /** When the sealer was last heard, milliseconds; absent where this node seals the group, and where it never was. */
  readonly sealerHeardMs: number | undefined;
}

/** A claim with its text, where the artifact is here. */
export interface ReadClaim extends Claim {
  readonly content: ClaimContent | undefined;
  /** Where it stands in the log. */
  readonly height: number;
  readonly index: number;
  /** When it counts as published: its time, or when the group's was set back from there. */
  readonly countedMs: number;
}

/** A block, decoded, with what it brought about. */
export interface ReadBlock {
  readonly block: Block;
  readonly blockId: Hex32;
  readonly transactions: readonly (Transaction & { readonly txId: Hex32 })[];
  readonly effects: readonly {
    readonly transaction: number;
    readonly operation: number;
    readonly effect: Effect;
  }[];
}

export class Group {
  readonly groupId: Hex32;
  private readonly options: GroupOptions;
  private readonly verdicts: Verdicts;
  private cachedView: GroupView | undefined;

  constructor(options: GroupOptions) {
    this.options = options;
    const state = new StoredState(options.store);
    this.verdicts = new Verdicts((claim) => standingOf(state, claim));
    this.groupId = options.store.groupId;
  }

  // Acting.

  /** The identity `nameOrKey` of this node, at work in this group. */
  as(nameOrKey: string): Agent {
    const { signer, name } = this.options.identity(nameOrKey);
    const { wallet, nowMs, hints, chain, presence, market } = this.options;
    const view = (): GroupView => this.now;
    const policy = (): Policy => new StoredState(this.options.store).get(policyTable, '')!;
    const removal = (): Removal | undefined => this.removalOf(signer.publicKey);
    const own = { signer, name, view, policy, removal };
    return new Agent({ chain: chain(), presence, market, wallet, nowMs, hints, ...own });
  }

  /** Submits a transaction that was signed elsewhere, with the artifacts it refers to. */
  submitSigned(bytes: Uint8Array, artifacts: readonly Uint8Array[] = []): Promise<Outcome> {
    return this.options.chain().submitSigned(bytes, artifacts);
  }

  /** Takes blocks that another node sealed; returns the refusal of the first that is not valid. */
  follow(blocks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Refusal | undefined> {
    return this.options.chain().follow(blocks);
  }

  /** Takes in what a committed block wrote; nothing where the disk may have a block whose commit was never told. */
  observe(writes: WriteSet | undefined): void {
    if (writes === undefined) this.verdicts.clear();
    else this.verdicts.observe(writes);
  }

  /** Takes a member's beat that came from elsewhere. */
  receiveBeat(beat: Uint8Array): BeatVerdict {
    return this.options.presence().receive(beat);
  }

  /** Loads the group again after it was halted. */
  reload(): Promise<void> {
    return this.options.chain().reload();
  }

  // Looking.

  /** The last block that is on disk. */
  get head(): Head {
    const head = this.options.store.head();
    if (head === undefined) throw new NotFoundError(`group ${this.groupId.slice(0, 8)} has no blocks yet`);
    return head;
  }

  info(): GroupInfo {
    const { name, currency } = this.now.group();
    const { standing, sealerHeardMs } = this.options;
    const { groupId, head } = this;
    return { groupId, name, currency, ...standing(), head, sealerHeardMs: sealerHeardMs() };
  }

  /** How the group stands, also where nothing of it can be read: never throws because of that. */
  standing(): ChainStanding & { readonly groupId: Hex32; readonly name: string } {
    return { groupId: this.groupId, name: this.options.registeredName, ...this.options.standing() };
  }

  /** When and by whom a key was removed from the group; nothing for members, and for those who never were one. */
  removalOf(member: Hex32): Removal | undefined {
    return removalOf(this.options.store, member);
  }

  /**
   * Who is there: what members said on the chain, and the beats that came since.
   * @param options.staleMs how long after the last sign of life a member counts as stale
   */
  presence(options: { staleMs?: number } = {}): Presence[] {
    const { nowMs, lastBeatMs } = this.options;
    return this.now.presence({ ...options, nowMs: nowMs(), lastBeatMs });
  }

  /** The state on disk. It moves on with the group; `at` gives one that stands still. */
  get now(): GroupView {
    const { height, tsMs } = this.head;
    if (this.cachedView?.height !== height)
      this.cachedView = new GroupView(
        new StoredState(this.options.store),
        { height, tsMs },
        this.options.openTasks,
        this.verdicts,
      );
    return this.cachedView;
  }

  /** The state as it was after the block at `height`, by replay. */
  async at(height: number, options: Omit<ReplayOptions, 'toHeight'> = {}): Promise<GroupView> {
    this.assertHeight(height);
    const result = await this.replay({ ...options, toHeight: height });
    if (result.status === 'broken') throw new BrokenHistoryError(result.at.height, result.refusal);
    return new GroupView(result.state, { height, tsMs: result.tip!.tsMs });
  }

  private assertHeight(height: number): void {
    if (!Number.isSafeInteger(height) || height < 0 || height > this.head.height)
      throw new UsageError(`there is no height ${height}; the group is at ${this.head.height}`);
    const gap = this.historyGap;
    if (gap !== undefined && height >= gap.filled && height < gap.height)
      throw new HistoryIncompleteError(gap);
  }

  /** What of the history is not here yet, where the group began at a checkpoint. */
  get historyGap(): HistoryGap | undefined {
    return this.options.gap();
  }

  private assertWhole(): void {
    const gap = this.historyGap;
    if (gap !== undefined) throw new HistoryIncompleteError(gap);
  }

  /** What a claim says. Nothing where its artifact is not here, or is not what the chain says it is. */
  claimContent(claim: Hex32): ClaimContent | undefined {
    const bytes = this.options.store.artifact(claim);
    const record = this.now.claim(claim);
    return bytes === undefined || record === undefined ? undefined : readClaim(bytes, record);
  }

  /** The bytes of an artifact of this group. */
  artifact(hash: Hex32): Uint8Array | undefined {
    return this.options.store.artifact(hash);
  }

  /** The latest claims, newest first. On a long log with few claims this takes as long as reading all of it. */
  recentClaims(options: RecentOptions = {}): ReadClaim[] {
    const { limit = 20, view = this.now } = options;
    const claims: ReadClaim[] = [];
    for (const published of publishedBackwards(this.options.store, view.height, options)) {
      claims.push(...this.readClaims(published, view));
      if (claims.length >= limit) break;
    }
    return claims.slice(0, limit);
  }

  /**
   * As `recentClaims`, for those who share a thread with others: others with work get their turn in between.
   */
  async recentClaimsInTurns(options: RecentOptions = {}): Promise<ReadClaim[]> {
    const { limit = 20, view = this.now } = options;
    const claims: ReadClaim[] = [];
    let blocks = 0;
    for (const published of publishedBackwards(this.options.store, view.height, options)) {
      claims.push(...this.readClaims(published, view));
      if (claims.length >= limit) break;
      if (++blocks % BLOCKS_PER_TURN === 0) await nextTurn();
    }
    return claims.slice(0, limit);
  }

  private readClaims(published: readonly Published[], view: GroupView): ReadClaim[] {
    return published.flatMap(({ claim: id, ...place }) => {
      const claim = view.claim(id);
      return claim === undefined ? [] : [{ ...claim, content: this.claimContent(id), ...place }];
    });
  }

  /** Events of the log, from a cursor on; see `StreamOptions`. */
  events(options: StreamOptions = {}): AsyncGenerator<LogEvent> {
    return streamEvents(this.options.store, this.options.bus.head$, options);
  }

  // History.

  block(height: number): ReadBlock {
    this.assertHeight(height);
    const { store } = this.options;
    const block = decodeBlock(store.block(height)!);
    const transactions = block.transactions.map((bytes) => {
      const transaction = decodeTransaction(bytes);
      return { ...transaction, txId: toHex(sha256(transaction.payload)) };
    });
    const effects = decodeEffects(store.effects(height));
    return { block, blockId: store.blockId(height)!, transactions, effects };
  }

  /** Where a transaction is, by its id or an unambiguous prefix. */
  findTransaction(idOrPrefix: string): { txId: Hex32; location: TxLocation } {
    const txId = isHex32(idOrPrefix) ? idOrPrefix : this.searchTransaction(idOrPrefix);
    const location = this.options.store.txLocation(txId);
    if (location === undefined) throw new NotFoundError(`there is no transaction ${idOrPrefix} in the group`);
    return { txId, location };
  }

  private searchTransaction(prefix: string): Hex32 {
    return resolveId('transaction', prefix, this.sealedBeginning(prefix.toLowerCase()));
  }

  /** Nothing is read before the prefix is known to be one. */
  private *sealedBeginning(digits: string): Generator<Hex32> {
    this.assertWhole();
    yield* this.options.store.txIds(digits);
  }

  /** The height of a block by its height as text, its id, or a prefix of it. */
  findBlock(heightOrId: string): number {
    if (/^\d{1,7}$/.test(heightOrId)) {
      const height = Number(heightOrId);
      this.assertHeight(height);
      return height;
    }
    const { store } = this.options;
    const known = isHex32(heightOrId) ? store.heightOf(heightOrId) : undefined;
    if (known !== undefined) return known;
    return store.heightOf(resolveId('block', heightOrId, this.blocksBeginning(heightOrId.toLowerCase())))!;
  }

  private *blocksBeginning(digits: string): Generator<Hex32> {
    this.assertWhole();
    yield* this.options.store.blockIds(digits);
  }

  /** Judges the log again from block 0, without its signatures. */
  async replay(options: ReplayOptions = {}): Promise<Replay> {
    this.assertWhole();
    return replay(sourceOf(this.options.store), options);
  }

  /** Checks everything that a stranger could check, and that what is stored beside the log agrees with it. */
  async audit(options: Omit<AuditOptions, 'verifier'> = {}): Promise<Audit> {
    this.assertWhole();
    const { verifier, readSnapshot, beside } = this.options;
    const result = await readSnapshot((reader) => audit(sourceOf(reader), { ...options, verifier }));
    return auditBeside(result, beside);
  }

  /** Writes the whole group, as it is now, to one portable file. */
  async exportTo(path: string, options: ExportOptions = {}): Promise<ExportSummary> {
    this.assertWhole();
    return this.options.readSnapshot((reader) => exportGroup(reader, path, options));
  }

  /**
   * A proof that a transaction is in this group's history; `verifyProof` checks it without the chain.
   * @param options.headHeight prove against this earlier head
   * @throws NotFoundError
   */
  prove(txId: Hex32, options: { readonly headHeight?: number } = {}): Uint8Array {
    this.assertWhole();
    const proof = prove(this.options.store, txId, options);
    if (proof === undefined) throw new NotFoundError(`there is no transaction ${txId} in the group`);
    return proof;
  }

  /** A proof that the history of the present head extends that of an earlier one. */
  proveConsistency(oldHeight: number): Uint8Array {
    this.assertHeight(oldHeight);
    this.assertWhole();
    return proveConsistency(this.options.store, oldHeight);
  }
}
