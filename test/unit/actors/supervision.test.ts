/** Groups that fail: alone, with a reason, tried again with longer and longer waits, and whole when they are back. */
import { expect, test } from 'vitest';
import { Bus } from '../../../actors/bus.ts';
import { GroupChain } from '../../../actors/chain/chain.ts';
import { foundGroup, storeFounding } from '../../../actors/chain/found.ts';
import { WatchedClock } from '../../../actors/clock.ts';
import { RESTART_MS_MAX, RESTART_MS_MIN } from '../../../actors/node/node.machine.ts';
import { Supervisor } from '../../../actors/node/supervisor.ts';
import { InlineVerifier } from '../../../crypto/inline-verifier.ts';
import type { MomentEvent } from '../../../events/bus.ts';
import type { Operation } from '../../../events/registry.ts';
import { openDirectory } from '../../../storage/directory.ts';
import { openEnvironment } from '../../../storage/environment.ts';
import { StorageError } from '../../../storage/errors.ts';
import { groupKey } from '../../../storage/keys.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import { ManualTime, until } from '../../support/manual-time.ts';
import { openTestNode } from '../../support/node.ts';
import { genesis } from '../../support/operations.ts';
import { founder } from '../../support/people.ts';
import { sealedTables } from '../../support/sealed-tables.ts';

/** Supervised chains over memory, whose commits and loads fail on demand. */
async function supervised(time = new ManualTime()) {
  const clock = new WatchedClock(time);
  const supervisor = new Supervisor({ clock, timers: time });
  const bus = new Bus();
  const moments: MomentEvent[] = [];
  bus.moment$.subscribe((event) => moments.push(event));
  supervisor.opened();
  const open = async (name: string) => {
    const operation = { ...genesis(), name } as Extract<Operation, { type: 'genesis' }>;
    const final = foundGroup(founder, operation, time.nowMs());
    if ('code' in final) throw new Error(final.code);
    const store = memoryGroup(final.blockId);
    await storeFounding(store, final);
    const faults: { commit?: Error | undefined; load?: Error | undefined } = {};
    const commit = store.commit.bind(store);
    store.commit = (batch) => (faults.commit === undefined ? commit(batch) : Promise.reject(faults.commit));
    const head = store.head.bind(store);
    store.head = () => {
      if (faults.load !== undefined) throw faults.load;
      return head();
    };
    const { groupId } = store;
    const chain: GroupChain = new GroupChain(groupId, {
      store,
      verifier: new InlineVerifier(),
      clock,
      bus,
      lingerMs: 2,
      signerOf: (key) => (key === founder.publicKey ? founder : undefined),
      halted: (error) =>
        supervisor.failed('chain', groupId, error, () => void chain.reload().catch(() => {})),
      reloaded: () => supervisor.loaded('chain', groupId),
      committed: () => supervisor.sound('chain', groupId),
    });
    const submit = () => chain.submit(founder, [{ type: 'mint', to: founder.publicKey, amount: 1n }]);
    return { chain, faults, submit };
  };
  return { time, supervisor, moments, open };
}

/** Lets the wait pass and the reload, which takes a few turns, come to its end. */
async function retried(time: ManualTime, chain: GroupChain, waitMs: number): Promise<void> {
  time.advance(waitMs - 1);
  expect(chain.status).toBe('halted');
  let isOver = false;
  const before = chain.status;
  time.advance(1);
  for (let turns = 0; turns < 20 && !isOver; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    isOver = chain.status !== before;
  }
}

