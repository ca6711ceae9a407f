/**
 * A process that is killed at any moment leaves whole commits, and every one that it acknowledged.
 */
import { expect, test } from 'vitest';
import { expectWholeStore, lastAck, scratchDirectory, startChild } from './storage-harness.ts';

const ROUNDS = 10;

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
