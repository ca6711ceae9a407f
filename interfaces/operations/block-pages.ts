/**
 * A block in pieces: it may hold thousands of transactions of hundreds of operations, more than any answer. What is in
 * it is counted through, transaction by transaction, its operations and then its effects, and a cursor names the next.
 */
import { UsageError } from '../../actors/errors.ts';
import type { ReadBlock } from '../../actors/group.ts';
import { toWire } from '../cli/json.ts';
import type { Call } from './operation.ts';
import { Room } from './room.ts';

type Fields = Record<string, unknown>;

/** A transaction as far as it is in an answer. */
interface Piece extends Fields {
  readonly operations: Fields[];
  readonly effects: Fields[];
}

/** One thing in a block, and where it goes. */
interface Item {
  readonly at: number;
  readonly kind: 'transaction' | 'operations' | 'effects';
  readonly value: unknown;
}

/** What an answer can hold of a block's transactions, from a cursor on. @throws UsageError for what is no cursor */
export function contentOf(
  call: Call,
  block: ReadBlock,
  cursor: string | undefined,
): { transactions: Fields[]; next_cursor?: string } {
  const from = cursor === undefined ? 0 : numberIn(cursor);
  const pieces = new Map<number, Piece>();
  const room = new Room(call);
  let number = 0;
  for (const { at, kind, value } of itemsOf(block)) {
    if (number++ < from) continue;
    const taken = room.take(toWire(value) as Fields);
    if (taken === undefined) return { transactions: [...pieces.values()], next_cursor: textOf(number - 1) };
    const piece = pieces.get(at) ?? begun(block, at);
    pieces.set(at, piece);
    if (kind !== 'transaction') piece[kind].push(taken);
  }
  return { transactions: [...pieces.values()] };
}

function begun({ transactions }: ReadBlock, at: number): Piece {
  const { txId, author, tsMs } = transactions[at]!;
  return { ...(toWire({ txId, author, tsMs }) as Fields), operations: [], effects: [] };
}

function* itemsOf({ transactions, effects }: ReadBlock): Generator<Item> {
  const byTransaction = Map.groupBy(effects, ({ transaction }) => transaction);
  for (const [at, { txId, author, tsMs, operations }] of transactions.entries()) {
    yield { at, kind: 'transaction', value: { txId, author, tsMs, operations: [], effects: [] } };
    for (const value of operations) yield { at, kind: 'operations', value };
    for (const { effect } of byTransaction.get(at) ?? []) yield { at, kind: 'effects', value: effect };
  }
}

const PREFIX = 'b1.';

function textOf(number: number): string {
  return `${PREFIX}${number}`;
}

function numberIn(cursor: string): number {
  const [, number] = /^b1\.(\d{1,9})$/.exec(cursor) ?? [];
  if (number === undefined)
    throw new UsageError('that is no cursor of a block; leave it out to begin at its first transaction');
  return Number(number);
}
