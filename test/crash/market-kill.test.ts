/**
 * Sales between two processes of which each is killed at each step: every one ends settled, paid once, with the content
 * in the buyer's hands. `LB_MATRIX=full` runs all combinations of steps (some minutes); else each step of each side
 * comes once, with another one of the other side.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PeerHint } from '../../actors/invites.ts';
import { type Hex32, utf8 } from '../../events/bytes.ts';
import { BatteryNode } from '../../node.ts';
import { closePeers, joinGroup, newDirectory, peer } from '../support/network.ts';

const CHILD = join(import.meta.dirname, 'market-child.ts');
const PRICE = 10n;
const MONEY = 1_000n;
/** What gets to the seller's disk in a sale: the purchase, the grant, the end. */
const SELLER_STEPS = [1, 2, 3].flatMap((commit) => [`before ${commit}`, `after ${commit}`]);
const BUYER_STEPS = ['requested', 'escrowed', 'granted', 'verified', 'settled'].flatMap((state) => [
  `before ${state}`,
  `after ${state}`,
]);

let port: number;
let groupId: Hex32;
const seller = { data: newDirectory(), key: '' };
const buyers = { member: { data: newDirectory(), key: '' }, stranger: { data: newDirectory(), key: '' } };
const offers: Hex32[] = [];
const used: Hex32[] = [];
let selling: Running | undefined;

interface Running {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly exited: Promise<unknown>;
}

function start(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  return {
    child,
    lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator](),
    exited: once(child, 'exit'),
  };
}

/** The next line that the child prints; nothing where it died first. */
async function line({ lines }: Running): Promise<string | undefined> {
  const next = await lines.next();
  return next.done ? undefined : next.value;
}

async function startSeller(): Promise<Running> {
  const running = start(seller.data, 'seller', String(port));
  expect(await line(running)).toContain(String(port));
  return running;
}

/** Tells a seller where to die; one that has died at the end of the sale before is started again. */
async function armedSeller(step: string): Promise<Running> {
  for (;;) {
    const running = selling ?? (await startSeller());
    running.child.stdin!.on('error', () => {});
    running.child.stdin!.write(`${step}\n`);
    if ((await line(running)) === 'armed') return running;
    await running.exited;
    selling = undefined;
  }
}

beforeAll(async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  port = (probe.address() as { port: number }).port;
  await new Promise((resolve) => probe.close(resolve));
  const a = await peer({ data: seller.data, listen: { host: '127.0.0.1', port } });
  const group = await a.node.createGroup({ name: 'killed', policy: { faucet_amount: 0n } });
  groupId = group.groupId;
  const [member, stranger] = [
    await peer({ data: buyers.member.data }),
    await peer({ data: buyers.stranger.data }),
  ];
  seller.key = a.key;
  buyers.member.key = member.key;
  buyers.stranger.key = stranger.key;
  await joinGroup(a, member, groupId);
  for (const { key } of [member, stranger]) await group.as('node').mint(key, MONEY);
  const all = SELLER_STEPS.length * BUYER_STEPS.length + BUYER_STEPS.length;
  for (let at = 0; at < all; at++) {
    const content = utf8(`content ${at}`);
    offers.push((await group.as('node').createOffer({ title: `offer ${at}`, content, price: PRICE })).offer);
  }
  await closePeers({ isKeepingData: true });
}, 120_000);

afterAll(async () => {
  selling?.child.kill('SIGKILL');
  await selling?.exited;
  await closePeers();
});

/** One sale in which both are killed once, if the sale comes to their step, and started again. */
async function sale(who: keyof typeof buyers, sellerStep: string, buyerStep: string): Promise<void> {
  const at = used.length;
  const offer = offers[at]!;
  used.push(offer);
  selling = await armedSeller(sellerStep);
  const peers: PeerHint[] = [{ key: seller.key, addresses: [`/ip4/127.0.0.1/tcp/${port}`] }];
  const request = JSON.stringify({ as: 'node', groupId, offer, peers });
  let buying = start(buyers[who].data, 'buyer', buyerStep, request);
  let said = line(buying);
  for (let restarts = 0; ; restarts++) {
    expect(restarts, 'more deaths than steps').toBeLessThan(8);
    const dead = await Promise.race([
      said.then((answer) => (answer === undefined ? 'buyer' : 'nobody')),
      selling.exited.then(() => 'seller'),
    ]);
    if (dead === 'nobody') break;
    if (dead === 'seller') selling = await startSeller();
    else {
      await buying.exited;
      buying = start(buyers[who].data, 'buyer', 'never', request);
      said = line(buying);
    }
  }
  expect(JSON.parse((await said)!)).toEqual({ state: 'settled', content: `content ${at}` });
  await buying.exited;
}

/** Every night all pairs; else a member dies after every other step, and a stranger after those between. */
const isFull = process.env.LB_MATRIX === 'full';
const PAIRS = isFull
  ? SELLER_STEPS.flatMap((step) => BUYER_STEPS.map((buyerStep) => [step, buyerStep] as const))
  : BUYER_STEPS.map((step, at) => [SELLER_STEPS[at % SELLER_STEPS.length]!, step] as const).filter(
      (_, at) => at % 2 === 0,
    );

it.each(PAIRS)(
  'the seller dies %s commits of the sale, the buyer, a member, %s is on the buyer’s disk',
  async (...steps) => {
    await sale('member', ...steps);
  },
  120_000,
);

it.each(isFull ? BUYER_STEPS : BUYER_STEPS.filter((_, at) => at % 2 === 1))(
  'a stranger dies %s is on their disk, and the seller after the purchase',
  async (buyerStep) => {
    await sale('stranger', 'after 1', buyerStep);
  },
  120_000,
);

it('in the end everybody has paid once for each, and the history is sound', async () => {
  selling?.child.kill('SIGKILL');
  await selling?.exited;
  selling = undefined;
  await using node = await BatteryNode.open({ data: seller.data, threads: 1 });
  const group = node.group(groupId);
  const purchases = group.now.purchases();
  expect(purchases.map(({ offer }) => offer).sort()).toEqual([...used].sort());
  expect(new Set(purchases.map(({ status }) => status))).toEqual(new Set(['settled']));
  for (const { key } of Object.values(buyers)) {
    const bought = purchases.filter(({ buyer }) => buyer === key).length;
    expect(bought).toBeGreaterThan(0);
    expect(group.now.balance(key)).toBe(MONEY - PRICE * BigInt(bought));
  }
  expect(group.now.money().escrows.size).toBe(0);
  expect((await group.audit()).status).toBe('sound');
}, 60_000);
