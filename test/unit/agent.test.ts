/** What an agent says no to before anything is signed, because the rules would not, or would not say it as well. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { RefusedError, UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import { utf8 } from '../../events/bytes.ts';
import { BatteryNode } from '../../node.ts';

let node: BatteryNode;
let group: Group;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lb-agent-'));
  node = await BatteryNode.openOrInit({ data: join(folder, 'node') });
  const opened = node;
  onTestFinished(async () => {
    await opened.close();
    rmSync(folder, { recursive: true, force: true });
  });
  group = await node.createGroup({ name: 'agents' });
});

/** A purchase of Bob from the node's own identity; Carol stands by. */
async function bought() {
  for (const name of ['bob', 'carol'])
    await group.as('node').addMember((await node.createIdentity(name)).publicKey, 'member');
  const seller = group.as('node');
  const { offer } = await seller.createOffer({
    title: 'a guide',
    content: utf8('read me'),
    price: 10n,
    grants: 'by_hand',
  });
  const { purchase } = await group.as('bob').purchase(offer);
  return { seller, buyer: group.as('bob'), bystander: group.as('carol'), purchase };
}

function refusalOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    if (error instanceof RefusedError) return error.refusal;
    throw error;
  }
  throw new Error('this should have been refused');
}

test.each(['', '  \n', '\u200b'])('a claim of %j earns nothing: it is never signed', async (text) => {
  const agent = group.as('node');
  const before = group.now.balance(agent.publicKey);
  expect(() => agent.prepareClaim({ text })).toThrow(UsageError);
  await expect(agent.publishClaim({ text })).rejects.toMatchObject({ code: 'usage' });
  expect(group.now.balance(agent.publicKey)).toBe(before);
  expect(group.head.height).toBe(0);
});

test('what was not granted yet cannot be opened, and that is a matter of its state', async () => {
  const { seller, buyer, purchase } = await bought();
  expect(refusalOf(() => buyer.openPurchase(purchase))).toEqual({
    code: 'purchase_state',
    purchase,
    status: 'escrowed',
    event: 'open',
  });
  await seller.grant(purchase);
  expect(buyer.openPurchase(purchase)).toMatchObject({ status: 'opened' });
});

test('only the seller grants, and only the buyer opens and disputes', async () => {
  const { seller, buyer, bystander, purchase } = await bought();
  const notSeller = { refusal: { code: 'not_seller', seller: seller.publicKey } };
  await expect(buyer.grant(purchase)).rejects.toMatchObject(notSeller);
  await expect(bystander.grant(purchase)).rejects.toMatchObject(notSeller);
  await seller.grant(purchase);
  const notBuyer = { code: 'not_buyer', buyer: buyer.publicKey };
  for (const other of [seller, bystander]) {
    expect(refusalOf(() => other.openPurchase(purchase))).toEqual(notBuyer);
    await expect(other.disputePurchase(purchase)).rejects.toMatchObject({ refusal: notBuyer });
  }
});
