/**
 * The sealing side: transactions wait in a queue, and one loop turns them into blocks.
 *
 * The linger is an upper bound. A block is sealed as soon as a whole turn of the event loop has brought nothing
 * new, so that a caller who is alone does not wait for company, and at the latest when the linger has passed.
 * While a block is on its way to disk the next ones gather, which is what makes blocks large under load.
 *
 * Callers that each wait for their receipt tend to march in step: all submit, all wait for one flush, all submit
 * again, and processor and disk take turns at idling. So when nothing is on its way to disk, half of what the last
 * block held is enough to seal at once; the callers then fall into two groups, one signing while the other's
 * block is flushed.
 */
import type { Hex32 } from '../../events/bytes.ts';
import type { Outcome, Receipt } from '../../events/receipt.ts';
import type { VerifiedTransaction } from '../../events/transaction.ts';
import { isTimeCorrection } from '../../machines/chain.ts';
import { COMMITS_IN_FLIGHT_MAX } from '../bounds.ts';
import { ClockError, type WatchedClock } from '../clock.ts';
import type { SubmissionTrace } from '../telemetry.ts';
import type { Artifact } from './commit.ts';
import type { ChainCore } from './core.ts';
import type { BlockSigner, FinalBlock } from './judge.ts';

/** Fewer waiting transactions than this are never sealed before their turn of the event loop is over. */
const EAGER_MIN = 16;

export interface Submission {
  readonly transaction: VerifiedTransaction;
  readonly artifacts: readonly Artifact[];
  readonly trace: SubmissionTrace | undefined;
  settle(outcome: Outcome): void;
  fail(error: Error): void;
}

type Refused = Extract<Outcome, { status: 'refused' }>;

export interface SealerOptions {
  readonly core: ChainCore;
  readonly clock: WatchedClock;
  readonly lingerMs: number;
  /** Transactions that may wait; a submitter beyond that waits until there is room. */
  readonly submissionsMax: number;
  /** The key to seal the next block with, if this node holds one that may. */
  signer(): BlockSigner | undefined;
  committed(final: FinalBlock): void;
  refused(outcome: Refused): void;
  /** A commit failed, or judging crashed: what is in memory is ahead of what is stored. */
  failed(error: Error): void;
}

/** This node may not seal the group and has nobody to send to. */
export class NotSealerError extends Error {
  override readonly name = 'NotSealerError';
  readonly code = 'not_sealer';

