/**
 * Third stage, judge: a block is built from transactions (by its sealer) or checked (by everyone else). Both
 * ways go through the same `BlockJudge`, and end in the same `JudgedBlock` plus the new tip.
 *
 * One `ChainJudge` drives one chain from any height on. It holds no storage and no clock: the live actor, the
 * replay and the audit each give it a base to read from and take away what it wrote.
 */
import type { Block, BlockHeader } from '../../events/block.ts';
import { BLOCK_PREFIX, encodeBlock, encodeHeader } from '../../events/block.ts';
import { type Hex32, toHex, ZERO_ID } from '../../events/bytes.ts';
import {
  BLOCK_BYTES_MAX,
  BLOCK_OVERHEAD_BYTES_MAX,
  BLOCK_WEIGHT_MAX,
  TRANSACTIONS_PER_BLOCK_MAX,
} from '../../events/limits.ts';
import { merkleRoot } from '../../events/merkle.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import type { Transaction, VerifiedTransaction } from '../../events/transaction.ts';
import {
  advance,
  checkHeader,
  checkTransactionRoot,
  nextHeight,
  nextHistoryRoot,
  type Tip,
} from '../../machines/chain.ts';
import type { RuleCrypto } from '../../machines/domain.ts';
import { BlockJudge, type JudgedBlock } from '../../machines/group.ts';
import type { SpentIds } from '../../machines/spent.ts';
import type { StateBase } from '../../machines/state.ts';
import { sealersTable } from '../../machines/tables.ts';

/** A block that every check has passed, with all that must be stored with it. */
export interface FinalBlock {
  readonly header: BlockHeader;
  readonly blockId: Hex32;
  readonly blockIdBytes: Uint8Array;
  readonly bytes: Uint8Array;
  readonly judged: JudgedBlock;
  readonly nodes: readonly { level: number; index: number; hash: Uint8Array }[];
  readonly tip: Tip;
}

/** A block whose seal and whose transactions' signatures hold. */
export interface VerifiedBlock {
  readonly forged?: undefined;
  readonly block: Block;
  readonly blockIdBytes: Uint8Array;
  readonly transactions: readonly VerifiedTransaction[];
}

/**
 * A block with a signature that does not hold: the sealer's (`header`) or a transaction's (its index). It can
 * only be refused, but other reasons may come first, so the judge sees it all the same.
 */
export interface ForgedBlock {
  readonly forged: 'header' | number;
  readonly block: Block;
  readonly blockIdBytes: Uint8Array;
  /** Decoded, with their ids; none of them counts as verified. */
  readonly transactions: readonly (Transaction & { txId: Hex32; txIdBytes: Uint8Array })[];
}

export interface BlockSigner {
  readonly publicKey: Hex32;
  sign(prefix: Uint8Array, payload: Uint8Array): Uint8Array;
}

export class ChainJudge {
  private readonly base: StateBase;
  private readonly crypto: RuleCrypto;
  private readonly blockJudge: BlockJudge;
  private currentTip: Tip | undefined;
  private id: Hex32 | undefined;
  private openBytes = 0;
  private openTsMs = 0;

  /** @param options.groupId the id that block 0 must have; nothing for a group that is about to be founded */
  constructor(options: {
    groupId: Hex32 | undefined;
    tip: Tip | undefined;
    base: StateBase;
    crypto: RuleCrypto;
    spent: SpentIds;
  }) {
    const { base, crypto, spent } = options;
    this.base = base;
    this.crypto = crypto;
    this.blockJudge = new BlockJudge({ base, crypto, spent });
    this.currentTip = options.tip;
    this.id = options.groupId;
  }

  get tip(): Tip | undefined {
    return this.currentTip;
  }

  /** The group that was asked for; the zero id where none was and block 0 is not there yet. */
  get groupId(): Hex32 {
    return this.id ?? ZERO_ID;
  }

  /** Who may seal the next block; nothing before block 0. */
  get sealers(): readonly Hex32[] | undefined {
    return this.base.get(sealersTable, '');
  }

  // Building.

  /**
   * Begins the next block at `clockMs`, or at the last block's time where the clock lies behind it.
   * @param mayGoBack for a block that holds nothing but a correction of the time
   */
  openBlock(clockMs: number, mayGoBack = false): void {
    this.openTsMs = mayGoBack ? clockMs : Math.max(this.currentTip?.tsMs ?? 0, clockMs);
    this.openBytes = BLOCK_OVERHEAD_BYTES_MAX;
    const groupId = this.currentTip === undefined ? ZERO_ID : this.groupId;
    this.blockJudge.open(groupId, nextHeight(this.currentTip), this.openTsMs, this.currentTip?.tsMs ?? 0);
  }

  /**
   * Whether the open block takes another transaction of this many bytes. What was refused counts as work, so that
   * however much of it comes, a turn of the sealer stays short.
   */
  hasRoomFor(byteCount: number): boolean {
    return (
      this.blockJudge.transactionCount < TRANSACTIONS_PER_BLOCK_MAX &&
      this.blockJudge.workDone < BLOCK_WEIGHT_MAX &&
      this.openBytes + byteCount + 5 <= BLOCK_BYTES_MAX
    );
  }

