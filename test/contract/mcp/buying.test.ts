/** `purchase_offer`, `buy_offer` and what goes with them: to the content in one call, for the one who paid, and never paid twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readResource } from '../../../interfaces/mcp/resources.ts';
import { PIECE_BYTES_MAX } from '../../../interfaces/operations/delivery.ts';
import type { Scope } from '../../../interfaces/operations/operation.ts';
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
  expect(operation.take(input)).toEqual({ input });
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

test('the default tool runs the whole purchase, and a second call reads it again', async () => {
  const { offer_id } = await call<{ offer_id: string }>('bob', 'create_offer', {
    title: 'Map',
    content: 'Where it is.',
    price: 100_000,
  });
  const bought = await call('ann', 'purchase_offer', { offer_id });
  expect(bought).toMatchObject({ status: 'settled', text: 'Where it is.', bytes: 12, price: '100000' });
  const { tx_id, height, purchase_id } = bought;
  expect(await call('ann', 'get_transaction', { tx_id })).toMatchObject({ height });
  expect(bought.said).toContain('the order is settled');
  expect(await balance('ann')).toBe(3);
  expect(await call('ann', 'purchase_offer', { offer_id })).toMatchObject({ text: 'Where it is.', tx_id });
  expect(await balance('ann')).toBe(3);
  expect(await call('ann', 'open_purchase', { purchase_id })).toMatchObject({ text: 'Where it is.' });
});

test('a caller that leaves while the seller has not granted ends the waiting, and the purchase goes on', async () => {
  const { offer_id } = await call<{ offer_id: string }>('bob', 'create_offer_by_hand', {
    title: 'Slow',
    content: 'Late.',
    price: 100_000,
  });
  const leaving = new AbortController();
  const steps: string[] = [];
  const progress = (_done: number, _total: number | undefined, message: string) => {
    steps.push(message);
    if (message === 'the order is escrowed') leaving.abort();
  };
  const context = { node, identity: 'ann', signal: leaving.signal, progress };
  const buying = operationNamed('purchase_offer')!.run(context, { offer_id } as never);
  await expect(buying).rejects.toMatchObject({ code: 'cancelled' });
  expect(steps).toEqual(['the order is escrowed']);
  const waiting = await call('ann', 'buy_offer', { offer_id, wait_seconds: 0 });
  expect(waiting).toMatchObject({ status: 'escrowed', next: expect.stringContaining('never pays twice') });
  await call('bob', 'grant_purchase', { purchase_id: waiting.purchase_id });
  expect(await call('ann', 'purchase_offer', { offer_id })).toMatchObject({
    status: 'settled',
    text: 'Late.',
  });
  expect(await balance('ann')).toBe(2);
});

test('what is too large for one answer comes in pieces, each of whole characters, and nothing is lost', async () => {
  const content = `${'a'.repeat(PIECE_BYTES_MAX - 1)}${'ü€😀'.repeat(200_000)}`;
  const made = { title: 'Large', content, price: 1 };
  const { offer_id } = await call<{ offer_id: string }>('bob', 'create_offer', made);
  const first = await call<Piece>('ann', 'purchase_offer', { offer_id });
  expect(first.bytes).toBe(Buffer.byteLength(content));
  expect(first.more).toContain(`the same call with offset ${first.next_offset}`);
  const { purchase_id } = first;
  for (const read of [
    (offset: number) => call<Piece>('ann', 'open_purchase', { purchase_id, offset }),
    (offset: number) => call<Piece>('ann', 'purchase_offer', { offer_id, offset }),
    (offset: number) => call<Piece>('ann', 'buy_offer', { offer_id, offset }),
    (offset: number) => resource(`${purchase_id}?offset=${offset}`, 'ann'),
  ]) {
    let said = first.text!;
    for (let piece: Piece = first; piece.next_offset !== undefined; said += piece.text!) {
      expect(Buffer.byteLength(piece.text!)).toBeLessThanOrEqual(PIECE_BYTES_MAX);
      piece = await read(piece.next_offset);
    }
    expect(said === content, 'the pieces are the content').toBe(true);
  }
  const behind = call('ann', 'open_purchase', { purchase_id, offset: first.bytes + 1 });
  await expect(behind).rejects.toThrow(/offset/);
  await expect(resource(String(purchase_id), 'eve')).rejects.toThrow(/not found/i);
  await expect(resource(String(purchase_id), undefined)).rejects.toThrow(/not found/i);
});

interface Piece {
  readonly purchase_id?: string;
  readonly bytes: number;
  readonly text?: string;
  readonly next_offset?: number;
  readonly more?: string;
}

/** A purchase, as a client of MCP reads it as a resource. */
async function resource(purchase: string, identity: string | undefined): Promise<Piece> {
  const scopes = new Set<Scope>(identity === undefined ? ['read'] : ['read', 'write']);
  const toolsets = new Set(['default'] as const);
  const report = (error: unknown) => expect(error).toBe(0);
  const session = { node, identity, scopes, toolsets, answerTokens: 1_000_000, report };
  const uri = `lb://groups/shop/purchases/${purchase}`;
  const { contents } = await readResource(session, uri, new AbortController().signal);
  return JSON.parse((contents[0] as { text: string }).text) as Piece;
}

test('orders are shown to who made them', async () => {
  const { orders } = await call<{ orders: object[] }>('ann', 'list_orders');
  expect(orders).toHaveLength(5);
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
