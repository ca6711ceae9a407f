/** Blocks, transactions, operations and effects as rows: the history itself, for audits by SQL. */
import { toHex } from '../../events/bytes.ts';
import type { BlockContent } from '../block-content.ts';
import type { Sqlite } from '../sqlite.ts';

/** A record as JSON for machines: snake_case keys, amounts as decimal text, bytes as hex, without the field `but`. */
function toJson(record: object, but: string): string {
  return JSON.stringify(record, (key, value: unknown) => {
    if (key === but) return undefined;
    if (typeof value === 'bigint') return value.toString();
    if (value instanceof Uint8Array) return toHex(value);
    return isPlainObject(value) ? withSnakeCase(value) : value;
  });
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withSnakeCase(record: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

/** Adds a block and what is in it. */
export function projectHistory(sqlite: Sqlite, block: BlockContent): void {
  const { header, blockId, size, transactions, effects } = block;
  const { height } = header;
  sqlite.run(
    'INSERT INTO block VALUES (?, ?, ?, ?, ?, ?)',
    height,
    blockId,
    header.tsMs,
    header.sealer,
    transactions.length,
    size,
  );
  for (const [position, { txId, author, tsMs, replaces, operations }] of transactions.entries()) {
    sqlite.run(
      'INSERT INTO tx VALUES (?, ?, ?, ?, ?, ?, ?)',
      height,
      position,
      txId,
      author,
      tsMs,
      replaces ?? null,
      operations.length,
    );
    for (const [at, operation] of operations.entries()) {
      const fields = toJson(operation, 'type');
      sqlite.run(
        'INSERT INTO operation VALUES (?, ?, ?, ?, ?)',
        height,
        position,
        at,
        operation.type,
        fields,
      );
    }
  }
  for (const [position, { transaction, effect }] of effects.entries()) {
    const fields = toJson(effect, 'kind');
    sqlite.run(
      'INSERT INTO effect VALUES (?, ?, ?, ?, ?)',
      height,
      position,
      transaction,
      effect.kind,
      fields,
    );
  }
}
