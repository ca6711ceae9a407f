/** The chain actor when what it stands on fails: every caller hears, nothing hangs, and what is stored is whole. */
import { expect, test } from 'vitest';
import { Bus } from '../../actors/bus.ts';
import { GroupChain } from '../../actors/chain/chain.ts';
import { foundGroup, storeFounding } from '../../actors/chain/found.ts';
import type { BlockSigner } from '../../actors/chain/judge.ts';
import { systemClock, WatchedClock } from '../../actors/clock.ts';
import { InlineVerifier } from '../../crypto/inline-verifier.ts';
import type { Operation } from '../../events/registry.ts';
import { memoryGroup } from '../../storage/memory.ts';
import type { GroupStore } from '../../storage/port.ts';
import { genesis } from '../support/operations.ts';
import { founder } from '../support/people.ts';

interface Faults {
  commit?: Error | undefined;
  sign?: Error | undefined;
}

/** A founded chain over memory whose commits and signatures fail on demand. */
async function chainWith(faults: Faults, from?: { groupId: string; blocks: Uint8Array[] }) {
  const final = foundGroup(founder, genesis() as Extract<Operation, { type: 'genesis' }>, Date.now());
  if ('code' in final) throw new Error(final.code);
  const memory = memoryGroup(from?.groupId ?? final.blockId);
  if (from === undefined) await storeFounding(memory, final);
  const commit = memory.commit.bind(memory);
  memory.commit = (batch) => (faults.commit === undefined ? commit(batch) : Promise.reject(faults.commit));
  const store: GroupStore = memory;
  const signer: BlockSigner = {
    publicKey: founder.publicKey,
    sign: (prefix, payload) => {
      if (faults.sign !== undefined) throw faults.sign;
      return founder.sign(prefix, payload);
    },
  };
  const chain = new GroupChain(store.groupId, {
    store,
    verifier: new InlineVerifier(),
    clock: new WatchedClock(systemClock),
    bus: new Bus(),
    lingerMs: 2,
    signerOf: (key) => (key === founder.publicKey ? signer : undefined),
  });
  const submit = () => chain.submit(founder, [{ type: 'mint', to: founder.publicKey, amount: 1n }]);
  return { chain, store, submit };
}

const blocksOf = (store: GroupStore): Uint8Array[] => [...store.blocks(0)].map(({ bytes }) => bytes);

test('a commit that fails halts the chain, and a reload goes on from what is stored', async () => {
  const faults: Faults = {};
  const { chain, submit } = await chainWith(faults);
  await submit();
  faults.commit = new Error('no space');
  const answers = await Promise.allSettled(Array.from({ length: 40 }, submit));
  expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
  expect([chain.status, chain.haltReason]).toEqual(['halted', 'no space']);
  await expect(submit()).rejects.toMatchObject({ code: 'group_halted' });
  faults.commit = undefined;
  await chain.reload();
  expect((await submit()).status).toBe('sealed');
  expect(chain.head.height).toBe(2);
  await chain.close();
});

test('a key that fails to sign a block leaves nobody without an answer', async () => {
  const faults: Faults = {};
  const { chain, submit } = await chainWith(faults);
  faults.sign = new Error('the key is away');
  const answers = await Promise.allSettled(Array.from({ length: 20 }, submit));
  expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
  expect(chain.status).toBe('halted');
  await chain.close();
});

test('a source that fails is not the end of the chain: what it gave is stored', async () => {
  const { store, submit } = await chainWith({});
  for (let at = 0; at < 5; at++) await submit();
  const blocks = blocksOf(store);
  const { chain } = await chainWith({}, { groupId: store.groupId, blocks });
  const hangUp = new Error('the peer hung up');
  const failing = (function* () {
    yield* blocks.slice(0, 3);
    throw hangUp;
  })();
  await expect(chain.follow(failing)).rejects.toBe(hangUp);
  expect(chain.head.height).toBe(2);
  expect(await chain.follow(blocks.slice(3))).toBeUndefined();
  expect(chain.head.height).toBe(5);
  await chain.close();
});

test('a source that fails while its blocks are lost halts the chain: the disk counts for more', async () => {
  const { store, submit } = await chainWith({});
  for (let at = 0; at < 3; at++) await submit();
  const blocks = blocksOf(store);
  const faults: Faults = {};
  const { chain } = await chainWith(faults, { groupId: store.groupId, blocks });
  expect(await chain.follow(blocks.slice(0, 1))).toBeUndefined();
  faults.commit = new Error('no space');
  const failing = (function* () {
    yield* blocks.slice(1);
    throw new Error('the peer hung up');
  })();
  await expect(chain.follow(failing)).rejects.toThrow('no space');
  expect([chain.status, chain.haltReason]).toEqual(['halted', 'no space']);
  faults.commit = undefined;
  await chain.reload();
  expect(await chain.follow(blocks.slice(1))).toBeUndefined();
  expect(chain.head.height).toBe(3);
  await chain.close();
});

test('two sources at once are taken one after the other', async () => {
  const { store, submit } = await chainWith({});
  for (let at = 0; at < 5; at++) await submit();
  const blocks = blocksOf(store);
  const { chain } = await chainWith({}, { groupId: store.groupId, blocks });
  const [first, second] = await Promise.all([chain.follow(blocks), chain.follow(blocks)]);
  expect([first, second?.code]).toEqual([undefined, 'block_height_gap']);
  expect(chain.head.height).toBe(5);
  await chain.close();
});
