/**
 * The outbox: transactions of this node's identities that somebody else must seal, on disk until they are.
 *
 * A transaction is kept before anything is sent, so that nothing an agent wrote is lost by working offline, by a
 * crash or by a lying peer. Only two things take it out: a block of the local chain that holds it, or a refusal
 * that the sealer has signed; and where its author was removed, it is given back as refused. Sending it again is harmless, because a transaction is accepted once for ever.
 *
 * One that outlives its window of 24 hours is signed anew, as a transaction that `replaces` it.
 *
 *   group (32) || number (u64)  →  the record below      entries of a group are sent in this order
 */
import { type Observable, Subject } from 'rxjs';
import { sha256 } from '../crypto/hash.ts';
import type { Signer } from '../crypto/identity.ts';
import { concatBytes, fromHex, type Hex32, toHex } from '../events/bytes.ts';
import { type Codec, decode, encode, type Of } from '../events/codec.ts';
import { blob, id, list, optional, record, timestamp } from '../events/fields.ts';
import {
  CLAIM_ARTIFACT_BYTES_MAX,
  EXPERIENCE_BYTES_MAX,
  TRANSACTION_AGE_MS_MAX,
  TRANSACTION_BYTES_MAX,
} from '../events/limits.ts';
import type { Outcome, Receipt } from '../events/receipt.ts';
import { refusalCodec } from '../events/refusal-codec.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import { decodeTransaction, type VerifiedTransaction } from '../events/transaction.ts';
import { replacedId } from '../machines/spent.ts';
import type { OpaqueMap, OpaqueWrite } from '../storage/opaque-map.ts';
import type { GroupReader, GroupStore } from '../storage/port.ts';
import type { Bus } from './bus.ts';
import type { Artifact } from './chain/commit.ts';
import type { Outlet } from './chain/options.ts';
import { eventsOfStoredBlock } from './chain/publish.ts';
import { signTransaction } from './chain/sign.ts';
import type { WatchedClock } from './clock.ts';
import { isRemoved, refusalOfRemoved } from './removal.ts';

/** Entries of one group that may wait. More would be work that nobody has taken for a very long time. */
export const OUTBOX_PENDING_MAX = 65_536;
/** Refused entries of one group that are kept to be shown; the oldest go first. */
export const OUTBOX_REFUSED_MAX = 1_024;
/** A transaction is signed anew this long before its window closes, so that it does not expire on its way. */
const RESIGN_LEAD_MS = 10 * 60_000;

const artifactBytes = blob(Math.max(CLAIM_ARTIFACT_BYTES_MAX, EXPERIENCE_BYTES_MAX));
const entryCodec = record({
  transaction: blob(TRANSACTION_BYTES_MAX),
  artifacts: list(artifactBytes, { max: 256 }),
  queuedMs: timestamp,
  /** Earlier ids of the same work, whose windows have closed. */
  replaced: list(id, { max: 64 }),
  refusal: optional(refusalCodec as Codec<Refusal>),
});

/** One piece of work that waits for the sealer, or that the sealer has refused. */
export interface OutboxEntry extends Of<typeof entryCodec> {
  readonly groupId: Hex32;
  readonly txId: Hex32;
  readonly author: Hex32;
  /** Position in the order of the group. */
  readonly number: bigint;
}

/** The work is kept on this node and not sealed yet: an error of the environment that loses nothing. */
export class PendingError extends Error {
  override readonly name = 'PendingError';
  readonly code = 'pending';
  readonly txId: Hex32;

  /** @param why what is known of the sealer, as of now */
  constructor(txId: Hex32, why = 'the sealer was not reached') {
    super(
      `${why}; the work is kept in this node's outbox as ${txId.slice(0, 16)} and is sent when the node is connected, so do not do it again`,
    );
    this.txId = txId;
  }
}

/** The outbox of a group holds as much as it may. */
export class OutboxFullError extends Error {
  override readonly name = 'OutboxFullError';
  readonly code = 'outbox_full';

  constructor() {
    super(`the outbox holds ${OUTBOX_PENDING_MAX} transactions of this group; connect to its sealer first`);
  }
}

