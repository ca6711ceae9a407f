/**
 * The audit: everything that a stranger can check of a group, and for a node's own store everything that the node
 * keeps beside the log as well.
 *
 * It runs in the order in which things rest on one another, and ends at the first broken one:
 *   1. the chain, block by block: shapes, ids, links, every signature, roots, rules, effects, and whether block 0
 *      has the group's id;
 *   2. the money, by adding up every account, escrow and the treasury;
 *   3. the artifacts: that those which the log refers to are there, have their hashes and say what their operations
 *      say, and that there are no others;
 *   4. of a store, its indexes, its head and its state, key by key; of a file, its counts and its checksum.
 * Within each, the first in the order of the log is named. A bad transaction hides nothing before it, and nothing
 * after it is worth a word, because all of it rests on that transaction.
 */
import type { Verifier } from '../../crypto/verifier.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { sumMoney } from '../../machines/ledger.ts';
import { Overlay } from '../../machines/state.ts';
import type { FinalBlock } from '../chain/judge.ts';
import { validate } from '../chain/validate.ts';
import { ArtifactCheck } from './artifact-check.ts';
import { ExportFileError } from './export-format.ts';
import type { Finding } from './findings.ts';
import { type OnProgress, Pace } from './progress.ts';
import { type Counts, MemoryChain, placeOf } from './replay.ts';
import type { HistorySource } from './source.ts';
import { checkHead, checkIndexes, checkState } from './store-check.ts';

export interface AuditOptions {
  /** Checks the signatures; a pool uses every core. */
  readonly verifier: Verifier;
  readonly onProgress?: OnProgress;
}

/** What was checked, whether it was sound or not. */
export interface AuditReport extends Counts {
  readonly groupId: Hex32;
  /** Signatures that were checked and hold: one for each block and each transaction that was judged. */
  readonly signatures: number;
  /** Artifacts that are there and have their hash. */
  readonly artifacts: number;
  /** Tokens in all accounts, escrows and the treasury, added up. */
  readonly held: bigint;
  /** Tokens in existence, as the state says. */
  readonly supply: bigint;
  readonly seconds: number;
  readonly operationsPerSecond: number;
  readonly signaturesPerSecond: number;
}

export type Audit =
  | { readonly status: 'sound'; readonly report: AuditReport }
  | { readonly status: 'broken'; readonly finding: Finding; readonly report: AuditReport };

/** The group grew while its state was compared: audit a snapshot of the store instead. */
export class HistoryMovedError extends Error {
  override readonly name = 'HistoryMovedError';
  readonly code = 'history_moved';

  constructor() {
    super('blocks were stored while the audit compared the state; audit a snapshot of the store');
  }
}

/**
 * Audits a history.
 * @param source of a store: give a snapshot's reader to `sourceOf`, which stands still
 * @throws VerifierError when the verifier is closed or a thread dies
 * @throws HistoryMovedError, StorageError (`io`, `closed`)
 */
export async function audit(source: HistorySource, options: AuditOptions): Promise<Audit> {
  const run = new AuditRun(source, options);
  const finding = await run.finding();
  const report = run.report();
  return finding === undefined ? { status: 'sound', report } : { status: 'broken', finding, report };
}

class AuditRun {
  readonly #source: HistorySource;
  readonly #verifier: Verifier;
  readonly #pace: Pace;
  readonly #chain: MemoryChain;
  readonly #artifacts: ArtifactCheck;
  #indexFinding: Finding | undefined;
  /** Why the file could not be read on, when it could not. */
  #unreadable: ExportFileError | undefined;

  constructor(source: HistorySource, { verifier, onProgress }: AuditOptions) {
    this.#source = source;
    this.#verifier = verifier;
    this.#pace = new Pace(source.height, onProgress);
    this.#chain = new MemoryChain(source.groupId);
    this.#artifacts = new ArtifactCheck(this.#chain.state);
  }

