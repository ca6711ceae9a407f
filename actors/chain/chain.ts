/**
 * The chain actor of one group: verify → judge → commit → publish, for what is submitted here and for blocks
 * that others sealed. The stages are the files beside this one; this is the thing with a life that owns them.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import { sha256 } from '../../crypto/hash.ts';
import { VerifierError } from '../../crypto/verifier.ts';
import { type Hex32, toHex, ZERO_ID } from '../../events/bytes.ts';
import type { Outcome } from '../../events/receipt.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { Operation } from '../../events/registry.ts';
import type { VerifiedTransaction } from '../../events/transaction.ts';

import { sealersTable } from '../../machines/tables.ts';
import { StorageError } from '../../storage/errors.ts';
import type { Head } from '../../storage/port.ts';
import { SUBMISSIONS_MAX } from '../bounds.ts';
import { noTelemetry, type SubmissionTrace, type Telemetry, traced } from '../telemetry.ts';
import { admit } from './admit.ts';
import { chainMachine } from './chain.machine.ts';
import type { Artifact } from './commit.ts';
import { ChainCore, CoreDiscardedError } from './core.ts';
import { followBlocks } from './follow.ts';
import { GatheringVerifier } from './gathering.ts';
import type { BlockSigner, FinalBlock } from './judge.ts';
import type { ChainOptions, ChainStatus, Outlet } from './options.ts';
import { eventsOfFinalBlock } from './publish.ts';
import { NotSealerError, Sealer } from './sealer.ts';
import { signTransaction } from './sign.ts';
import { tellSigned } from './signed-within.ts';
import { ChainStoppedError, haltedError } from './stopped.ts';
import { SourceFailedError } from './validate.ts';
import { readTransaction } from './verify.ts';

/** What is ready to be sealed, or why nothing came of it. */
type Prepared =
  | {
      readonly transaction: VerifiedTransaction;
      readonly artifacts: readonly Artifact[];
      /** Where it goes if this node may not seal it. */
      readonly outlet?: Outlet | undefined;
    }
  | Extract<Outcome, { status: 'refused' }>;

export class GroupChain {
  readonly groupId: Hex32;
  private readonly options: ChainOptions;
  private readonly telemetry: Telemetry;
  private readonly lifecycle: ActorRefFrom<typeof chainMachine>;
  /** Settles when the last `follow` has ended. */
  private followTurn: Promise<void> = Promise.resolve();
  private isClosing = false;
  /** How many ask that nothing be sealed; a chain that is loaded again heeds them still. */
  private holds = 0;
  /** What the chain works with; nothing where it never loaded. */
  private work: { readonly core: ChainCore; readonly sealer: Sealer } | undefined;
  /** What halted it, for whoever comes. */
  private stopped: ChainStoppedError | undefined;
  /** Checks the signatures of transactions from outside, those of one turn together. */
  private readonly gathering: GatheringVerifier;

  constructor(groupId: Hex32, options: ChainOptions) {
    this.groupId = groupId;
    this.options = options;
    this.gathering = new GatheringVerifier(options.verifier);
    this.telemetry = options.telemetry ?? noTelemetry;
    this.lifecycle = createActor(chainMachine).start();
    this.load();
    this.telemetry.chainLoaded(this);
  }

  /** Makes the chain ready to work, or halts it with the reason why it is not. */
  private load(): void {
    try {
      const damage = this.options.damage?.();
      if (damage !== undefined) throw new StorageError('corrupt', damage);
      const core = new ChainCore(this.options.store, this.groupId, this.telemetry);
      this.work = { core, sealer: this.sealerOf(core) };
      this.lifecycle.send({ type: 'loaded', seals: this.sealingSigner(core) !== undefined });
      this.stopped = undefined;
    } catch (error) {
      this.work = undefined;
      this.halt(error as Error);
    }
  }

  private sealerOf(core: ChainCore): Sealer {
    const { clock, lingerMs, submissionsMax = SUBMISSIONS_MAX } = this.options;
    const sealer = new Sealer({
      core,
      clock,
      lingerMs,
      submissionsMax,
      signer: () => this.sealingSigner(core),
      committed: (final) => this.publish(final),
      refused: ({ txId, refusal }) => {
        this.telemetry.transactionRefused(refusal.code);
        this.options.bus.moment({ kind: 'tx.refused', groupId: this.groupId, txId, refusal });
      },
      failed: (error) => this.halt(error),
    });
    for (let held = 0; held < this.holds; held++) sealer.hold();
    return sealer;
  }

  /** What to work with. Throws `ChainStoppedError` where the chain never loaded. */
  private working(): { readonly core: ChainCore; readonly sealer: Sealer } {
    if (this.work !== undefined) return this.work;
    throw this.stopped ?? new ChainStoppedError('group_closed', 'the group is closed');
  }

