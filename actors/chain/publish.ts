/**
 * Last stage, publish: a block's effects become events, live on the bus and later from the log.
 */
import { sha256 } from '../../crypto/hash.ts';
import type { Block, BlockHeader } from '../../events/block.ts';
import { decodeBlock } from '../../events/block.ts';
import type { LogEvent } from '../../events/bus.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import type { PlacedEffect } from '../../events/effects.ts';
import { decodeTransaction } from '../../events/transaction.ts';
import { decodeEffects } from '../../storage/effects.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { FinalBlock } from './judge.ts';

interface Author {
  readonly txId: Hex32;
  readonly author: Hex32;
}

function* eventsFrom(
  groupId: Hex32,
  header: BlockHeader,
  blockId: Hex32,
  effects: readonly PlacedEffect[],
  authorOf: (transaction: number) => Author,
  fromIndex: number,
): Generator<LogEvent> {
  const { height, tsMs, sealer, txCount } = header;
  for (let index = fromIndex; index < effects.length; index++) {
    const { transaction, effect } = effects[index]!;
    yield { groupId, height, index, tsMs, ...authorOf(transaction), event: effect };
  }
  if (fromIndex > effects.length) return;
  const event = { kind: 'block.sealed' as const, blockId, sealer, transactions: txCount };
  yield { groupId, height, index: effects.length, tsMs, event };
}

/** The events of a block that has just been committed. */
export function eventsOfFinalBlock(groupId: Hex32, final: FinalBlock): Iterable<LogEvent> {
  const { header, blockId, judged } = final;
  const authorOf = (transaction: number): Author => {
    const { txId, author } = judged.accepted[transaction]!;
    return { txId, author };
  };
  return eventsFrom(groupId, header, blockId, judged.effects, authorOf, 0);
}

/**
 * The events of a stored block from `fromIndex` on.
 * @param stored its effects, by those who have read them already
 */
export function eventsOfStoredBlock(
  reader: GroupReader,
  height: number,
  fromIndex = 0,
  stored = reader.effects(height),
): Iterable<LogEvent> {
  const bytes = reader.block(height);
  if (bytes === undefined) return [];
  const block = decodeBlock(bytes);
  const effects = decodeEffects(stored);
  const known: Author[] = [];
  const authorOf = (transaction: number): Author => {
    known[transaction] ??= readAuthor(block, transaction);
    return known[transaction];
  };
  return eventsFrom(reader.groupId, block.header, reader.blockId(height)!, effects, authorOf, fromIndex);
}

function readAuthor(block: Block, transaction: number): Author {
  const { payload, author } = decodeTransaction(block.transactions[transaction]!);
  return { txId: toHex(sha256(payload)), author };
}