  constructor(groupId: Hex32) {
    super(
      `no identity of this node may seal group ${groupId.slice(0, 8)}; work for it must reach its sealer, and this node is not connected to it`,
    );
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Sealer {
  private readonly options: SealerOptions;
  private queue: Submission[] = [];
  /** Transactions in blocks that are on their way to disk. */
  private sealedCount = 0;
  private isRunning = false;
  /** A block is open: nothing may open another. */
  private isSealing = false;
  /** Places of submissions that are still being signed or verified. */
  private reserved = 0;
  private inFlight = 0;
  /** How many ask that nothing be sealed for now. */
  private holds = 0;
  private eagerAt = EAGER_MIN;
  private oneLanded: () => void = () => {};
  private stopped: Error | undefined;
  private roomWaiters: (() => void)[] = [];
  private idleWaiters: (() => void)[] = [];

  constructor(options: SealerOptions) {
    this.options = options;
  }

  /** Transactions that wait, those that are on their way to disk not counted. */
  get waiting(): number {
    return this.queue.length + this.reserved;
  }

  private get isFull(): boolean {
    return this.queue.length + this.reserved >= this.options.submissionsMax;
  }

  /** Takes a place in the queue if there is one. Whoever has a place pushes one submission or gives it back. */
  tryReserve(): boolean {
    if (this.isFull || this.stopped !== undefined) return false;
    this.reserved++;
    return true;
  }

  /** Waits for a place in the queue and takes it; throws what stopped the sealer. */
  async reserve(): Promise<void> {
    while (this.isFull && this.stopped === undefined)
      await new Promise<void>((resolve) => this.roomWaiters.push(resolve));
    if (this.stopped !== undefined) throw this.stopped;
    this.reserved++;
  }

  unreserve(): void {
    this.reserved--;
    this.wake();
  }

  /** Takes a submission into the place that was reserved for it. */
  push(submission: Submission): void {
    this.reserved--;
    if (this.stopped !== undefined) {
      submission.fail(this.stopped);
      this.wake();
      return;
    }
    this.queue.push(submission);
    // A listener of the bus may submit while a block is being sealed; that block is closed to it.
    if (this.isSealing || this.holds > 0) return;
    if (this.inFlight === 0 && this.queue.length >= this.eagerAt) this.trySeal();
    else this.ensureRunning();
  }

  /** Seals nothing until as many releases as holds have come. */
  hold(): void {
    this.holds++;
  }

  release(): void {
    this.holds--;
    this.ensureRunning();
  }

  /** Resolves when nothing waits and nothing is on its way to disk. */
  async drain(): Promise<void> {
    while (!this.isIdle) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  private get isIdle(): boolean {
    return this.queue.length === 0 && this.sealedCount === 0 && !this.isSealing;
  }

  /**
   * Fails everything that waits, and everything that comes. Blocks on their way to disk are answered by what
   * becomes of them: a caller must not hear of a failure when its work is stored.
   */
  stop(error: Error): void {
    this.close(error);
    this.failQueue(error);
    this.oneLanded();
    this.wake();
  }

  /** Fails everything that comes; what waits is still sealed. */
  close(error: Error): void {
    this.stopped ??= error;
    // What is held back may not be sealed now, and there is no later.
    if (this.holds > 0) this.failQueue(error);
    this.wake();
  }

  private failQueue(error: Error): void {
    const waiting = this.queue;
    this.queue = [];
    for (const submission of waiting) submission.fail(error);
  }

  private wake(): void {
    const { submissionsMax } = this.options;
    const free = this.stopped === undefined ? submissionsMax - this.queue.length - this.reserved : Infinity;
    for (const resolve of this.roomWaiters.splice(0, Math.max(0, free))) resolve();
    if (!this.isIdle) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }

  private ensureRunning(): void {
    if (!this.isRunning && this.holds === 0 && this.queue.length > 0) void this.run();
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    try {
      while (this.queue.length > 0 && this.holds === 0) {
        await this.linger();
        while (this.inFlight >= COMMITS_IN_FLIGHT_MAX)
          await new Promise<void>((resolve) => {
            this.oneLanded = resolve;
          });
        if (this.holds === 0) this.trySeal();
      }
    } catch (error) {
      this.options.failed(error as Error);
    } finally {
      this.isRunning = false;
    }
  }

  /** Seals one block; where nothing may be sealed now, everything that waits hears why and may come again. */
  private trySeal(): void {
    const { core, clock, signer: signerNow, refused, failed } = this.options;
    const refusals: Refused[] = [];
    this.isSealing = true;
    try {
      const signer = signerNow();
      if (signer === undefined) this.failQueue(new NotSealerError(core.judge.groupId));
      else this.sealOne(signer, clock.sealingMs(core.judge.tip?.tsMs), refusals);
    } catch (error) {
      if (error instanceof ClockError) this.failQueue(error);
      else failed(error as Error);
    } finally {
      this.isSealing = false;
    }
    for (const outcome of refusals) refused(outcome);
    this.wake();
    this.ensureRunning();
  }

  private async linger(): Promise<void> {
    const start = this.options.clock.monotonicMs();
    let seen = 0;
    while (this.queue.length > seen && this.options.clock.monotonicMs() - start <= this.options.lingerMs) {
      seen = this.queue.length;
      await turn();
    }
  }

  private sealOne(signer: BlockSigner, nowMs: number, refusals: Refused[]): void {
    const { core } = this.options;
    const taken: Submission[] = [];
    try {
      this.fillBlock(nowMs, taken, refusals);
      const final = core.judge.sealBlock(signer);
      if (final === undefined) return;
      core.stage(final);
      this.eagerAt = Math.max(EAGER_MIN, Math.ceil(taken.length / 2));
      const committed = core.commit(
        [final],
        taken.flatMap(({ artifacts }) => artifacts),
      );
      this.inFlight++;
      this.sealedCount += taken.length;
      committed.then(
        () => this.landed(final, taken),
        (error: Error) => this.lost(error, taken),
      );
    } catch (error) {
      for (const submission of taken) submission.fail(error as Error);
      throw error;
    }
  }

  /** Judges what waits, in order, until the block is full or heavy; the refused get their answer. */
  private fillBlock(nowMs: number, taken: Submission[], refusals: Refused[]): void {
    const { judge } = this.options.core;
    const waiting = this.queue;
    // A correction of the time stands alone in its block.
    const corrects = isTimeCorrection(waiting[0]?.transaction.operations ?? []);
    judge.openBlock(nowMs, corrects);
    let count = 0;
    try {
      for (; count < waiting.length; count++) {
        const submission = waiting[count]!;
        if (count > 0 && (corrects || isTimeCorrection(submission.transaction.operations))) break;
        const { bytes, txId } = submission.transaction;
        if (!judge.hasRoomFor(bytes.length)) break;
        const refusal = judge.add(submission.transaction);
        if (refusal?.code === 'block_too_heavy') break;
        if (refusal === undefined) {
          taken.push(submission);
          submission.trace?.stage('commit');
        } else {
          refusals.push({ status: 'refused', txId, refusal });
          submission.settle(refusals.at(-1)!);
        }
      }
    } finally {
      this.queue = waiting.slice(count);
    }
  }

  private landed(final: FinalBlock, taken: readonly Submission[]): void {
    const receipts = receiptsOf(this.options.core.judge.groupId, final);
    for (let index = 0; index < taken.length; index++)
      taken[index]!.settle({ status: 'sealed', receipt: receipts[index]! });
    this.finished(taken, () => this.options.committed(final));
  }

  private lost(error: Error, taken: readonly Submission[]): void {
    for (const submission of taken) submission.fail(error);
    this.finished(taken, () => this.options.failed(error));
  }

  /** A block has left for good, one way or the other; whatever telling others brings, the next may go. */
  private finished(taken: readonly Submission[], tell: () => void): void {
    this.inFlight--;
    this.sealedCount -= taken.length;
    try {
      tell();
    } catch (error) {
      this.options.failed(error as Error);
    } finally {
      this.oneLanded();
      this.wake();
    }
  }
}

/** A receipt for each transaction of a block, in order. */
export function receiptsOf(groupId: Hex32, final: FinalBlock): Receipt[] {
  const { header, blockId, judged } = final;
  const effects: Receipt['effects'][number][][] = judged.accepted.map(() => []);
  for (const { transaction, effect } of judged.effects) effects[transaction]!.push(effect);
  return judged.accepted.map(({ txId }, index) => ({
    groupId,
    txId,
    height: header.height,
    index,
    blockId,
    tsMs: header.tsMs,
    effects: effects[index]!,
  }));
}
