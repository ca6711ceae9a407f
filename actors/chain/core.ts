/**
 * What the sealing and the following side of a chain share: the judge, the state under it, and the way to
 * storage. It lives from one loading of the chain to the next; after a failed commit it is thrown away, because
 * it is ahead of what storage holds.
 */

import { sha256 } from '../../crypto/hash.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { x25519 } from '../../crypto/x25519.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { Frontier } from '../../events/merkle-frontier.ts';
import type { Tip } from '../../machines/chain.ts';
import type { RuleCrypto } from '../../machines/domain.ts';
import { replacedBy, type SpentIds } from '../../machines/spent.ts';
import type { GroupStore, Head } from '../../storage/port.ts';
import { noTelemetry, type Telemetry } from '../telemetry.ts';
import { type Artifact, commitBatchOf, headAfter } from './commit.ts';
import { ChainJudge, type FinalBlock } from './judge.ts';
import { StateCache } from './state-cache.ts';

/** The fast versions of what rules may call. */
export const nativeCrypto: RuleCrypto = { sha256, verifySignature, x25519 };

/** The tip that a stored head stands for. */
export function tipOf(head: Head | undefined): Tip | undefined {
  if (head === undefined) return undefined;
  const { height, blockId, tsMs, frontier } = head;
  return { height, blockId, tsMs, frontier: new Frontier(sha256, height + 1, frontier) };
}

/** The chain was halted or closed while somebody still worked on it. */
export class CoreDiscardedError extends Error {
  override readonly name = 'CoreDiscardedError';

  constructor() {
    super('the chain was stopped');
  }
}

export class ChainCore {
  readonly judge: ChainJudge;
  readonly state: StateCache;
  private readonly store: GroupStore;
  private readonly telemetry: Telemetry;
  readonly spent: SpentIds;
  /** Ids spent by blocks that are judged but not yet stored. */
  private readonly sealedPending = new Set<Hex32>();
  private readonly replacedPending = new Set<Hex32>();
  private stagedHead: Head | undefined;
  private stagedHeads = new Map<number, Head>();
  private commitsUnderWay = 0;
  private settledWaiters: (() => void)[] = [];
  private isDiscarded = false;

  constructor(store: GroupStore, groupId: Hex32, telemetry: Telemetry = noTelemetry) {
    this.store = store;
    this.telemetry = telemetry;
    this.stagedHead = store.head();
    this.state = new StateCache(store);
    this.spent = {
      isSealed: (txId, bytes) =>
        this.sealedPending.has(txId) || store.txLocation(bytes ?? txId) !== undefined,
      isReplaced: (id) => this.replacedPending.has(id) || store.replacement(id) !== undefined,
      hasReplaced: () => this.replacedPending.size > 0 || store.hasReplacements(),
    };
    this.judge = new ChainJudge({
      groupId,
      tip: tipOf(this.stagedHead),
      base: this.state,
      crypto: nativeCrypto,
      spent: this.spent,
    });
  }

  /** Makes a judged block visible to the judging of the next one. */
  stage(final: FinalBlock): void {
    this.assertInUse();
    const { judged, tip } = final;
    const { height } = tip;
    this.state.addPending(height, judged.writes);
    for (const transaction of judged.accepted) {
      this.sealedPending.add(transaction.txId);
      const replaced = replacedBy(transaction, sha256);
      if (replaced !== undefined) this.replacedPending.add(replaced);
    }
    this.stagedHead = headAfter(this.stagedHead, final);
    this.stagedHeads.set(height, this.stagedHead);
  }

  /** From here on nothing is staged or stored by way of this core; what is on its way to disk arrives. */
  discard(): void {
    this.isDiscarded = true;
  }

  private assertInUse(): void {
    if (this.isDiscarded) throw new CoreDiscardedError();
  }

  /** Resolves when nothing is on its way to disk. */
  async settled(): Promise<void> {
    while (this.commitsUnderWay > 0) await new Promise<void>((resolve) => this.settledWaiters.push(resolve));
  }

  /** Stores staged blocks; resolves when they are on disk. Commits are issued in order and may overlap. */
  async commit(blocks: readonly FinalBlock[], artifacts: Iterable<Artifact> = []): Promise<void> {
    this.assertInUse();
    const last = blocks.at(-1)!.tip.height;
    const head = this.stagedHeads.get(last)!;
    const startMs = performance.now();
    this.commitsUnderWay++;
    try {
      await this.store.commit(commitBatchOf(blocks, head, artifacts));
      for (const final of blocks) this.settle(final);
      this.tell(blocks, performance.now() - startMs);
    } finally {
      this.commitsUnderWay--;
      if (this.commitsUnderWay === 0) for (const resolve of this.settledWaiters.splice(0)) resolve();
    }
  }

  private tell(blocks: readonly FinalBlock[], latencyMs: number): void {
    let transactions = 0;
    let operations = 0;
    for (const { judged } of blocks) {
      transactions += judged.accepted.length;
      operations += judged.operationCount;
    }
    const { groupId } = this.judge;
    this.telemetry.committed({ groupId, blocks: blocks.length, transactions, operations, latencyMs });
  }

  private settle({ tip: { height }, judged }: FinalBlock): void {
    this.state.settle(height);
    this.stagedHeads.delete(height);
    for (const transaction of judged.accepted) {
      this.sealedPending.delete(transaction.txId);
      const replaced = replacedBy(transaction, sha256);
      if (replaced !== undefined) this.replacedPending.delete(replaced);
    }
  }
}
