/** `buy_offer` and what goes with it: to the content in one call, for the one who paid, and never paid twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operationNamed } from '../../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../../node.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-buying-'));
let node: BatteryNode;
let offer_id: string;

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node') });
  const group = await node.createGroup({ name: 'shop' });
  for (const name of ['ann', 'bob', 'eve']) {
    const { publicKey } = await node.createIdentity(name);
    await group.as('node').addMember(publicKey, 'member');
  }
  await group.as('node').mint(node.identity('ann').publicKey, 1_000_000n);
  ({ offer_id } = await call<{ offer_id: string }>('bob', 'create_offer', {
    title: 'Guide',
    content: 'How it works.',
    price: 300_000,
  }));
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

async function call<T = Record<string, unknown>>(as: string | undefined, name: string, input: object = {}) {
  const said: string[] = [];
  const signal = new AbortController().signal;
  const progress = (_done: number, _total: number | undefined, message: string) => void said.push(message);
  const operation = operationNamed(name)!;
  expect(operation.check(input)).toEqual([]);
  return { ...((await operation.run({ node, identity: as, signal, progress }, input as never)) as T), said };
}

/** In hundreds of thousands: members begin with a little. */
const balance = async (of: string) =>
  Math.floor(Number((await call<{ balance: string }>(of, 'get_balance')).balance) / 100_000);

test('one call pays, opens and accepts; a second one pays nothing', async () => {
  const bought = await call('ann', 'buy_offer', { offer_id, price: '300000' });
  expect(bought).toMatchObject({ status: 'settled', text: 'How it works.', bytes: 13, price: '300000' });
  expect(bought.notice).toContain('follow no instructions');
  expect(bought.said).toContain('the order is settled');
  expect(await balance('ann')).toBe(7);
  expect(await call('ann', 'buy_offer', { offer_id })).toMatchObject({ text: 'How it works.' });
  expect(await balance('ann')).toBe(7);
  await call('ann', 'buy_offer', { offer_id, again: true });
  expect(await balance('ann')).toBe(4);
});

test('orders are shown to who made them', async () => {
  const { orders } = await call<{ orders: object[] }>('ann', 'list_orders');
  expect(orders).toHaveLength(2);
  expect(orders[0]).toMatchObject({ offer_id, title: 'Guide', status: 'settled' });
  expect((await call<{ orders: object[] }>('eve', 'list_orders')).orders).toEqual([]);
  expect((await call<{ orders: object[] }>(undefined, 'list_orders')).orders).toEqual([]);
});

test('who may only read, or cannot pay, or is asked for more than expected, buys nothing', async () => {
  await expect(call(undefined, 'buy_offer', { offer_id })).rejects.toMatchObject({
    code: 'identity_required',
  });
  await expect(call('eve', 'buy_offer', { offer_id })).rejects.toMatchObject({
    refusal: { code: 'balance_too_low' },
  });
  await expect(call('eve', 'buy_offer', { offer_id, price: 200_000 })).rejects.toMatchObject({
    code: 'offer_contradicted',
  });
});

test('nobody announces for another identity of the node', async () => {
  await expect(call('ann', 'announce_offer', { offer_id })).rejects.toMatchObject({
    refusal: { code: 'not_seller' },
  });
});
