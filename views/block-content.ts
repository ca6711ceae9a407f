/** A stored block with everything that a read model wants of it: transactions, operations, effects. */
import { sha256 } from '../crypto/hash.ts';
import { type BlockHeader, decodeBlock } from '../events/block.ts';
import { type Hex32, toHex } from '../events/bytes.ts';
import type { Effect, PlacedEffect } from '../events/effects.ts';
import type { Operation } from '../events/registry.ts';
import { decodeTransaction } from '../events/transaction.ts';
import { decodeEffects } from '../storage/effects.ts';
import type { GroupReader, StoredBlock } from '../storage/port.ts';

interface TransactionContent {
  readonly txId: Hex32;
  readonly author: Hex32;
  readonly tsMs: number;
  readonly replaces: Hex32 | undefined;
  readonly operations: readonly Operation[];
}

export interface BlockContent {
  readonly header: BlockHeader;
  readonly blockId: Hex32;
  /** Bytes. */
  readonly size: number;
  readonly transactions: readonly TransactionContent[];
  readonly effects: readonly PlacedEffect[];
}

/** An effect with where and when it happened; what the projections are fed with. */
export interface Happening {
  readonly height: number;
  /** Among the effects of its block: with the height, the cursor of the event stream. */
  readonly position: number;
  readonly tsMs: number;
  readonly author: Hex32;
  readonly operation: Operation;
  readonly effect: Effect;
}

/** Decodes a block; signatures and rules are the chain's affair and were checked before it was stored. */
export function readBlockContent(reader: GroupReader, { bytes, id, height }: StoredBlock): BlockContent {
  const block = decodeBlock(bytes);
  const transactions = block.transactions.map((one) => {
    const { payload, author, tsMs, replaces, operations } = decodeTransaction(one);
    return { txId: toHex(sha256(payload)), author, tsMs, replaces, operations };
  });
  return {
    header: block.header,
    blockId: id,
    size: bytes.length,
    transactions,
    effects: decodeEffects(reader.effects(height)),
  };
}

/** The effects of a block in their order. */
export function* happeningsOf(block: BlockContent): Generator<Happening> {
  const { height, tsMs } = block.header;
  for (const [position, { transaction, operation, effect }] of block.effects.entries()) {
    const { author, operations } = block.transactions[transaction]!;
    yield { height, position, tsMs, author, operation: operations[operation]!, effect };
  }
}
