/** A sale as people type it: two data directories, two processes, and a buyer who is no member of anything. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startNode, stopNode, type UpNode } from '../support/owner.ts';
import { lb, lbJson } from './spawn-lb.ts';

const directory = mkdtempSync(join(tmpdir(), 'lb-cli-market-'));
const running: UpNode[] = [];

afterEach(async () => {
  for (const node of running.splice(0)) await stopNode(node);
  rmSync(directory, { recursive: true, force: true });
});

it('A offers and announces; B, a stranger with a balance, pulls, buys, and reads the purchase', async () => {
  const a = { data: join(directory, 'a') };
  const b = { data: join(directory, 'b') };
  for (const one of [a, b]) await lbJson(['init'], one);
  const { identity } = await lbJson<{ identity: { public_key: string } }>(['identity', 'show', 'node'], b);
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'domain:market'], a);
  await lbJson(['mint', '--to', identity.public_key, '--amount', '300'], a);
  const file = join(directory, 'guide.bin');
  writeFileSync(file, Buffer.alloc(5_000_000, 'Validate all inputs. '));
  const node = await startNode(a.data);
  running.push(node);
  const address = node.addresses[0]!;
  const terms = ['--title', 'Security Guide', '--file', file, '--price', '250'];
  const { offer } = await lbJson<{ offer: string }>(['create-offer', ...terms, '--announce'], a);

  const unknown = await lb(['buy-offer', offer, '--json'], b);
  expect(unknown.exitCode).toBe(3);
  expect(await lbJson(['market-pull', '--peer', address], b)).toMatchObject({ taken: 1, known: 1 });
  const listed = await lbJson(['list-offers'], b);
  expect(listed).toMatchObject({ announcements: [{ offer, price: '250', standing: 'unproven' }] });
  const bought = join(directory, 'bought.bin');
  const sale = await lbJson<{ purchase: string }>(['buy-offer', offer.slice(0, 10), '--out', bought], b);
  expect(sale).toMatchObject({ status: 'settled', offer, price: '250', bytes: 5_000_000 });
  expect(readFileSync(bought).equals(readFileSync(file))).toBe(true);

  // Once more, in people's words: the same purchase, and nothing is paid.
  const again = await lb(['buy-offer', offer, '--print'], b);
  expect(again.stdout.startsWith('Validate all inputs. ')).toBe(true);
  expect(await lbJson(['orders'], b)).toMatchObject({
    orders: [{ offer, status: 'settled', is_stranger: true }],
  });
  const { purchases } = await lbJson<{ purchases: object[] }>(['purchases'], a);
  expect(purchases).toMatchObject([
    { purchase: sale.purchase, status: 'settled', buyer: identity.public_key },
  ]);
  expect(await lbJson(['economy'], a)).toMatchObject({
    supply: '400',
    escrowed: '0',
    offers: [{ offer, sold: 1, earned: '250' }],
  });
  expect(await lbJson(['balance', identity.public_key], a)).toMatchObject({ balance: '50' });
  expect(group_id).toMatch(/^[0-9a-f]{64}$/);

  await lbJson(['revoke-offer', offer], a);
  const late = await lb(['buy-offer', offer, '--again', '--json'], b);
  expect({ exitCode: late.exitCode, ...JSON.parse(late.stderr) }).toMatchObject({
    exitCode: 4,
    refusal: { code: 'offer_revoked' },
  });
  expect(await lbJson(['market-gossip'], a)).toMatchObject({ taken: 0 });
}, 180_000);
