/**
 * The chain actor of one group: verify → judge → commit → publish, for what is submitted here and for blocks
 * that others sealed. The stages are the files beside this one; this is the thing with a life that owns them.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import { sha256 } from '../../crypto/hash.ts';
import { type Verifier, VerifierError } from '../../crypto/verifier.ts';
import { type Hex32, toHex, ZERO_ID } from '../../events/bytes.ts';
import type { Outcome } from '../../events/receipt.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import type { Operation } from '../../events/registry.ts';
import type { Transaction, VerifiedTransaction } from '../../events/transaction.ts';
import { unknownAuthor } from '../../machines/group.ts';
import type { Table } from '../../machines/state.ts';
import { sealersTable } from '../../machines/tables.ts';
import type { GroupStore, Head } from '../../storage/port.ts';
import type { Bus } from '../bus.ts';
import type { WatchedClock } from '../clock.ts';
import { admitArtifacts } from './attachments.ts';
import { chainMachine } from './chain.machine.ts';
import { type Artifact, commitBatchOf, headAfter } from './commit.ts';
import { ChainCore, CoreDiscardedError, nativeCrypto } from './core.ts';
import { type BlockSigner, ChainJudge, type FinalBlock } from './judge.ts';
import { eventsOfFinalBlock } from './publish.ts';
import { NotSealerError, Sealer } from './sealer.ts';
import { signTransaction } from './sign.ts';
import { MemoryState } from './state-cache.ts';
import { SourceFailedError, validate } from './validate.ts';
import { readTransaction, verifyTransactions } from './verify.ts';

/** Takes what this node may not seal, keeps it, and sees that it reaches whoever may. */
export interface Outlet {
  /** Resolves when the transaction is sealed here or refused by the sealer. */
  submit(transaction: VerifiedTransaction, artifacts: readonly Artifact[]): Promise<Outcome>;
}

export interface ChainOptions {
  readonly store: GroupStore;
  readonly verifier: Verifier;
  readonly clock: WatchedClock;
  readonly bus: Bus;
  /** The longest that a transaction waits for company, milliseconds. */
  readonly lingerMs: number;
  /** Where work goes that somebody else must seal; without one it is refused at once. */
  readonly outlet?: Outlet;
  /** The signer of a key, if this node holds it. */
  signerOf(publicKey: Hex32): BlockSigner | undefined;
}

export type ChainStatus = 'loading' | 'following' | 'sealing' | 'halted' | 'closed';

/** What is ready to be sealed, or why nothing came of it. */
type Prepared =
  | {
      readonly transaction: VerifiedTransaction;
      readonly artifacts: readonly Artifact[];
      /** Where it goes if this node may not seal it. */
      readonly outlet?: Outlet | undefined;
    }
  | Extract<Outcome, { status: 'refused' }>;

/** The chain is halted or closed and takes nothing. The cause tells more. */
export class ChainStoppedError extends Error {
  override readonly name = 'ChainStoppedError';
  readonly code: 'group_halted' | 'group_closed';

  constructor(code: 'group_halted' | 'group_closed', reason: string, cause?: unknown) {
    super(reason, { cause });
    this.code = code;
  }
}

export class GroupChain {
  readonly groupId: Hex32;
  private readonly options: ChainOptions;
  private readonly lifecycle: ActorRefFrom<typeof chainMachine>;
  /** Settles when the last `follow` has ended. */
  private followTurn: Promise<void> = Promise.resolve();
  private isClosing = false;
  private core!: ChainCore;
  private sealer!: Sealer;
  /** Transactions from outside whose signatures are to be checked together at the end of this turn. */
  private unverified: {
    transaction: Transaction;
    settle(answer: VerifiedTransaction | Refusal): void;
    fail(error: Error): void;
  }[] = [];

  constructor(groupId: Hex32, options: ChainOptions) {
    this.groupId = groupId;
    this.options = options;
    this.lifecycle = createActor(chainMachine).start();
    this.load();
  }

  private load(): void {
    this.core = new ChainCore(this.options.store, this.groupId);
    this.sealer = new Sealer({
      core: this.core,
      clock: this.options.clock,
      lingerMs: this.options.lingerMs,
      signer: () => this.sealingSigner(),
      committed: (final) => this.publish(final),
      refused: ({ txId, refusal }) =>
        this.options.bus.moment({ kind: 'tx.refused', groupId: this.groupId, txId, refusal }),
      failed: (error) => this.halt(error),
    });
    this.lifecycle.send({ type: 'loaded', seals: this.sealingSigner() !== undefined });
  }

