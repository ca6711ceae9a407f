/**
 * Replay: the state of a group at any height, worked out again from block 0.
 *
 * The log was verified when it was stored, so signatures are left out and everything else is done again: ids,
 * places, roots, rules and effects are recomputed and compared. A replay that ends well therefore shows that these
 * rules, on this machine, make of this log what its sealers made of it, to the byte. With signatures it would be
 * an audit; see audit.ts.
 *
 * State and spent ids are held in memory, about half a kilobyte for a record and 150 bytes for a transaction. The
 * maps of the engine end at 2^24 entries, so a history may have 16.7 million transactions and as many records of
 * a kind; the heap of a default process is full before that.
 */
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import { markVerified } from '../../events/transaction.ts';
import type { Tip } from '../../machines/chain.ts';
import { SpentSet } from '../../machines/spent.ts';
import { nativeCrypto } from '../chain/core.ts';
import { ChainJudge, type FinalBlock, type VerifiedBlock } from '../chain/judge.ts';
import { MemoryState } from '../chain/state-cache.ts';
import { type ReadBlock, readBlock } from '../chain/verify.ts';
import { type OnProgress, Pace } from './progress.ts';
import type { HistorySource } from './source.ts';

/** Where in a history something is. */
export interface Place {
  readonly height: number;
  /** Position in the block, when it is about one transaction. */
  readonly transaction?: number;
  readonly txId?: Hex32;
}

/** What was gone through. */
export interface Counts {
  readonly blocks: number;
  readonly transactions: number;
  readonly operations: number;
}

export interface ReplayOptions {
  /** The last height to replay; the whole history when left out. */
  readonly toHeight?: number;
  readonly onProgress?: OnProgress;
}

export type Replay = Counts & { readonly seconds: number } & (
    | {
        readonly status: 'ok';
        readonly state: MemoryState;
        /** Nothing for a history without blocks. */
        readonly tip: Tip | undefined;
      }
    | { readonly status: 'broken'; readonly at: Place; readonly refusal: Refusal }
  );

/** A history being judged in memory, block by block: what replay and audit share. */
export class MemoryChain {
  readonly state = new MemoryState();
  readonly judge: ChainJudge;
  blocks = 0;
  transactions = 0;
  operations = 0;
  readonly #spent = new SpentSet(sha256);

  /** @param groupId what block 0 must have as its id */
  constructor(groupId: Hex32) {
    this.judge = new ChainJudge({
      groupId,
      tip: undefined,
      base: this.state,
      crypto: nativeCrypto,
      spent: this.#spent,
    });
  }

  /** The height that has been judged last; −1 before block 0. */
  get height(): number {
    return this.blocks - 1;
  }

  /** Takes over what a judged block wrote. */
  apply(final: FinalBlock): void {
    const { judged } = final;
    this.state.apply(judged.writes);
    for (const transaction of judged.accepted) this.#spent.add(transaction);
    this.blocks++;
    this.transactions += judged.accepted.length;
    this.operations += judged.operationCount;
  }

  counts(): Counts {
    const { blocks, transactions, operations } = this;
    return { blocks, transactions, operations };
  }
}

/** The ids of a block whose signatures were checked when it was stored. */
function identify({ block, transactions }: ReadBlock): VerifiedBlock {
  return {
    block,
    blockIdBytes: sha256(block.headerBytes),
    transactions: transactions.map((transaction) => {
      const txIdBytes = sha256(transaction.payload);
      return markVerified(transaction, toHex(txIdBytes), txIdBytes);
    }),
  };
}

/** Judges the next block of a chain in memory, without its signatures. */
export function replayBlock(chain: MemoryChain, bytes: Uint8Array): FinalBlock | Refusal {
  const block = readBlock(bytes);
  if ('code' in block) return block;
  const judged = chain.judge.judgeBlock(identify(block));
  if (!('code' in judged)) chain.apply(judged);
  return judged;
}

/** The place that a refusal speaks of, in the block at `height`. */
export function placeOf(height: number, refusal: Refusal): Place {
  if (refusal.code !== 'block_transaction_refused') return { height };
  const { index, txId } = refusal;
  return { height, transaction: index, ...(txId === undefined ? {} : { txId }) };
}

/**
 * Rebuilds the state from block 0 to `toHeight`, without checking signatures.
 * @throws RangeError when the history does not reach `toHeight`
 * @throws what the source throws (`StorageError`, `ExportFileError`)
 */
export async function replay(source: HistorySource, options: ReplayOptions = {}): Promise<Replay> {
  const { toHeight = source.height, onProgress } = options;
  if (!Number.isSafeInteger(toHeight) || toHeight < -1 || toHeight > source.height)
    throw new RangeError(`this history ends at height ${source.height}; there is no height ${toHeight}`);
  const chain = new MemoryChain(source.groupId);
  const pace = new Pace(toHeight, onProgress);
  const broken = (refusal: Refusal): Replay => {
    const at = placeOf(chain.height + 1, refusal);
    return { status: 'broken', at, refusal, ...chain.counts(), seconds: pace.seconds };
  };
  for await (const bytes of source.blocks(0, toHeight + 1)) {
    const judged = replayBlock(chain, bytes);
    if ('code' in judged) return broken(judged);
    const turn = pace.step(chain.height, chain.operations);
    if (turn !== undefined) await turn;
  }
  if (chain.height < toHeight) return broken(refuse('block_malformed', { what: 'the block is missing' }));
  pace.end(chain.height, chain.operations);
  const { state, judge } = chain;
  return { status: 'ok', state, tip: judge.tip, ...chain.counts(), seconds: pace.seconds };
}

/** The state as it was after the block at `height`: `replay` to there. */
export function stateAt(source: HistorySource, height: number): Promise<Replay> {
  return replay(source, { toHeight: height });
}
