/**
 * Records a history that uses every operation of the protocol, as an export file that must replay for ever:
 *
 *     node test/histories/record.ts test/histories/v1-every-operation.lbgroup
 *
 * Run it only to record a new version under a new name; its figures go into golden.json. The clock is made up, so that windows and leases can pass.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../actors/clock.ts';
import type { Group } from '../../actors/group.ts';
import { createPackageKey } from '../../crypto/package.ts';
import { sealPackageKey } from '../../crypto/sealed-box.ts';
import { fromHex, utf8 } from '../../events/bytes.ts';
import { BatteryNode } from '../../node.ts';
import { keepGolden } from './golden.ts';

const HOUR_MS = 3_600_000;

class MadeUpClock implements Clock {
  private ms = 1_750_000_000_000;
  nowMs(): number {
    return this.ms++;
  }
  monotonicMs(): number {
    return this.ms;
  }
  pass(ms: number): void {
    this.ms += ms;
  }
}

async function membership(group: Group, keys: Record<string, string>): Promise<void> {
  const admin = group.as('node');
  await admin.addMember(keys.ada!, 'member');
  await admin.addMember(keys.bob!, 'viewer');
  await admin.addMember(keys.bob!, 'member');
  await group.as('ada').setProfile('Ada 🧮');
  const { code } = await admin.createInvite({ role: 'member', maxUses: 2, expiresMs: 1_800_000_000_000 });
  await group.as('eve').acceptInvite(code);
  const { invite } = await admin.createInvite({ role: 'viewer', expiresMs: 1_800_000_000_000 });
  await admin.revokeInvite(invite);
}

async function money(group: Group, keys: Record<string, string>): Promise<void> {
  const admin = group.as('node');
  await admin.updatePolicy({ transfer_fee_bps: 250, max_total_supply: 10n ** 12n });
  await admin.mint(keys.stranger!, 5_000n);
  await admin.mint(keys.ada!, 2n ** 33n);
  await group.as('ada').transfer(keys.bob!, 1_001n);
  await admin.spendTreasury(keys.bob!, 7n);
}

async function knowledge(group: Group): Promise<string> {
  const ada = group.as('ada');
  const bob = group.as('bob');
  const { artifact } = await bob.recordExperience(utf8('{"run":1,"tests":"passed"}'));
  const root = await ada.publishClaim({
    text: 'Checks come before signatures. 検証は先に。',
    tags: ['order', 'проверка'],
  });
  const reply = await bob.publishClaim({
    text: 'Measured: a refused duplicate costs a look-up.',
    parent: root.claim,
    evidence: [root.claim, artifact],
  });
  await ada.retractClaim(root.claim, 'superseded');
  await ada.reinstateClaim(root.claim, 'it holds after all');
  await group.as('node').retractClaim(reply.claim);
  return root.claim;
}

async function tasks(
  group: Group,
  keys: Record<string, string>,
  clock: MadeUpClock,
  result: string,
): Promise<void> {
  const admin = group.as('node');
  const ada = group.as('ada');
  const bob = group.as('bob');
  await admin.createTask({ task: 'build/1', title: 'Build', reward: 50n, leaseMs: 60_000, tags: ['build'] });
  await bob.takeTask('build/1');
  clock.pass(120_000);
  await ada.releaseTask('build/1');
  await ada.takeTask('build/1');
  await ada.startTask('build/1');
  await ada.progressTask('build/1', 'half way');
  await ada.completeTask('build/1', result);
  await ada.createTask({
    task: 'überprüfung 🔍',
    title: 'Prüfen',
    reward: 20n,
    assignee: keys.bob!,
    dueMs: 1,
  });
  await ada.assignTask('überprüfung 🔍', keys.eve!);
  await group.as('eve').startTask('überprüfung 🔍');
  await group.as('eve').failTask('überprüfung 🔍', 'no access');
  await ada.createTask({ task: 'later', title: 'Later', reward: 5n, description: 'Not now.' });
  await ada.cancelTask('later', 'not needed');
  await admin.createTask({ task: 'left behind', title: 'Left behind', assignee: keys.eve! });
}

async function presence(group: Group): Promise<void> {
  await group.as('ada').setPresence('busy', { task: 'build/1' });
  await group.as('ada').setPresence('idle');
}

async function market(group: Group, keys: Record<string, string>, clock: MadeUpClock): Promise<void> {
  const ada = group.as('ada');
  const stranger = group.as('stranger');
  const first = await ada.createOffer({
    title: 'Guide',
    content: utf8('1. Validate.'),
    price: 99n,
    tags: ['guide'],
    grants: 'by_hand',
  });
  const second = await group.as('bob').createOffer({
    title: 'Guide, second part',
    content: utf8('2. Measure.'),
    price: 333n,
    splits: [
      { to: keys.bob!, bps: 6_667 },
      { to: keys.eve!, bps: 3_333 },
    ],
    parents: [{ offer: first.offer, bps: 1_250 }],
    expiresMs: 1_900_000_000_000,
    grants: 'by_hand',
  });
  const accepted = await stranger.purchase(second.offer);
  await group.as('bob').grant(accepted.purchase);
  await stranger.acceptPurchase(accepted.purchase);
  const settled = await group.as('bob').purchase(first.offer);
  await ada.grant(settled.purchase);
  clock.pass(49 * HOUR_MS);
  await group.as('eve').settlePurchase(settled.purchase);
  const refunded = await stranger.purchase(second.offer);
  clock.pass(49 * HOUR_MS);
  await stranger.refundPurchase(refunded.purchase);
  const disputed = await stranger.purchase(first.offer);
  const { buyerKey } = group.now.purchase(disputed.purchase)!;
  const wrongKey = sealPackageKey({
    packageKey: createPackageKey(),
    buyerKey: fromHex(buyerKey),
    purchaseId: fromHex(disputed.purchase),
  })!;
  await ada.do({ type: 'grant', purchase: disputed.purchase, sealedKey: wrongKey });
  await stranger.disputePurchase(disputed.purchase);
  await stranger.purchase(second.offer);
  await ada.revokeOffer(first.offer);
}

/** A verb with a clock that is ahead, and the way back. */
async function tooSoon(group: Group, clock: MadeUpClock): Promise<void> {
  const admin = group.as('node');
  clock.pass(30 * HOUR_MS);
  await admin.setProfile('from tomorrow');
  clock.pass(-30 * HOUR_MS);
  await admin.correctTime();
}