test('a group whose commit fails halts alone, and comes back by itself when the disk does', async () => {
  const { time, open, moments } = await supervised();
  const [broken, whole] = [await open('broken'), await open('whole')];
  broken.faults.commit = new StorageError('disk_full', 'the disk is full');
  await expect(broken.submit()).rejects.toMatchObject({ code: 'disk_full' });
  expect(broken.chain).toMatchObject({ status: 'halted', haltReason: 'the disk is full' });
  const retryAtMs = time.nowMs() + RESTART_MS_MIN;
  expect(broken.chain.retryAtMs).toBe(retryAtMs);
  await expect(broken.submit()).rejects.toMatchObject({
    code: 'group_halted',
    retryAtMs,
    message: expect.stringContaining(
      `the disk is full; it is tried again at ${new Date(retryAtMs).toISOString()}`,
    ),
  });
  expect((await whole.submit()).status).toBe('sealed');

  broken.faults.commit = undefined;
  await retried(time, broken.chain, RESTART_MS_MIN);
  expect(broken.chain).toMatchObject({ status: 'sealing', retryAtMs: undefined });
  expect((await broken.submit()).status).toBe('sealed');
  expect(moments.map(({ kind }) => kind)).toEqual(['group.halted', 'group.restarted']);
});

test('one that loads and fails at its first commit is tried less and less often, but never given up', async () => {
  const { time, open, supervisor } = await supervised();
  const { chain, faults, submit } = await open('full');
  faults.commit = new StorageError('disk_full', 'the disk is full');
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 12; attempt++) {
    await expect(submit()).rejects.toMatchObject({ code: 'disk_full' });
    const waitMs = chain.retryAtMs! - time.nowMs();
    waits.push(waitMs);
    await retried(time, chain, waitMs);
    expect(chain.status).toBe('sealing');
  }
  expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((factor) => factor * RESTART_MS_MIN));
  expect(waits.at(-1)).toBe(RESTART_MS_MAX);
  faults.commit = undefined;
  await submit();
  expect(supervisor.failureOf('chain', chain.groupId)).toBeUndefined();
});

test('damaged storage is not tried again by itself, and says what to do', async () => {
  const { time, open } = await supervised();
  const { chain, faults, submit } = await open('damaged');
  faults.commit = new Error('lost');
  await expect(submit()).rejects.toThrow('lost');
  let loads = 0;
  const damage = new StorageError('corrupt', 'a head record cannot be read');
  Object.defineProperty(faults, 'load', {
    get: () => {
      loads++;
      return damage;
    },
  });
  await retried(time, chain, RESTART_MS_MIN);
  await until(() => loads > 0);
  expect(chain.retryAtMs).toBeUndefined();
  const after = loads;
  for (let hours = 0; hours < 48; hours++) {
    time.advance(3_600_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(loads).toBe(after);
  await expect(submit()).rejects.toMatchObject({
    code: 'group_halted',
    retryAtMs: undefined,
    message: expect.stringContaining('a head record cannot be read'),
  });
});

test('a damaged group is halted with its reason, and the others of the node go on', async () => {
  const at = await openTestNode();
  const [damaged, whole] = [
    await at.node.createGroup({ name: 'damaged' }),
    await at.node.createGroup({ name: 'whole' }),
  ];
  await at.node.close();
  const dir = openDirectory(at.data).chain;
  const environment = openEnvironment({ dir, mapSize: 64 * 1024 ** 3, durability: 'commit' });
  sealedTables(environment).heads.putSync(groupKey(1).slice(), Uint8Array.of(0xc1));
  await environment.root.close();
  await at.restart();

  expect(at.node.groupIds()).toHaveLength(2);
  const standings = at.node.groups().map((group) => group.standing());
  expect(standings.find(({ groupId }) => groupId === damaged.groupId)).toMatchObject({
    name: 'damaged',
    status: 'halted',
    haltReason: expect.stringContaining('lb repair'),
    retryAtMs: undefined,
  });
  const agent = at.node.group('damaged').as('node');
  await expect(agent.setProfile('x')).rejects.toMatchObject({ code: 'group_halted' });
  expect((await at.node.group(whole.groupId).as('node').setProfile('x')).height).toBe(1);
  expect(at.moments.filter(({ kind }) => kind === 'group.halted')).toHaveLength(1);
});

test('a node goes from running through draining to stopped, and leaves no timer', async () => {
  const at = await openTestNode();
  await at.node.createGroup({ name: 'g' });
  expect(at.node.status).toBe('running');
  const closing = at.node.close();
  expect(at.node.status).toBe('draining');
  await closing;
  expect(at.node.status).toBe('stopped');
  expect(at.time.timers).toBe(0);
});