  private sealingSigner(core: ChainCore): BlockSigner | undefined {
    for (const sealer of core.state.get(sealersTable, '') ?? []) {
      const signer = this.options.signerOf(sealer);
      if (signer !== undefined) return signer;
    }
    return undefined;
  }

  get status(): ChainStatus {
    return this.lifecycle.getSnapshot().value as ChainStatus;
  }

  /** Why the chain is halted. */
  get haltReason(): string | undefined {
    return this.lifecycle.getSnapshot().context.reason;
  }

  /** The last block that is on disk. */
  get head(): Head {
    return this.options.store.head()!;
  }

  /** When a halted chain is loaded again by itself, wall time in milliseconds. */
  get retryAtMs(): number | undefined {
    return this.status === 'halted' ? this.stopped?.retryAtMs : undefined;
  }

  /** Transactions that wait to be sealed. */
  get waiting(): number {
    return this.work?.sealer.waiting ?? 0;
  }

  /** Something of the group was found damaged, whoever read it: nothing more is sealed or followed. */
  damaged(error: StorageError): void {
    this.halt(error);
  }

  private halt(error: Error): void {
    if (this.status === 'halted' || this.status === 'closed') return;
    const { groupId } = this;
    const reason = error.message;
    this.lifecycle.send({ type: 'failed', reason });
    this.work?.core.discard();
    const retryAtMs = this.options.halted?.(error);
    this.stopped = haltedError(groupId, error, retryAtMs);
    this.work?.sealer.stop(this.stopped);
    const retry = retryAtMs === undefined ? {} : { retryAtMs };
    this.options.bus.moment({ kind: 'group.halted', groupId, reason, ...retry });
  }

  /**
   * Loads a halted chain again from what is stored, once nothing is on its way there any more.
   * @throws ChainStoppedError when it halts again at once
   */
  async reload(): Promise<void> {
    await this.quiet();
    if (this.status !== 'halted' || this.isClosing) return;
    this.lifecycle.send({ type: 'reload' });
    this.load();
    if (this.stopped !== undefined) throw this.stopped;
    this.options.reloaded?.();
    this.options.bus.moment({ kind: 'group.restarted', groupId: this.groupId });
  }

  /** Resolves when nothing is being sealed, followed or stored. */
  private async quiet(): Promise<void> {
    await this.work?.sealer.drain();
    await this.followTurn;
    await this.work?.core.settled();
  }

  /** Throws unless the chain is at work. */
  private assertRunning(): void {
    const { status } = this;
    if (status === 'halted' && this.stopped !== undefined) throw this.stopped;
    if (status === 'closed' || this.isClosing)
      throw new ChainStoppedError('group_closed', 'the group is closed');
  }

