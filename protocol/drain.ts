/**
 * The way out of the outbox: what waits for a group's sealer is sent to the sealer, or through any connected
 * member, in the order in which it was written.
 *
 * Nothing is taken out here. A `sealed` is only a hint to pull; an entry goes when the local chain holds it, or when
 * a refusal comes that the group's sealer has signed. By way of somebody else a refusal counts only if its reason is
 * the author's: a carrier can spoil signature and artifacts, send the second piece of work before the first, and keep
 * what was ruled then for later.
 */
import type { Outbox, OutboxEntry } from '../actors/outbox.ts';
import { verifySignature } from '../crypto/verify.ts';
import { concatBytes, fromHex, type Hex32 } from '../events/bytes.ts';
import { decode } from '../events/codec.ts';
import { MalformedError } from '../events/reader.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { Access } from './access.ts';
import { MisbehaviourError, NetworkError } from './errors.ts';
import type { Host } from './host.ts';
import { REQUEST_BYTES_MAX, TRANSACTIONS_PER_REQUEST_MAX } from './limits.ts';
import type { NetworkPort } from './port.ts';
import type { RpcClient } from './rpc/client.ts';
import { RULING_PREFIX, rulingCodec, type Verdict } from './rpc/methods.ts';

/** A batch, with room for what stands around the transactions. */
const BATCH_BYTES = REQUEST_BYTES_MAX - 64 * 1024;
const NOT_FINAL: ReadonlySet<Refusal['code']> = new Set(['transaction_duplicate', 'transaction_expired']);
const NO_MEMBER: ReadonlySet<Refusal['code']> = new Set(['author_unknown', 'role_insufficient']);
/** What still waits is tried again after this, besides whenever a peer connects or a block comes. */
const RETRY_MS = 5_000;
/**
 * Refusals that whoever carries work can bring about: signature and artifacts are no part of a transaction's id, so
 * they may have been changed or left out on the way.
 */
const CARRIED: ReadonlySet<Refusal['code']> = new Set([
  'malformed',
  'transaction_too_large',
  'signature_invalid',
  'artifact_missing',
]);
/** A sealed answer is believed for so long; then the work is sent again, because nobody has shown the block. */
const ACKNOWLEDGED_MS = 30_000;

/** What a sealer has ruled, and when. */
interface Ruled {
  readonly refusal: Refusal;
  readonly tsMs: number;
}

export interface DrainOptions {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly access: Access;
  readonly client: RpcClient;
  /** Connected peers to send to, those that seal first. */
  ways(groupId: Hex32): readonly Hex32[];
  /** Whether the local chain is as new as the sealer's, so that what expired may be signed anew. */
  isLevel(groupId: Hex32): boolean;
  /** A peer says that something has been sealed. */
  sealed(groupId: Hex32): void;
}

export class OutboxDrain {
  private readonly options: DrainOptions;
  private readonly outbox: Outbox;
  private readonly running = new Map<Hex32, Promise<void>>();
  private readonly again = new Set<Hex32>();
  private readonly acknowledged = new Map<Hex32, number>();
  private readonly retries = new Map<Hex32, NodeJS.Timeout>();
  private isClosed = false;

  constructor(options: DrainOptions) {
    this.options = options;
    this.outbox = options.port.outbox;
  }

  /** Sends what waits for a group; once more afterwards if asked meanwhile. */
  flush(groupId: Hex32): void {
    if (this.isClosed) return;
    if (this.running.has(groupId)) {
      this.again.add(groupId);
      return;
    }
    const run = this.send(groupId).finally(() => {
      this.running.delete(groupId);
      if (this.again.delete(groupId)) this.flush(groupId);
      else if (this.outbox.pending(groupId).length > 0) this.retryLater(groupId);
    });
    this.running.set(groupId, run);
  }

  private retryLater(groupId: Hex32): void {
    clearTimeout(this.retries.get(groupId));
    if (this.isClosed) return;
    const timer = setTimeout(() => this.flush(groupId), RETRY_MS);
    this.retries.set(groupId, timer.unref());
  }

  /** Resolves when nothing is being sent for the group. */
  async idle(groupId: Hex32): Promise<void> {
    while (this.running.has(groupId)) await this.running.get(groupId);
  }

  private async send(groupId: Hex32): Promise<void> {
    try {
      if (this.options.access.has(groupId) && this.options.port.chain(groupId).status === 'sealing')
        return await this.sealHere(groupId);
      for (const peer of this.options.ways(groupId)) if (await this.sendBy(groupId, peer)) return;
    } catch (error) {
      // The environment (a full disk, a closing node) may be better next time; a bug shall be seen.
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    }
  }

  /** The sealing was handed to this node while its own work waited. */
  private async sealHere(groupId: Hex32): Promise<void> {
    const chain = this.options.port.chain(groupId);
    for (const entry of this.outbox.pending(groupId)) {
      // A sealer is always level with itself.
      const current = this.outbox.isExpired(entry) ? await this.outbox.signAnew(entry) : entry;
      if (current === undefined) continue;
      const outcome = await chain.submitSigned(current.transaction, current.artifacts);
      if (outcome.status === 'refused' && outcome.refusal.code !== 'transaction_duplicate')
        await this.outbox.refuse(current, outcome.refusal);
    }
    await this.outbox.takeSealed(groupId);
  }

