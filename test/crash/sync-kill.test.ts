/** A source that is killed at random points while it serves: the follower resumes, and misses and doubles nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { connectToAny, subscribe } from '../../protocol/membership.ts';
import { foundedWorld } from '../support/hostile.ts';
import { closePeers, newDirectory, peer } from '../support/network.ts';
import { founder, person } from '../support/people.ts';
import { seeded } from '../support/seed.ts';
import { until } from '../support/until.ts';

const CHILD = join(import.meta.dirname, 'source-child.ts');
const KILLS = 50;
const BLOCKS = 3_000;

afterEach(closePeers);

it('a sync is resumed 50 times after its source was killed', async () => {
  let state = seeded('sync-kill', 1).seed!;
  const random = (below: number): number => {
    // A linear congruential generator: enough to choose moments.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const target = await peer({ syncIntervalMs: 3_600_000 });
  const world = foundedWorld([target.key]);
  while (world.chain.finals.length < BLOCKS) {
    const name = (at: number): string => `${world.chain.finals.length} ${at} ${'x'.repeat(100)}`;
    world.seal([0, 1].map((at) => world.transaction(founder, [{ type: 'profile_set', name: name(at) }])));
  }
  const data = newDirectory();
  const file = join(dirname(data), 'blocks.json');
  writeFileSync(
    file,
    JSON.stringify(world.chain.blocks.map((block) => Buffer.from(block).toString('base64'))),
  );

  const heights: number[] = [];
  let kills = 0;
  while (
    !target.node.groupIds().includes(world.groupId) ||
    target.node.group(world.groupId).head.height < BLOCKS - 1
  ) {
    // The first read serves block 0 to whoever joins; the last source lives.
    const killAfter = kills < KILLS ? 1 + random(400) : 1_000_000;
    const source = await start(data, file, killAfter);
    const died = new Promise<boolean>((resolve) => source.child.once('exit', () => resolve(true)));
    const hint = { key: person('founder').publicKey, addresses: source.addresses };
    try {
      await connectToAny(target.network, [hint]);
      await Promise.race([subscribe(target.network, world.groupId, hint.key, 20_000), died]);
    } catch (error) {
      // The source may die while it is asked anything.
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    }
    source.child.kill('SIGKILL');
    await died;
    await until('the break is noticed', () => !target.network.host.isConnected(hint.key));
    if (target.node.groupIds().length > 0) {
      const group = target.node.group(world.groupId);
      await until('what came is judged', () => target.network.status().groups[0]?.status !== 'syncing');
      heights.push(group.head.height);
    }
    kills++;
    expect(kills).toBeLessThan(4 * KILLS);
  }
  console.log(`${kills} sources, heights ${heights.slice(0, 60).join(' ')}`);
  expect(heights).toEqual(heights.toSorted((a, b) => a - b));
  expect(target.node.group(world.groupId).head.blockId).toBe(world.chain.judge.tip!.blockId);
  expect(target.network.defence.counters.bans).toBe(0);
}, 280_000);

async function start(
  data: string,
  file: string,
  killAfter: number,
): Promise<{ child: ChildProcess; addresses: string[] }> {
  const child = spawn(process.execPath, [CHILD, data, file, String(killAfter)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (first.done) throw new Error('the source ended before it served');
  return { child, addresses: JSON.parse(first.value) as string[] };
}
