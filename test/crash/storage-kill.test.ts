/**
 * A process that is killed at any moment leaves whole commits, and every one that it acknowledged.
 */
import { expect, test } from 'vitest';
import { memoryGroup } from '../../storage/memory.ts';
import type { CommitBatch } from '../../storage/port.ts';
import { expectWhole, expectWholeStore, lastAck, scratchDirectory, startChild } from './storage-harness.ts';
import { commitAt, GROUP } from './storage-history.ts';

const ROUNDS = 8;

test('kill -9 in the middle of commits: what is there is whole, what was acknowledged is there', async () => {
  const dir = scratchDirectory();
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}`);
  let head = -1;
  for (let round = 0; round < ROUNDS; round++) {
    const child = startChild({ dir, commits: 1_000_000, inFlight: 1 + (round % 3) * 4 });
    // Killed at an acknowledgement, so in the middle of the commits that are already on their way.
    const until = head + 1 + ((seed >> round) % 17);
    await child.said((line) => line === `ack ${until}`);
    child.process.kill('SIGKILL');
    await child.ended;
    head = await expectWholeStore(dir);
    expect(head).toBeGreaterThanOrEqual(lastAck(child));
  }
});

test.each(['blocks', 'state', 'txs', 'nodes', 'artifacts'] as const)(
  'canary: a commit torn at its %s is seen',
  async (part) => {
    const group = memoryGroup(GROUP);
    for (let height = 0; height < 3; height++) await group.commit(commitAt(height));
    expect(expectWhole(group)).toBe(2);
    // Without its block a commit cannot come after the head, so there the torn one has no head either.
    const without: readonly (keyof CommitBatch)[] = part === 'blocks' ? ['blocks', 'head'] : [part];
    const kept = Object.entries(commitAt(3)).filter(([name]) => !without.includes(name as keyof CommitBatch));
    await group.commit(Object.fromEntries(kept));
    expect(() => expectWhole(group)).toThrow();
  },
);