  /** Sends all that waits by one peer; false where another way should be tried. */
  private async sendBy(groupId: Hex32, peer: Hex32): Promise<boolean> {
    const { client, host, sealed } = this.options;
    try {
      await client.introduce(peer);
      for (
        let batch = await this.nextBatch(groupId);
        batch.length > 0;
        batch = await this.nextBatch(groupId)
      ) {
        const headMs = this.headMs(groupId);
        const submissions = batch.map(({ transaction, artifacts }) => ({ transaction, artifacts }));
        const { verdicts } = await client.call(peer, 'tx_submit', { groupId, isRelayed: false, submissions });
        if (verdicts.length !== batch.length)
          throw new MisbehaviourError('another number of verdicts than asked for');
        if (verdicts.every(({ status }) => status === 'unrouted')) return false;
        for (const [at, verdict] of verdicts.entries()) await this.take(batch[at]!, verdict, peer, headMs);
        if (verdicts.some(({ status }) => status === 'sealed')) sealed(groupId);
        if (verdicts.some(({ status }) => status === 'unrouted')) return false;
      }
      return true;
    } catch (error) {
      if (!(error instanceof NetworkError) || this.isClosed) throw error;
      if (error instanceof MisbehaviourError) host.shutOut(peer, error.message);
      return false;
    }
  }

  private async nextBatch(groupId: Hex32): Promise<OutboxEntry[]> {
    const nowMs = performance.now();
    for (const [txId, untilMs] of this.acknowledged) if (untilMs < nowMs) this.acknowledged.delete(txId);
    const batch: OutboxEntry[] = [];
    let size = 0;
    for (const entry of this.outbox.pending(groupId)) {
      const current = await this.renewed(entry);
      if (current === undefined || this.acknowledged.has(current.txId)) continue;
      size += sizeOf(current);
      if (batch.length > 0 && (batch.length >= TRANSACTIONS_PER_REQUEST_MAX || size > BATCH_BYTES)) break;
      batch.push(current);
    }
    return batch;
  }

  /**
   * An entry whose window has closed is signed anew; until that can be done without doing the work twice, or where
   * its identity is not here, it waits.
   */
  private async renewed(entry: OutboxEntry): Promise<OutboxEntry | undefined> {
    if (!this.outbox.isExpired(entry)) return entry;
    return this.options.isLevel(entry.groupId) ? this.outbox.signAnew(entry) : undefined;
  }

  /** The time of the last block that is here: a ruling about what is sent now is not older. */
  private headMs(groupId: Hex32): number {
    const { access, port } = this.options;
    return access.has(groupId) ? (port.store.group(groupId).head()?.tsMs ?? 0) : 0;
  }

  /** Whether a refusal that a peer brought says that the work itself is refused, whatever that peer did with it. */
  private isAboutTheWork(entry: OutboxEntry, ruled: Ruled, peer: Hex32, headMs: number): boolean {
    const { groupId, author, number } = entry;
    const { access } = this.options;
    // A sealer itself has seen what was sent, when it was sent.
    if (access.has(groupId) && access.seals(groupId, peer)) return true;
    if (CARRIED.has(ruled.refusal.code) || ruled.tsMs < headMs) return false;
    return !this.outbox.pending(groupId).some((one) => one.author === author && one.number < number);
  }

  private async take(entry: OutboxEntry, verdict: Verdict, peer: Hex32, headMs: number): Promise<void> {
    const ruled = verdict.status === 'refused' ? this.checkedRefusal(entry, verdict, peer) : undefined;
    // Duplicates are in the chain already; what has expired is signed anew when this node is level; and of a
    // sealer whom this node does not know yet, the blocks that made it one come first.
    const isFinal =
      ruled !== undefined &&
      !NOT_FINAL.has(ruled.refusal.code) &&
      this.isAboutTheWork(entry, ruled, peer, headMs);
    // Whoever is no member any more learns it from the block that says so, and gets the rest back with it.
    if (ruled !== undefined && NO_MEMBER.has(ruled.refusal.code)) this.options.sealed(entry.groupId);
    if (isFinal) await this.outbox.refuse(entry, ruled.refusal);
    else if (verdict.status !== 'unrouted')
      this.acknowledged.set(entry.txId, performance.now() + ACKNOWLEDGED_MS);
  }

  /**
   * The refusal of a ruling that a sealer of the group has signed; nothing for one of somebody else.
   * @throws MisbehaviourError for the sealer's ruling about something else
   */
  private checkedRefusal(
    { groupId, txId }: OutboxEntry,
    { ruling, signature }: Verdict,
    peer: Hex32,
  ): Ruled | undefined {
    if (ruling === undefined || signature === undefined)
      throw new MisbehaviourError('a refusal that nobody has signed');
    const message = concatBytes(RULING_PREFIX, ruling);
    const sealers = this.options.access.has(groupId) ? this.options.access.sealers(groupId) : [];
    if (!sealers.some((sealer) => verifySignature(fromHex(sealer), message, signature))) {
      // It may be of a sealer whose hand-over is not here yet; whoever brings more and more of them makes them up.
      this.options.host.hold('forgeries', peer, 'refusals that no sealer has signed');
      return undefined;
    }
    try {
      const ruled = decode(rulingCodec, ruling);
      for (const sealer of sealers) this.options.port.sealersHeard.note(groupId, sealer, ruled.tsMs);
      if (ruled.groupId === groupId && ruled.txId === txId) return ruled;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      // The sealer's rules are newer than this software: its word counts all the same.
      const what = `the sealer refused for a reason unknown here: ${error.message}`;
      return { refusal: refuse('malformed', { what }), tsMs: 0 };
    }
    throw new MisbehaviourError('a refusal of something else');
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.retries.values()) clearTimeout(timer);
    await Promise.allSettled(this.running.values());
  }
}

function sizeOf({ transaction, artifacts }: OutboxEntry): number {
  return artifacts.reduce((bytes, artifact) => bytes + artifact.length + 5, transaction.length + 16);
}