async function ending(group: Group, keys: Record<string, string>): Promise<void> {
  const admin = group.as('node');
  await admin.removeMember(keys.eve!);
  await admin.addMember(keys.ada!, 'admin');
  await admin.setSealers([keys.ada!]);
  await group.as('ada').acceptSealing();
  await group
    .as('ada')
    .do(
      { type: 'mint', to: keys.bob!, amount: 1n },
      { type: 'presence', status: 'offline', metadata: undefined },
    );
}

const [, , out] = process.argv;
const folder = mkdtempSync(join(tmpdir(), 'lb-record-'));
const clock = new MadeUpClock();
const node = await BatteryNode.openOrInit({ data: join(folder, 'node'), clock });
const group = await node.createGroup({ name: 'every operation', policy: { faucet_amount: 1_000n } });
const keys: Record<string, string> = {};
for (const name of ['ada', 'bob', 'eve', 'stranger'])
  keys[name] = (await node.createIdentity(name)).publicKey;
await membership(group, keys);
await money(group, keys);
const result = await knowledge(group);
await tasks(group, keys, clock, result);
await presence(group);
await market(group, keys, clock);
await tooSoon(group, clock);
await ending(group, keys);
const summary = await group.exportTo(out!);
await node.close();
rmSync(folder, { recursive: true });
await keepGolden(out!);
console.log(summary);
