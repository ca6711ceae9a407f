/** A submitter that outruns the sealer waits for room; nothing of what it submits is dropped, and order is kept. */
import { expect, test } from 'vitest';
import { Bus } from '../../../actors/bus.ts';
import { GroupChain } from '../../../actors/chain/chain.ts';
import { foundGroup, storeFounding } from '../../../actors/chain/found.ts';
import { systemClock, WatchedClock } from '../../../actors/clock.ts';
import { InlineVerifier } from '../../../crypto/inline-verifier.ts';
import type { Operation } from '../../../events/registry.ts';
import { memoryGroup } from '../../../storage/memory.ts';
import { until } from '../../support/manual-time.ts';
import { genesis } from '../../support/operations.ts';
import { founder } from '../../support/people.ts';

const SUBMISSIONS_MAX = 8;

/** A chain with a short queue over a disk that writes when it is told to. */
async function slowChain() {
  const final = foundGroup(founder, genesis() as Extract<Operation, { type: 'genesis' }>, Date.now());
  if ('code' in final) throw new Error(final.code);
  const store = memoryGroup(final.blockId);
  await storeFounding(store, final);
  const commit = store.commit.bind(store);
  let open = (): void => {};
  let gate = Promise.resolve();
  const shut = (): void => {
    gate = new Promise((resolve) => {
      open = resolve;
    });
  };
  store.commit = async (batch) => {
    // The batch is read at once; only its way to the disk takes long.
    const state = [...(batch.state ?? [])];
    const txs = [...(batch.txs ?? [])];
    await gate;
    await commit({ ...batch, state, txs });
  };
  let signed = 0;
  const signer = {
    publicKey: founder.publicKey,
    sign: (prefix: Uint8Array, payload: Uint8Array) => {
      if (prefix[3] === 't'.charCodeAt(0)) signed++;
      return founder.sign(prefix, payload);
    },
  };
  const chain = new GroupChain(store.groupId, {
    store,
    verifier: new InlineVerifier(),
    clock: new WatchedClock(systemClock),
    bus: new Bus(),
    lingerMs: 2,
    submissionsMax: SUBMISSIONS_MAX,
    signerOf: (key) => (key === founder.publicKey ? founder : undefined),
  });
  const submit = (amount: number) =>
    chain.submit(signer, [{ type: 'mint', to: founder.publicKey, amount: BigInt(amount) }]);
  return { chain, submit, shut, open: () => open(), signed: () => signed };
}

const turns = async (count: number): Promise<void> => {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve));
};

test('more submissions than the queue holds: the rest waits unsigned, then all are sealed, in order', async () => {
  const { chain, submit, shut, open, signed } = await slowChain();
  shut();
  const total = 300;
  let settled = 0;
  const outcomes = Array.from({ length: total }, (_, at) =>
    submit(at + 1).then((outcome) => {
      settled++;
      return outcome;
    }),
  );
  await turns(50);
  expect(settled).toBe(0);
  // Two blocks on their way to disk and a full queue behind them; everybody else is held at the door.
  const atWork = signed();
  expect(atWork).toBeGreaterThanOrEqual(SUBMISSIONS_MAX);
  expect(atWork).toBeLessThanOrEqual(3 * SUBMISSIONS_MAX);
  await turns(50);
  expect(signed()).toBe(atWork);
  open();
  const places = (await Promise.all(outcomes)).map((outcome) => {
    if (outcome.status === 'refused') throw new Error(outcome.refusal.code);
    return outcome.receipt.height * 1_000_000 + outcome.receipt.index;
  });
  expect(places).toHaveLength(total);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  await chain.close();
});

test('whoever waits at the door of a chain that closes hears of it', async () => {
  const { chain, submit, shut, open, signed } = await slowChain();
  shut();
  const outcomes = Array.from({ length: 60 }, (_, at) => submit(at + 1));
  const results = Promise.allSettled(outcomes);
  await until(() => signed() >= SUBMISSIONS_MAX);
  const closing = chain.close();
  open();
  await closing;
  const statuses = (await results).map((one) =>
    one.status === 'fulfilled' ? one.value.status : (one.reason as { code: string }).code,
  );
  expect(new Set(statuses)).toEqual(new Set(['sealed', 'group_closed']));
  expect(statuses.indexOf('group_closed')).toBeGreaterThanOrEqual(SUBMISSIONS_MAX);
});