  private sealingSigner(): BlockSigner | undefined {
    for (const sealer of this.core.state.get(sealersTable, '') ?? []) {
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

  private halt(error: Error): void {
    if (this.status === 'halted' || this.status === 'closed') return;
    const reason = error.message;
    this.lifecycle.send({ type: 'failed', reason });
    this.core.discard();
    this.sealer.stop(new ChainStoppedError('group_halted', reason, error));
    this.options.bus.moment({ kind: 'group.halted', groupId: this.groupId, reason });
  }

  /** Loads a halted chain again from what is stored, once nothing is on its way there any more. */
  async reload(): Promise<void> {
    await this.quiet();
    if (this.status !== 'halted') return;
    this.lifecycle.send({ type: 'reload' });
    try {
      this.load();
    } catch (error) {
      this.lifecycle.send({ type: 'failed', reason: (error as Error).message });
      throw error;
    }
  }

  /** Resolves when nothing is being sealed, followed or stored. */
  private async quiet(): Promise<void> {
    await this.sealer.drain();
    await this.followTurn;
    await this.core.settled();
  }

  /** Throws unless the chain is at work. */
  private assertRunning(): void {
    const { status, haltReason } = this;
    if (status === 'halted') throw new ChainStoppedError('group_halted', haltReason ?? 'the group is halted');
    if (status === 'closed' || this.isClosing)
      throw new ChainStoppedError('group_closed', 'the group is closed');
  }

  /**
   * Seals nothing until the release is called (and until every other hold is released): what is submitted waits.
   * For a sealer that has to learn first whether others hold more of its blocks than it does.
   */
  holdSealing(): () => void {
    const { sealer } = this;
    sealer.hold();
    let isHeld = true;
    return () => {
      if (isHeld) sealer.release();
      isHeld = false;
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
      const artifacts = this.admit(signed, attachments);
      if ('code' in artifacts) return { status: 'refused', txId: signed.txId, refusal: artifacts };
      return { transaction: signed, artifacts, outlet: this.options.outlet };
    });
  }

  /** Submits a transaction that was signed elsewhere, with the bytes of the artifacts that it brings. */
  submitSigned(bytes: Uint8Array, attachments: readonly Uint8Array[] = []): Promise<Outcome> {
    // Our own copy: what is sealed must be what was verified, whatever the caller does with his buffer.
    const own = bytes.slice();
    return this.inPlace(async () => {
      const transaction = readTransaction(own);
      if ('code' in transaction) return { status: 'refused', txId: ZERO_ID, refusal: transaction };
      const txIdBytes = sha256(transaction.payload);
      const txId = toHex(txIdBytes);
      const artifacts = this.admit(Object.assign(transaction, { txId, txIdBytes }), attachments);
      if ('code' in artifacts) return { status: 'refused', txId, refusal: artifacts };
      const verified = await this.verify(transaction);
      if ('code' in verified) return { status: 'refused', txId, refusal: verified };
      return { transaction: verified, artifacts };
    });
  }

  /** Prepares a submission in a reserved place of the queue, and gives the place back where none comes of it. */
  private async inPlace(prepare: () => Prepared | Promise<Prepared>): Promise<Outcome> {
    const { sealer } = this;
    if (!sealer.tryReserve()) await sealer.reserve();
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
      return prepared;
    }
    const { transaction, artifacts, outlet } = prepared;
    if (outlet !== undefined && this.status === 'following') {
      sealer.unreserve();
      return outlet.submit(transaction, artifacts);
    }
    const sealed = new Promise<Outcome>((settle, fail) =>
      sealer.push({ transaction, artifacts, settle, fail }),
    );
    if (outlet === undefined) return sealed;
    return sealed.catch((error: Error) => {
      // The sealing was handed over while this waited.
      if (error instanceof NotSealerError) return outlet.submit(transaction, artifacts);
      throw error;
    });
  }

