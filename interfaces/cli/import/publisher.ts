/**
 * Operations into transactions: as many per signature as the limits allow, several transactions under way at once.
 *
 * The order is kept from the first operation to the last, in and between transactions, so a parent may travel just
 * before its children. When one transaction is refused those behind it may be too; the first refusal is kept, and
 * nothing more is sent.
 */
import type { Agent } from '../../../actors/agent.ts';
import { OPERATIONS_PER_TRANSACTION_MAX, TRANSACTION_BYTES_MAX } from '../../../events/limits.ts';
import type { Refusal } from '../../../events/refusals.ts';
import type { Operation } from '../../../events/registry.ts';

/** Enough to keep the sealer busy while a block is flushed. */
const TRANSACTIONS_IN_FLIGHT_MAX = 4;
/** Texts that one transaction brings along; bounds what is in memory (times the transactions in flight). */
const ARTIFACT_BYTES_MAX = 1024 * 1024;
/** Of a transaction beside its operations, and of an operation beside its texts, rounded up generously. */
const TRANSACTION_OVERHEAD_BYTES = 512;
const OPERATION_OVERHEAD_BYTES = 96;
const TEXT_OVERHEAD_BYTES = 3;

export interface PublisherOptions {
  /** Whether to send nothing, and tell all the same. */
  readonly isDry: boolean;
  /** Called before more is sent. */
  readonly onSend: () => void;
  /** Told what more is on disk. */
  readonly onSealed: (operations: readonly Operation[]) => void;
}

export class Publisher {
  private readonly agent: Agent;
  private readonly options: PublisherOptions;
  private operations: Operation[] = [];
  private artifacts: Uint8Array[] = [];
  private operationBytes = TRANSACTION_OVERHEAD_BYTES;
  private artifactBytes = 0;
  private readonly inFlight = new Set<Promise<void>>();
  private refused: Refusal | undefined;
  private failure: unknown;

  constructor(agent: Agent, options: PublisherOptions) {
    this.agent = agent;
    this.options = options;
  }

  /**
   * Takes an operation; waits while enough is under way. Returns false once something was refused.
   * @param texts the texts in the operation, its tags or its reason
   */
  async add(operation: Operation, texts: readonly string[], artifact?: Uint8Array): Promise<boolean> {
    const textBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + TEXT_OVERHEAD_BYTES, 0);
    const bytes = OPERATION_OVERHEAD_BYTES + textBytes;
    const isFull =
      this.operations.length >= OPERATIONS_PER_TRANSACTION_MAX ||
      this.operationBytes + bytes > TRANSACTION_BYTES_MAX ||
      this.artifactBytes >= ARTIFACT_BYTES_MAX;
    if (isFull) await this.send();
    this.operations.push(operation);
    if (artifact !== undefined) this.artifacts.push(artifact);
    this.operationBytes += bytes;
    this.artifactBytes += artifact?.length ?? 0;
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
    const { isDry, onSend, onSealed } = this.options;
    if (isDry) return onSealed(operations);
    onSend();
    const landed = this.land(operations, artifacts).finally(() => this.inFlight.delete(landed));
    this.inFlight.add(landed);
  }

  /** Never rejects, since nobody may be looking: what fails, whoever was told included, fails what comes next. */
  private async land(operations: readonly Operation[], artifacts: readonly Uint8Array[]): Promise<void> {
    try {
      const outcome = await this.agent.submit(operations, artifacts);
      if (outcome.status === 'refused') this.refused ??= outcome.refusal;
      else this.options.onSealed(operations);
    } catch (error) {
      this.failure ??= error;
    }
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