  /**
   * Seals nothing until the release is called (and until every other hold is released): what is submitted waits.
   * For a sealer that has to learn first whether others hold more of its blocks than it does.
   */
  holdSealing(): () => void {
    this.holds++;
    this.work?.sealer.hold();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.holds--;
      this.work?.sealer.release();
    };
  }

  // Submitting.

  /**
   * Signs and submits operations; resolves when they are sealed and on disk, or refused.
   * @param attachments the bytes of the artifacts that the operations bring into the group
   */
  submit(
    signer: BlockSigner,
    operations: readonly Operation[],
    attachments: readonly Uint8Array[] = [],
  ): Promise<Outcome> {
    return this.inPlace(() => {
      const { groupId } = this;
      const signed = signTransaction(signer, { groupId, operations, tsMs: this.options.clock.nowMs() });
      if ('code' in signed) return { status: 'refused', txId: ZERO_ID, refusal: signed };
      const told = tellSigned(groupId, signed.txId);
      if (told === undefined) return this.prepared(signed, attachments);
      return told.then(() => this.prepared(signed, attachments));
    });
  }

  /** Submits a transaction that an identity of this node has signed before; the same one again is harmless. */
  submitOwn(transaction: VerifiedTransaction): Promise<Outcome> {
    return this.inPlace(() => this.prepared(transaction, []));
  }

  private prepared(transaction: VerifiedTransaction, attachments: readonly Uint8Array[]): Prepared {
    const artifacts = admit(this.working().core, this.options.store, transaction, attachments);
    if ('code' in artifacts) return { status: 'refused', txId: transaction.txId, refusal: artifacts };
    return { transaction, artifacts, outlet: this.options.outlet };
  }

  /** Submits a transaction that was signed elsewhere, with the bytes of the artifacts that it brings. */
  submitSigned(bytes: Uint8Array, attachments: readonly Uint8Array[] = []): Promise<Outcome> {
    // Our own copy: what is sealed must be what was verified, whatever the caller does with its buffer.
    const own = bytes.slice();
    return this.inPlace(async () => {
      const transaction = readTransaction(own);
      if ('code' in transaction) return { status: 'refused', txId: ZERO_ID, refusal: transaction };
      const txIdBytes = sha256(transaction.payload);
      const txId = toHex(txIdBytes);
      const { core } = this.working();
      const withId = Object.assign(transaction, { txId, txIdBytes });
      const artifacts = admit(core, this.options.store, withId, attachments);
      if ('code' in artifacts) return { status: 'refused', txId, refusal: artifacts };
      const verified = await this.gathering.verify(transaction);
      if ('code' in verified) return { status: 'refused', txId, refusal: verified };
      return { transaction: verified, artifacts };
    });
  }

  private inPlace(prepare: () => Prepared | Promise<Prepared>): Promise<Outcome> {
    const trace = this.telemetry.traceSubmission(this.groupId);
    return trace === undefined
      ? this.prepareInPlace(prepare)
      : traced(trace, this.prepareInPlace(prepare, trace));
  }

  /** Prepares a submission in a reserved place of the queue, and gives the place back where none comes of it. */
  private async prepareInPlace(
    prepare: () => Prepared | Promise<Prepared>,
    trace?: SubmissionTrace,
  ): Promise<Outcome> {
    const { sealer } = this.working();
    if (!sealer.tryReserve()) await sealer.reserve();
    trace?.stage('prepare');
    let prepared: Prepared;
    try {
      const made = prepare();
      prepared = made instanceof Promise ? await made : made;
    } catch (error) {
      sealer.unreserve();
      throw error;
    }
    if ('status' in prepared) {
      sealer.unreserve();
      this.telemetry.transactionRefused(prepared.refusal.code);
      return prepared;
    }
    const { transaction, artifacts, outlet } = prepared;
    trace?.stage('wait');
    if (outlet !== undefined && this.status === 'following') {
      sealer.unreserve();
      return outlet.submit(transaction, artifacts);
    }
    const sealed = new Promise<Outcome>((settle, fail) =>
      sealer.push({ transaction, artifacts, trace, settle, fail }),
    );
    if (outlet === undefined) return sealed;
    return sealed.catch((error: Error) => {
      // The sealing was handed over while this waited.
      if (error instanceof NotSealerError) return outlet.submit(transaction, artifacts);
      throw error;
    });
  }

  // Following.

  /**
   * Takes blocks that somebody else sealed, in order from the next height on; each is verified, judged and
   * stored. One source at a time: a second call waits for the first. A source that fails ends the call with its
   * error, after what it gave before has been stored.
   * @returns the refusal of the first block that is not valid, or nothing
   * @throws ChainStoppedError, VerifierError, and what the source throws
   */
  follow(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Refusal | undefined> {
    const turn = this.followTurn.then(() => this.followAlone(source));
    this.followTurn = turn.then(noop, noop);
    return turn;
  }

  private async followAlone(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<Refusal | undefined> {
    this.assertRunning();
    const { core } = this.working();
    const { verifier } = this.options;
    try {
      const refusal = await followBlocks(source, { core, verifier, publish: (final) => this.publish(final) });
      if (refusal !== undefined) this.telemetry.blockRefused(refusal.code);
      return refusal;
    } catch (error) {
      throw this.endOfFollowing(error as Error);
    }
  }

  /** Halts the chain unless the error leaves it whole; returns what to throw. */
  private endOfFollowing(error: Error): unknown {
    if (error instanceof SourceFailedError) return error.cause;
    if (error instanceof VerifierError) return error;
    if (error instanceof CoreDiscardedError) return this.stopped ?? error;
    this.halt(error);
    return error;
  }

  private publish(final: FinalBlock): void {
    const { groupId } = this;
    const { height } = final.header;
    if (final.judged.writes.get(sealersTable, '') !== undefined)
      this.lifecycle.send({
        type: 'sealersChanged',
        seals: this.sealingSigner(this.working().core) !== undefined,
      });
    this.options.committed?.(final);
    const hasClaims = final.judged.effects.some(({ effect }) => effect.kind === 'claim.published');
    this.options.bus.blockCommitted({ groupId, height, hasClaims }, () => eventsOfFinalBlock(groupId, final));
  }

  // Ending.

  /** Takes nothing more, seals what waits, and ends when it is on disk. */
  async close(): Promise<void> {
    if (this.status === 'closed') return;
    this.isClosing = true;
    const closed = new ChainStoppedError('group_closed', 'the group is closed');
    this.work?.sealer.close(closed);
    await this.quiet();
    this.lifecycle.send({ type: 'close' });
    this.work?.core.discard();
    this.telemetry.chainClosed(this.groupId);
  }
}

const noop = (): void => {};