  async finding(): Promise<Finding | undefined> {
    return (
      (await this.#checkChain()) ??
      this.#checkMoney() ??
      (await this.#checkArtifacts()) ??
      (await this.#checkStore()) ??
      (await this.#checkContainer())
    );
  }

  report(): AuditReport {
    const counts = this.#chain.counts();
    const signatures = counts.blocks + counts.transactions;
    const { seconds } = this.#pace;
    const rate = (count: number): number => (seconds > 0 ? Math.round(count / seconds) : 0);
    this.#pace.end(this.#chain.height, counts.operations);
    return {
      groupId: this.#source.groupId,
      ...counts,
      signatures,
      artifacts: this.#artifacts.count,
      ...sumMoney(new Overlay(this.#chain.state)),
      seconds,
      operationsPerSecond: rate(counts.operations),
      signaturesPerSecond: rate(signatures),
    };
  }

  async #checkChain(): Promise<Finding | undefined> {
    const chain = this.#chain;
    const blocks = validate(this.#readableBlocks(), {
      verifier: this.#verifier,
      judge: chain.judge,
      stage: (final) => this.#stage(final),
    });
    for (;;) {
      const next = await blocks.next();
      if (next.done) return this.#endOfChain(next.value);
      const turn = this.#pace.step(chain.height, chain.operations);
      if (turn !== undefined) await turn;
    }
  }

  #stage(final: FinalBlock): void {
    const { store } = this.#source;
    this.#chain.apply(final);
    this.#artifacts.note(final);
    if (store !== undefined) this.#indexFinding ??= checkIndexes(store, final);
  }

  /**
   * The blocks up to where the file cannot be read. The pipeline reads ahead, so that throwing there would hide a
   * block before it that is broken as well.
   */
  async *#readableBlocks(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#source.blocks();
    } catch (error) {
      if (!(error instanceof ExportFileError)) throw error;
      this.#unreadable = error;
    }
  }

  #endOfChain(refusal: Parameters<typeof placeOf>[1] | undefined): Finding | undefined {
    const height = this.#chain.height + 1;
    if (refusal !== undefined) return { ...placeOf(height, refusal), check: 'refused', refusal };
    if (this.#unreadable !== undefined) return fileFinding(height, this.#unreadable);
    return height <= this.#source.height || height === 0 ? { height, check: 'block_missing' } : undefined;
  }

  #checkMoney(): Finding | undefined {
    const { held, supply } = sumMoney(new Overlay(this.#chain.state));
    return held === supply ? undefined : { height: this.#chain.height, check: 'money', held, supply };
  }

  async #checkArtifacts(): Promise<Finding | undefined> {
    const { height, operations } = this.#chain;
    try {
      for (const artifact of this.#source.artifacts()) {
        this.#artifacts.check(artifact, height);
        const turn = this.#pace.step(height, operations);
        if (turn !== undefined) await turn;
      }
    } catch (error) {
      if (!(error instanceof ExportFileError)) throw error;
      return fileFinding(height, error);
    }
    return this.#artifacts.finding();
  }

  async #checkStore(): Promise<Finding | undefined> {
    const { store } = this.#source;
    if (store === undefined) return undefined;
    if (this.#indexFinding !== undefined) return this.#indexFinding;
    const finding =
      checkHead(store.head(), this.#chain) ?? (await checkState(store, this.#chain, this.#pace));
    if ((store.head()?.height ?? -1) > this.#source.height) throw new HistoryMovedError();
    return finding;
  }

  async #checkContainer(): Promise<Finding | undefined> {
    try {
      await this.#source.checkContainer?.();
      return undefined;
    } catch (error) {
      if (error instanceof ExportFileError) return fileFinding(this.#chain.height, error);
      throw error;
    }
  }
}

function fileFinding(height: number, { code, message }: ExportFileError): Finding {
  return { height, check: 'file', code, what: message };
}
