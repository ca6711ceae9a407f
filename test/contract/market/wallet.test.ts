/** The wallet: its keys survive a change of password and a restore, and lie on disk as nothing that opens anything. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { recallSecret } from '../../../actors/market/wallet.ts';
import { utf8 } from '../../../events/bytes.ts';
import { BatteryNode } from '../../../node.ts';
import { restoreBackup } from '../../../storage/backup/read.ts';

let folder: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lb-wallet-'));
  data = join(folder, 'node');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

async function open(password: string | undefined, from = data): Promise<BatteryNode> {
  const options = { data: from, threads: 1, durability: 'commit' } as const;
  const node = await BatteryNode.openOrInit(password === undefined ? options : { ...options, password });
  onTestFinished(() => node.close());
  return node;
}

/** A sale that waits for its grant, and one that was granted and not opened yet. */
async function sales(node: BatteryNode) {
  const group = await node.createGroup({ name: 'wallet' });
  const { publicKey } = await node.createIdentity('bob');
  await group.as('node').mint(publicKey, 100n);
  const content = utf8('what is sold');
  const offers = [];
  for (const title of ['waiting', 'granted'])
    offers.push(await group.as('node').createOffer({ title, content, price: 10n, grants: 'by_hand' }));
  const [waiting, granted] = [
    await group.as('bob').purchase(offers[0]!.offer),
    await group.as('bob').purchase(offers[1]!.offer),
  ];
  await group.as('node').grant(granted.purchase);
  return { groupId: group.groupId, waiting: waiting.purchase, granted: granted.purchase };
}

async function finish(node: BatteryNode, { groupId, waiting, granted }: Awaited<ReturnType<typeof sales>>) {
  const group = node.group(groupId);
  await group.as('node').grant(waiting);
  for (const purchase of [waiting, granted]) {
    const delivery = group.as('bob').openPurchase(purchase);
    expect(delivery).toMatchObject({ status: 'opened', content: utf8('what is sold') });
    await group.as('bob').acceptPurchase(purchase);
  }
}

it('a change of password leaves every key of the wallet where it opens', async () => {
  const first = await open('old');
  const made = await sales(first);
  await first.changePassword('old', 'new');
  await first.close();
  const locked = await open(undefined);
  expect(locked.isLocked).toBe(true);
  await expect(async () => locked.group(made.groupId).as('node')).rejects.toMatchObject({
    code: 'password_required',
  });
  await locked.close();
  await finish(await open('new'), made);
});

it('a backup holds the wallet: what was sold is granted and what was bought is opened from the restored node', async () => {
  const first = await open('secret');
  const made = await sales(first);
  const file = join(folder, 'node.lbbackup');
  await first.backup(file);
  await first.close();
  const restored = join(folder, 'restored');
  await restoreBackup(file, restored);
  await finish(await open('secret', restored), made);
});

it('the keys are on disk only sealed: not one of them can be found in the files', async () => {
  const node = await open('secret');
  const { groupId } = await sales(node);
  const { store, signers } = node.networkPort;
  const secrets: Uint8Array[] = [];
  for (const [key] of store.wallet.list()) {
    const [kind, owner, subject] = Buffer.from(key).toString().split('/');
    const signer = signers().find(({ publicKey }) => publicKey === owner)!;
    if (kind === 'package' || kind === 'one-time')
      secrets.push(recallSecret(store.wallet, signer, kind, subject!).expose().slice());
  }
  expect(secrets).toHaveLength(4);
  expect(node.group(groupId).now.purchases()).toHaveLength(2);
  await node.close();
  const copy = join(folder, 'copy');
  cpSync(data, copy, { recursive: true });
  const bytes = readFileSync(join(copy, 'chain', 'data.mdb'));
  for (const secret of secrets) expect(bytes.includes(Buffer.from(secret))).toBe(false);
});
