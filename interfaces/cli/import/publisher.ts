/**
 * Claims into transactions: as many per signature as the limits allow, several transactions under way at once.
 *
 * The order is kept from the first claim to the last, in and between transactions, so a parent may travel just
 * before its children. When one transaction is refused those behind it may be too; the first refusal is kept, and
 * nothing more is sent.
 */
import type { Agent } from '../../../actors/agent.ts';
import type { Batch } from '../../../actors/new-records.ts';
import { OPERATIONS_PER_TRANSACTION_MAX, TRANSACTION_BYTES_MAX } from '../../../events/limits.ts';
import type { Refusal } from '../../../events/refusals.ts';
import type { Operation } from '../../../events/registry.ts';

/** Enough to keep the sealer busy while a block is flushed. */
const TRANSACTIONS_IN_FLIGHT_MAX = 4;
/** Texts that one transaction brings along; bounds what is in memory (times the transactions in flight). */
const ARTIFACT_BYTES_MAX = 4 * 1024 * 1024;
/** Of a transaction beside its operations, and of a claim beside its tags, rounded up generously. */
const TRANSACTION_OVERHEAD_BYTES = 512;
const CLAIM_OVERHEAD_BYTES = 96;
const TAG_OVERHEAD_BYTES = 3;

export class Publisher {
  private readonly agent: Agent;
  private readonly onSealed: (claims: number) => void;
  private operations: Operation[] = [];
  private artifacts: Uint8Array[] = [];
  private operationBytes = TRANSACTION_OVERHEAD_BYTES;
  private artifactBytes = 0;
  private readonly inFlight = new Set<Promise<void>>();
  private refused: Refusal | undefined;
  private failure: unknown;

  /** @param onSealed told how many more claims are on disk */
  constructor(agent: Agent, onSealed: (claims: number) => void) {
    this.agent = agent;
    this.onSealed = onSealed;
  }

  /** Takes a claim; waits while enough is under way. Returns false once something was refused. */
  async add(claim: Batch, tags: readonly string[]): Promise<boolean> {
    const tagBytes = tags.reduce((sum, tag) => sum + Buffer.byteLength(tag) + TAG_OVERHEAD_BYTES, 0);
    const bytes = CLAIM_OVERHEAD_BYTES + tagBytes;
    const isFull =
      this.operations.length >= OPERATIONS_PER_TRANSACTION_MAX ||
      this.operationBytes + bytes > TRANSACTION_BYTES_MAX ||
      this.artifactBytes >= ARTIFACT_BYTES_MAX;
    if (isFull) await this.send();
    this.operations.push(...claim.operations);
    this.artifacts.push(...claim.artifacts);
    this.operationBytes += bytes;
    for (const artifact of claim.artifacts) this.artifactBytes += artifact.length;
    if (this.failure !== undefined) throw this.failure;
    return this.refused === undefined;
  }

  private async send(): Promise<void> {
    while (this.inFlight.size >= TRANSACTIONS_IN_FLIGHT_MAX) await Promise.race(this.inFlight);
    const { operations, artifacts } = this;
    this.operations = [];
    this.artifacts = [];
    this.operationBytes = TRANSACTION_OVERHEAD_BYTES;
    this.artifactBytes = 0;
    if (operations.length === 0 || this.refused !== undefined || this.failure !== undefined) return;
    const sent = this.agent.submit(operations, artifacts).then(
      (outcome) => {
        if (outcome.status === 'refused') this.refused ??= outcome.refusal;
        else this.onSealed(operations.length);
      },
      (error: unknown) => {
        this.failure ??= error;
      },
    );
    const landed = sent.finally(() => this.inFlight.delete(landed));
    this.inFlight.add(landed);
  }

  /** Sends what is left and waits until everything is on disk; returns the first refusal. */
  async finish(): Promise<Refusal | undefined> {
    await this.send();
    await Promise.all(this.inFlight);
    if (this.failure !== undefined) throw this.failure;
    return this.refused;
  }

  /** Waits for what is under way and sends nothing more. */
  async abandon(): Promise<void> {
    this.operations = [];
    await Promise.all(this.inFlight);
  }
}
