/**
 * Filling in the history behind a checkpoint: every block from 0 on is verified and judged like any other, over a
 * state of its own in memory, and stored without touching the present one. At the checkpoint's height the state that
 * came about is held against the one that was begun with: that is the audit of the checkpoint.
 *
 * After a restart what is stored is judged again, without its signatures, and filling goes on behind it.
 */
import { sha256 } from '../../crypto/hash.ts';
import type { Verifier } from '../../crypto/verifier.ts';
import { decodeBlock } from '../../events/block.ts';
import { compareUtf8, equalBytes, type Hex32 } from '../../events/bytes.ts';
import type { Refusal } from '../../events/refusals.ts';
import { replacedBy } from '../../machines/spent.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';
import type { GroupStore } from '../../storage/port.ts';
import { commitBatchOf, headAfter } from '../chain/commit.ts';
import type { FinalBlock } from '../chain/judge.ts';
import { validate } from '../chain/validate.ts';
import { Pace } from '../history/progress.ts';
import { MemoryChain, replayBlock } from '../history/replay.ts';
import { recentSinceMs, SpentHash, StateHash, type Statement } from './format.ts';
import { deleteMarker, type Marker, readMarker, statementOf, writeMarker } from './marker.ts';

/** How the filling of a history has ended. */
export type Filled =
  | { readonly status: 'sound' }
  /** The history does not lead to what the sealer has signed. */
  | { readonly status: 'lie'; readonly what: string };

export class HistoryFiller {
  readonly groupId: Hex32;
  private readonly store: GroupStore;
  private readonly records: OpaqueMap;
  private readonly verifier: Verifier;
  private readonly marker: Marker;
  private readonly statement: Statement;
  private readonly chain: MemoryChain;
  private readonly spent = new SpentHash();
  private readonly sinceMs: number;

  private constructor(parts: { store: GroupStore; records: OpaqueMap; verifier: Verifier; marker: Marker }) {
    const { store, records, verifier, marker } = parts;
    this.groupId = store.groupId;
    this.store = store;
    this.records = records;
    this.verifier = verifier;
    this.marker = marker;
    this.statement = statementOf(marker);
    this.chain = new MemoryChain(this.groupId);
    this.sinceMs = recentSinceMs(decodeBlock(store.block(this.statement.height)!).header.tsMs);
  }

  /** The filler of a group that began at a checkpoint, with what is here judged again; nothing where all is here. */
  static async open(
    store: GroupStore,
    records: OpaqueMap,
    verifier: Verifier,
  ): Promise<HistoryFiller | undefined> {
    const marker = readMarker(records, store.groupId);
    if (marker === undefined) return undefined;
    const filler = new HistoryFiller({ store, records, verifier, marker });
    await filler.judgeStored();
    return filler;
  }

  /** The next height that is wanted. */
  get next(): number {
    return this.chain.blocks;
  }

  /** The height of the checkpoint, which is the last that is wanted. */
  get height(): number {
    return this.statement.height;
  }

  private async judgeStored(): Promise<void> {
    const pace = new Pace(this.height);
    for (const { height, bytes } of this.store.blocks(0, this.marker.filled)) {
      if (height !== this.next) break;
      const judged = replayBlock(this.chain, bytes);
      // Stored blocks were judged before; what does not judge is fetched again.
      if ('code' in judged) break;
      this.note(judged);
      const turn = pace.step(height, this.chain.operations);
      if (turn !== undefined) await turn;
    }
  }

  private note({ header, judged }: FinalBlock): void {
    if (header.tsMs < this.sinceMs) return;
    for (const [index, transaction] of judged.accepted.entries()) {
      const { height } = header;
      this.spent.add(transaction.txId, { height, index, replaced: false });
      const replaced = replacedBy(transaction, sha256);
      if (replaced !== undefined) this.spent.add(replaced, { height, index, replaced: true });
    }
  }

  /**
   * Takes blocks from the next height on, and stores them as they are judged.
   * @returns the refusal of the first that is not valid: its bringer's fault, or a second history of the sealer's
   * @throws StorageError, VerifierError, SourceFailedError
   */
  async take(source: AsyncIterable<Uint8Array>): Promise<Refusal | undefined> {
    const stage = (final: FinalBlock): void => {
      this.chain.apply(final);
      this.note(final);
    };
    const blocks = validate(this.upToCheckpoint(source), {
      verifier: this.verifier,
      judge: this.chain.judge,
      stage,
    });
    try {
      for (;;) {
        const next = await blocks.next();
        if (next.done) return next.value;
        await this.keep(next.value);
      }
    } finally {
      await blocks.return(undefined);
    }
  }

  private async *upToCheckpoint(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let at = this.next;
    if (at > this.height) return;
    for await (const block of source) {
      yield block;
      if (++at > this.height) return;
    }
  }

  private async keep(finals: readonly FinalBlock[]): Promise<void> {
    const last = finals.at(-1)!;
    const { blocks, txs, nodes } = commitBatchOf(finals, headAfter(undefined, last), []);
    await this.store.commit({ ...(blocks && { blocks }), ...(txs && { txs }), ...(nodes && { nodes }) });
    await writeMarker(this.records, this.groupId, { ...this.marker, filled: last.header.height + 1 });
  }

  /** Whether every block up to the checkpoint is here. */
  get isFull(): boolean {
    return this.next > this.height;
  }

  /** Holds the history against the checkpoint, once it is full; where they agree, the group is like any other. */
  async finish(): Promise<Filled> {
    const { statement, chain } = this;
    const entries = [...chain.state.entries()].sort(([a], [b]) => compareUtf8(a, b));
    const state = new StateHash();
    for (const [key, value] of entries) state.add(key, value);
    const what = firstDifference([
      ['the block', chain.judge.tip!.blockId === statement.blockId],
      ['the state', equalBytes(state.digest(), statement.stateHash)],
      ['the spent ids', equalBytes(this.spent.digest(), statement.recentHash)],
      ['the count of transactions', chain.transactions === statement.transactions],
      ['the count of operations', chain.operations === statement.operations],
    ]);
    if (what !== undefined) return { status: 'lie', what };
    await deleteMarker(this.records, this.groupId);
    return { status: 'sound' };
  }
}

function firstDifference(checks: readonly (readonly [what: string, holds: boolean])[]): string | undefined {
  return checks.find(([, holds]) => !holds)?.[0];
}
