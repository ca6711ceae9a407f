/**
 * A node that was closed says so, whoever asks it for what: never that a password is missing, and never with an error
 * of the parts below. What reads memory alone may still answer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../actors/agent.ts';
import type { Group } from '../../actors/group.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { BatteryNode } from '../../node.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-closed-'));
const ID = 'ab'.repeat(32) as Hex32;
let node: BatteryNode;
let group: Group;
let agent: Agent;

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(base, 'node'), password: 'correct horse' });
  group = await node.createGroup({ name: 'g' });
  agent = group.as('node');
  await agent.publishClaim({ text: 'before' });
  await node.close();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const first = async (stream: AsyncIterable<unknown>): Promise<unknown> => {
  for await (const one of stream) return one;
  return undefined;
};

const calls: Readonly<Record<string, () => unknown>> = {
  createGroup: () => node.createGroup({ name: 'h' }),
  groups: () => node.groups(),
  groupIds: () => node.groupIds(),
  group: () => node.group('g'),
  watch: () => first(node.watch()),
  views: () => node.views,
  startNetwork: () => node.startNetwork(),
  backup: () => node.backup(join(base, 'copy')),
  createIdentity: () => node.createIdentity('late'),
  changePassword: () => node.changePassword('correct horse', 'other'),
  'market.buy': () => node.market.buy({ as: 'node', group: group.groupId, offer: ID } as never),
  as: () => group.as('node').publishClaim({ text: 'x' }),
  publishClaim: () => agent.publishClaim({ text: 'after' }),
  createTask: () => agent.createTask({ task: 't', title: 't' }),
  takeTask: () => agent.takeTask('t'),
  retractClaim: () => agent.retractClaim(ID),
  transfer: () => agent.transfer(ID, 1n),
  setPresence: () => agent.setPresence('idle'),
  beat: () => agent.beat(),
  createInvite: () => agent.createInvite({ role: 'member', maxUses: 1, expiresMs: 1 }),
  createOffer: () =>
    agent.createOffer({
      content: new Uint8Array(9),
      title: 't',
      description: '',
      tags: [],
      price: 1n,
    } as never),
  purchase: () => agent.purchase(ID),
  submitSigned: () => group.submitSigned(new Uint8Array(8)),
  follow: () => group.follow([]),
  replay: () => group.replay(),
  audit: () => group.audit(),
  exportTo: () => group.exportTo(join(base, 'export')),
  at: () => group.at(0),
  prove: () => group.prove(ID),
  proveConsistency: () => group.proveConsistency(0),
  block: () => group.block(1),
  events: () => first(group.events()),
  recentClaims: () => group.recentClaims(),
  recentClaimsInTurns: () => group.recentClaimsInTurns(),
  artifact: () => group.artifact(ID),
  claimContent: () => group.claimContent(ID),
  presence: () => group.presence(),
  info: () => group.info(),
};

const CODES = ['node_closed', 'group_closed', 'keystore_closed', 'closed'];

test.each(Object.keys(calls))('%s', async (name) => {
  const error = await (async () => calls[name]!())().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  expect(CODES).toContain((error as { code?: unknown }).code);
  expect((error as Error).message).toMatch(/ is closed/);
});

test('nothing was written after the end: the old password still opens the node', async () => {
  await using again = await BatteryNode.open({ data: join(base, 'node'), password: 'correct horse' });
  expect(again.identities().map((one) => one.name)).toEqual(['node']);
  expect(again.group('g').head.height).toBe(1);
});