  /**
   * The cheap checks, before a signature costs anything; the judge makes those of validity again. What comes back
   * are the artifacts, checked.
   */
  private admit(
    transaction: Transaction & { txId: Hex32; txIdBytes: Uint8Array },
    attachments: readonly Uint8Array[],
  ): Artifact[] | Refusal {
    const { groupId, txId, author, operations } = transaction;
    if (groupId !== this.groupId) return refuse('wrong_group', { expected: this.groupId, actual: groupId });
    const spent = this.core.spent(txId, transaction.txIdBytes);
    if (spent === 'sealed') return refuse('transaction_duplicate', { txId });
    if (spent === 'replaced') return refuse('transaction_replaced', { txId });
    return (
      unknownAuthor(this.core.state, author, operations) ??
      admitArtifacts(operations, attachments, (hash) => this.options.store.hasArtifact(hash))
    );
  }

  private verify(transaction: Transaction): Promise<VerifiedTransaction | Refusal> {
    return new Promise((settle, fail) => {
      this.unverified.push({ transaction, settle, fail });
      if (this.unverified.length === 1) setImmediate(() => void this.verifyGathered());
    });
  }

  private async verifyGathered(): Promise<void> {
    const gathered = this.unverified;
    this.unverified = [];
    try {
      const answers = await verifyTransactions(
        this.options.verifier,
        gathered.map(({ transaction }) => transaction),
      );
      for (const [at, one] of gathered.entries()) one.settle(answers[at]!);
    } catch (error) {
      for (const one of gathered) one.fail(error as Error);
    }
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
    const { core } = this;
    let storing: Promise<void>[] = [];
    const stage = (final: FinalBlock): void => {
      // Staged and issued in one step, so that no other block can come between in storage.
      core.stage(final);
      const stored = core.commit([final]).then(() => this.publish(final));
      stored.catch(noop);
      storing.push(stored);
    };
    const blocks = validate(source, { verifier: this.options.verifier, judge: core.judge, stage });
    try {
      let before: Promise<void>[] = [];
      for (;;) {
        const next = await blocks.next();
        await Promise.all(before);
        before = storing;
        storing = [];
        if (next.done) return await Promise.all(before).then(() => next.value);
      }
    } catch (error) {
      await Promise.allSettled(storing);
      throw this.endOfFollowing(error as Error);
    } finally {
      await blocks.return(undefined);
    }
  }

  /** Halts the chain unless the error leaves it whole; returns what to throw. */
  private endOfFollowing(error: Error): unknown {
    if (error instanceof SourceFailedError) return error.cause;
    if (error instanceof VerifierError) return error;
    if (error instanceof CoreDiscardedError)
      return new ChainStoppedError('group_halted', this.haltReason ?? error.message);
    this.halt(error);
    return error;
  }

  private publish(final: FinalBlock): void {
    const { groupId } = this;
    const { height } = final.header;
    if (final.judged.writes.get(sealersTable as Table<unknown>, '') !== undefined)
      this.lifecycle.send({ type: 'sealersChanged', seals: this.sealingSigner() !== undefined });
    this.options.bus.blockCommitted({ groupId, height }, () => eventsOfFinalBlock(groupId, final));
  }

  // Ending.

  /** Takes nothing more, seals what waits, and ends when it is on disk. */
  async close(): Promise<void> {
    if (this.status === 'closed') return;
    this.isClosing = true;
    const closed = new ChainStoppedError('group_closed', 'the group is closed');
    this.sealer.close(closed);
    await this.quiet();
    this.lifecycle.send({ type: 'close' });
    this.core.discard();
  }
}

const noop = (): void => {};

/** Block 0: judged over nothing, sealed by its founder. Storing it makes the group. */
export function foundGroup(
  signer: BlockSigner,
  genesis: Extract<Operation, { type: 'genesis' }>,
  nowMs: number,
): FinalBlock | Refusal {
  const judge = new ChainJudge({
    groupId: ZERO_ID,
    tip: undefined,
    base: new MemoryState(),
    crypto: nativeCrypto,
    spent: () => undefined,
  });
  const signed = signTransaction(signer, { groupId: ZERO_ID, operations: [genesis], tsMs: nowMs });
  if ('code' in signed) return signed;
  judge.openBlock(nowMs);
  return judge.add(signed) ?? judge.sealBlock(signer)!;
}

/** Stores block 0 of a new group. */
export async function storeFounding(store: GroupStore, final: FinalBlock): Promise<void> {
  await store.commit(commitBatchOf([final], headAfter(undefined, final), []));
}