  /**
   * Adds a transaction to the open block unless the rules refuse it. `block_too_heavy` is no verdict on it: it is for
   * the next block.
   */
  add(transaction: VerifiedTransaction): Refusal | undefined {
    const refusal = this.blockJudge.judgeTransaction(transaction);
    if (refusal === undefined) this.openBytes += transaction.bytes.length + 5;
    return refusal;
  }

  /** Seals the open block, or returns nothing when every transaction was refused. */
  sealBlock(signer: BlockSigner): FinalBlock | undefined {
    const judged = this.blockJudge.close();
    if (judged.accepted.length === 0) return undefined;
    const tip = this.currentTip;
    const { sha256 } = this.crypto;
    const header: BlockHeader = {
      groupId: tip === undefined ? ZERO_ID : this.groupId,
      height: nextHeight(tip),
      prev: tip?.blockId ?? ZERO_ID,
      tsMs: this.openTsMs,
      sealer: signer.publicKey,
      txCount: judged.accepted.length,
      txRoot: toHex(
        merkleRoot(
          judged.accepted.map((transaction) => transaction.txIdBytes),
          sha256,
        ),
      ),
      historyRoot: toHex(nextHistoryRoot(tip, sha256)),
      effectsHash: toHex(judged.effectsHash),
    };
    const headerBytes = encodeHeader(header);
    const bytes = encodeBlock(
      headerBytes,
      signer.sign(BLOCK_PREFIX, headerBytes),
      judged.accepted.map((transaction) => transaction.bytes),
    );
    return this.finish(header, sha256(headerBytes), bytes, judged);
  }

  // Checking.

  /** What can be said of a block before any signature: its place, its sealer, its counts and its history. */
  checkPlace({ block: { header }, transactions }: VerifiedBlock | ForgedBlock): Refusal | undefined {
    return checkHeader(header, this.currentTip, this.groupId, this.sealers, transactions, this.crypto.sha256);
  }

  /** Judges a block as the next one. A refusal changes nothing. */
  judgeBlock(candidate: VerifiedBlock | ForgedBlock): FinalBlock | Refusal {
    const { block, transactions, blockIdBytes } = candidate;
    const { header } = block;
    const txIds = transactions.map((transaction) => transaction.txIdBytes);
    const refusal =
      this.checkPlace(candidate) ??
      (candidate.forged === 'header'
        ? refuse('block_signature_invalid', { sealer: header.sealer })
        : undefined) ??
      checkTransactionRoot(header, txIds, this.crypto.sha256) ??
      this.checkFounding(header, toHex(blockIdBytes), transactions[0]!.author);
    if (refusal !== undefined) return refusal;
    this.blockJudge.open(header.groupId, header.height, header.tsMs, this.currentTip?.tsMs ?? 0);
    const refused = this.judgeTransactions(candidate);
    if (refused !== undefined) return refused;
    const judged = this.blockJudge.close();
    const expected = toHex(judged.effectsHash);
    if (expected !== header.effectsHash)
      return refuse('block_effects_mismatch', { expected, actual: header.effectsHash });
    return this.finish(header, blockIdBytes, block.bytes, judged);
  }

  /** Block 0 is sealed by its founder, and its id is the group's. */
  private checkFounding(header: BlockHeader, blockId: Hex32, founder: Hex32): Refusal | undefined {
    if (header.height !== 0) return undefined;
    if (header.sealer !== founder) return refuse('block_wrong_sealer', { sealer: header.sealer });
    return this.id === undefined || this.id === blockId
      ? undefined
      : refuse('block_wrong_group', { expected: this.id, actual: blockId });
  }

  private judgeTransactions(candidate: VerifiedBlock | ForgedBlock): Refusal | undefined {
    const at = (index: number, txId: Hex32, refusal: Refusal) =>
      refuse('block_transaction_refused', { index, txId, refusal });
    if (candidate.forged === 'header') throw new Error('a forged header was refused before');
    const verifiedCount = candidate.forged ?? candidate.transactions.length;
    for (let index = 0; index < verifiedCount; index++) {
      const transaction = candidate.transactions[index] as VerifiedTransaction;
      const refusal = this.blockJudge.judgeTransaction(transaction);
      if (refusal?.code === 'block_too_heavy') return refusal;
      if (refusal !== undefined) return at(index, transaction.txId, refusal);
    }
    if (candidate.forged === undefined) return undefined;
    const { author, txId } = candidate.transactions[candidate.forged]!;
    const precheck = this.blockJudge.precheck(candidate.transactions[candidate.forged]!);
    return at(candidate.forged, txId, precheck ?? refuse('signature_invalid', { author }));
  }

  private finish(
    header: BlockHeader,
    blockIdBytes: Uint8Array,
    bytes: Uint8Array,
    judged: JudgedBlock,
  ): FinalBlock {
    const { tip, nodes } = advance(this.currentTip, header, blockIdBytes, this.crypto.sha256);
    this.currentTip = tip;
    if (header.height === 0) this.id = tip.blockId;
    return { header, blockId: tip.blockId, blockIdBytes, bytes, judged, nodes, tip };
  }
}
