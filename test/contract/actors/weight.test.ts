/** A sealer on a running node that is handed more work than a block may hold: it cuts by weight, and loses nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Agent } from '../../../actors/agent.ts';
import { BLOCK_WEIGHT_MAX, ITEM_WEIGHT, OPERATIONS_PER_TRANSACTION_MAX } from '../../../events/limits.ts';
import type { Operation } from '../../../events/registry.ts';
import { BatteryNode } from '../../../node.ts';

/** Each an operation and an effect, which is as heavy as few bytes can be. */
const OPERATIONS: readonly Operation[] = Array.from({ length: OPERATIONS_PER_TRANSACTION_MAX }, (_, at) => ({
  type: 'presence',
  status: at % 2 === 0 ? 'busy' : 'idle',
  metadata: undefined,
}));
const WEIGHT_AT_LEAST = 2 * ITEM_WEIGHT * OPERATIONS.length;
const PER_BLOCK_MAX = Math.floor(BLOCK_WEIGHT_MAX / WEIGHT_AT_LEAST);

test('two callers who together bring more than a block may weigh both get all their receipts', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lb-weight-'));
  const node = await BatteryNode.openOrInit({ data: join(dir, 'node'), durability: 'commit', threads: 1 });
  try {
    const group = await node.createGroup({ name: 'heavy' });
    const founder = group.as('node');
    const { publicKey } = await node.createIdentity('other');
    await founder.addMember(publicKey, 'member');
    const before = group.head.height;
    // Together almost three blocks, and each caller alone more than one.
    const each = Math.ceil(1.3 * PER_BLOCK_MAX);
    const all = (agent: Agent) => Array.from({ length: each }, () => agent.submit(OPERATIONS));
    const outcomes = await Promise.all([...all(founder), ...all(group.as('other'))]);
    expect(outcomes.filter((outcome) => outcome.status !== 'sealed')).toEqual([]);
    const receipts = outcomes.flatMap((outcome) => (outcome.status === 'sealed' ? [outcome.receipt] : []));
    const perBlock = Map.groupBy(receipts, ({ height }) => height);
    // No block holds more than it may weigh; at least one was cut for its weight, far below its bounds of bytes.
    const counts = [...perBlock.values()].map(({ length }) => length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(PER_BLOCK_MAX);
    expect(Math.max(...counts)).toBeGreaterThan(0.9 * PER_BLOCK_MAX);
    expect(perBlock.size).toBeGreaterThanOrEqual(3);
    // Every receipt is of a transaction of its own, and the log has these and no others.
    const stored = new Set<string>();
    for (let height = before + 1; height <= group.head.height; height++)
      for (const { txId } of group.block(height).transactions) stored.add(txId);
    expect(stored).toEqual(new Set(receipts.map(({ txId }) => txId)));
    expect(stored.size).toBe(2 * each);
    expect((await group.audit()).status).toBe('sound');
  } finally {
    await node.close();
    rmSync(dir, { recursive: true, force: true });
  }
}, 120_000);