interface Waiter {
  settle(outcome: Outcome): void;
  fail(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

export interface OutboxOptions {
  readonly map: OpaqueMap;
  readonly bus: Bus;
  readonly clock: WatchedClock;
  group(groupId: Hex32): GroupStore;
  signerOf(publicKey: Hex32): Signer | undefined;
}

export class Outbox implements Outlet {
  private readonly options: OutboxOptions;
  private readonly groups = new Map<Hex32, Map<bigint, OutboxEntry>>();
  private readonly waiters = new Map<Hex32, Waiter>();
  private readonly addedSubject = new Subject<Hex32>();
  private nextNumber = 0n;
  private waitMs = 0;
  private explain: ((groupId: Hex32) => string) | undefined;
  private readonly due = new Set<Hex32>();

  /** Groups for which something new waits. */
  readonly added$: Observable<Hex32> = this.addedSubject.asObservable();

  constructor(options: OutboxOptions) {
    this.options = options;
    for (const [key, value] of options.map.list()) {
      const groupId = toHex(key.subarray(0, 32));
      const number = Buffer.from(key).readBigUInt64BE(32);
      this.place(entryOf(groupId, number, value.slice()));
      if (number >= this.nextNumber) this.nextNumber = number + 1n;
    }
    options.bus.head$.subscribe(({ groupId }) => this.look(groupId));
  }

  private place(entry: OutboxEntry): void {
    const group = this.groups.get(entry.groupId) ?? new Map<bigint, OutboxEntry>();
    this.groups.set(entry.groupId, group.set(entry.number, entry));
  }

  /**
   * How long a submitter waits for its receipt before it hears `PendingError`: 0 while there is no network.
   */
  set receiptWaitMs(waitMs: number) {
    this.waitMs = waitMs;
  }

  /** What is known of the sealer of a group: a submitter whose receipt does not come in time hears it. */
  set sealerStanding(explain: ((groupId: Hex32) => string) | undefined) {
    this.explain = explain;
  }

  /** How much waits, of all groups. */
  get depth(): number {
    return this.groupIds().reduce((sum, groupId) => sum + this.pending(groupId).length, 0);
  }

  /** Groups for which something waits. */
  groupIds(): Hex32[] {
    return [...this.groups.keys()].filter((groupId) => this.pending(groupId).length > 0);
  }

  /** What waits for the sealer of a group, in the order in which it was written. */
  pending(groupId: Hex32): OutboxEntry[] {
    return [...(this.groups.get(groupId)?.values() ?? [])].filter(({ refusal }) => refusal === undefined);
  }

  /** What the sealer of a group has refused, oldest first, with the reasons. */
  refused(groupId: Hex32): (OutboxEntry & { readonly refusal: Refusal })[] {
    return [...(this.groups.get(groupId)?.values() ?? [])].filter(
      (entry): entry is OutboxEntry & { refusal: Refusal } => entry.refusal !== undefined,
    );
  }

  /**
   * Keeps a transaction and waits for what becomes of it.
   * @throws PendingError when that takes longer than submitters wait, OutboxFullError, StorageError
   */
  async submit(transaction: VerifiedTransaction, artifacts: readonly Artifact[]): Promise<Outcome> {
    const { groupId, txId, author } = transaction;
    const refusal = refusalOfRemoved(this.options.group(groupId), transaction);
    if (refusal !== undefined) return { status: 'refused', txId, refusal };
    if (this.pending(groupId).length >= OUTBOX_PENDING_MAX) throw new OutboxFullError();
    const entry: OutboxEntry = {
      groupId,
      txId,
      author,
      number: this.nextNumber++,
      transaction: transaction.bytes,
      artifacts: artifacts.map(({ bytes }) => bytes),
      queuedMs: this.options.clock.nowMs(),
      replaced: [],
      refusal: undefined,
    };
    await this.options.map.put(keyOf(entry), encode(entryCodec, entry));
    this.place(entry);
    const outcome = this.wait(groupId, txId);
    this.addedSubject.next(groupId);
    return outcome;
  }

  private wait(groupId: Hex32, txId: Hex32): Promise<Outcome> {
    if (this.waitMs === 0) return Promise.reject(new PendingError(txId, this.explain?.(groupId)));
    return new Promise((settle, fail) => {
      const giveUp = (): void => {
        // Signed anew meanwhile, it waits under another id.
        for (const [id, one] of this.waiters) if (one === waiter) this.waiters.delete(id);
        fail(new PendingError(txId, this.explain?.(groupId)));
      };
      const waiter = { settle, fail, timer: setTimeout(giveUp, this.waitMs) };
      this.waiters.set(txId, waiter);
    });
  }

  private answer(txId: Hex32, outcome: Outcome): void {
    const waiter = this.waiters.get(txId);
    if (waiter === undefined) return;
    this.waiters.delete(txId);
    clearTimeout(waiter.timer);
    waiter.settle(outcome);
  }

  /** Looks once, at the end of this turn, whether the group's chain holds now what waits. */
  private look(groupId: Hex32): void {
    if (!this.groups.has(groupId) || this.due.has(groupId)) return;
    this.due.add(groupId);
    setImmediate(() => {
      this.due.delete(groupId);
      // Storage that is closing tells nothing more; the entries are there at the next start.
      this.takeSealed(groupId).catch(() => {});
    });
  }

  /** Takes out what the group's chain holds; the artifacts that came with it become the group's. */
  async takeSealed(groupId: Hex32): Promise<void> {
    const group = this.options.group(groupId);
    const sealed: { entry: OutboxEntry; receipt: Receipt }[] = [];
    const pending = this.pending(groupId);
    const removed = new Set(pending.map(({ author }) => author));
    for (const author of removed) if (!isRemoved(group, author)) removed.delete(author);
    for (const entry of pending) {
      const spent = [entry.txId, ...entry.replaced].find((txId) => group.txLocation(txId) !== undefined);
      if (spent !== undefined) sealed.push({ entry, receipt: storedReceipt(group, spent)! });
      else if (group.replacement(replacedId(entry.author, entry.txId, sha256)) !== undefined)
        await this.refuse(entry, refuse('transaction_replaced', { txId: entry.txId }));
      else if (removed.has(entry.author)) await this.giveBack(group, entry);
    }
    if (sealed.length === 0) return;
    const artifacts = sealed
      .flatMap(({ entry }) => entry.artifacts)
      .map((bytes) => ({ hash: sha256(bytes), bytes }));
    if (artifacts.length > 0) await group.commit({ artifacts });
    await this.options.map.write(sealed.map(({ entry }): OpaqueWrite => [keyOf(entry), undefined]));
    for (const { entry, receipt } of sealed) {
      this.groups.get(groupId)!.delete(entry.number);
      this.answer(entry.txId, { status: 'sealed', receipt });
    }
  }

  /** Nobody seals what a removed member left behind: it is theirs again, with the reason. */
  private async giveBack(group: GroupReader, entry: OutboxEntry): Promise<void> {
    const refusal = refusalOfRemoved(group, decodeTransaction(entry.transaction));
    if (refusal !== undefined) await this.refuse(entry, refusal);
  }

  /** Keeps the sealer's reason with the entry, which will not be sent again. */
  async refuse(entry: OutboxEntry, refusal: Refusal): Promise<void> {
    const { groupId, txId, number } = entry;
    const group = this.groups.get(groupId);
    if (group?.get(number)?.refusal !== undefined || !group?.has(number)) return;
    const refused: OutboxEntry = { ...entry, artifacts: [], refusal };
    group.set(number, refused);
    const changes: OpaqueWrite[] = [[keyOf(refused), encode(entryCodec, refused)]];
    for (const old of this.refused(groupId).slice(0, -OUTBOX_REFUSED_MAX)) {
      group.delete(old.number);
      changes.push([keyOf(old), undefined]);
    }
    await this.options.map.write(changes);
    this.options.bus.moment({ kind: 'tx.refused', groupId, txId, refusal });
    this.answer(txId, { status: 'refused', txId, refusal });
  }

  /** Whether the window of an entry has closed, or is about to. */
  isExpired(entry: OutboxEntry): boolean {
    const { tsMs } = decodeTransaction(entry.transaction);
    return this.options.clock.nowMs() > tsMs + TRANSACTION_AGE_MS_MAX - RESIGN_LEAD_MS;
  }

  /**
   * Signs an entry anew, as one that replaces it. Only when the local chain is level with the sealer's: what has
   * been sealed meanwhile must not be done again. Whatever is signed anew again names the first of them, so that of
   * all that were signed for one piece of work, wherever they turn up, one is accepted at most.
   * @returns the entry as it is now; nothing where this node cannot sign for its author
   */
  async signAnew(entry: OutboxEntry): Promise<OutboxEntry | undefined> {
    const { groupId, number } = entry;
    const { operations, replaces = entry.txId } = decodeTransaction(entry.transaction);
    const signer = this.options.signerOf(entry.author);
    if (signer === undefined) return undefined;
    const tsMs = this.options.clock.nowMs();
    const signed = signTransaction(signer, { groupId, operations, tsMs, replaces });
    if ('code' in signed) throw new Error(`what was signed before is refused now: ${signed.code}`);
    const renewed: OutboxEntry = {
      ...entry,
      transaction: signed.bytes,
      txId: signed.txId,
      replaced: [...entry.replaced, entry.txId].slice(-64),
    };
    await this.options.map.put(keyOf(renewed), encode(entryCodec, renewed));
    this.groups.get(groupId)!.set(number, renewed);
    const waiter = this.waiters.get(entry.txId);
    if (waiter !== undefined) this.waiters.set(renewed.txId, waiter);
    this.waiters.delete(entry.txId);
    return renewed;
  }

  /** Answers whoever waits, and keeps what it holds. */
  close(): void {
    this.addedSubject.complete();
    for (const [txId, { timer, fail }] of this.waiters) {
      clearTimeout(timer);
      fail(new PendingError(txId));
    }
    this.waiters.clear();
  }
}

function keyOf({ groupId, number }: Pick<OutboxEntry, 'groupId' | 'number'>): Uint8Array {
  const counter = new Uint8Array(8);
  new DataView(counter.buffer).setBigUint64(0, number);
  return concatBytes(fromHex(groupId), counter);
}

function entryOf(groupId: Hex32, number: bigint, value: Uint8Array): OutboxEntry {
  const kept = decode(entryCodec, value);
  const { payload, author } = decodeTransaction(kept.transaction);
  return { ...kept, groupId, number, author, txId: toHex(sha256(payload)) };
}

/** The receipt of a sealed transaction, from the log. */
export function storedReceipt(reader: GroupReader, txId: Hex32): Receipt | undefined {
  const location = reader.txLocation(txId);
  if (location === undefined) return undefined;
  const { height, index } = location;
  const events = [...eventsOfStoredBlock(reader, height)];
  return {
    groupId: reader.groupId,
    txId,
    height,
    index,
    blockId: reader.blockId(height)!,
    tsMs: events[0]!.tsMs,
    effects: events.flatMap(({ txId: cause, event }) =>
      cause === txId && event.kind !== 'block.sealed' ? [event] : [],
    ),
  };
}
