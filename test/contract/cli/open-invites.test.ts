/** Whoever removes a member is told which invites would let them in again: keys are free. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { operationNamed } from '../../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../../node.ts';
import { lbHere } from '../../support/lb-here.ts';

const HOUR_MS = 3_600_000;

test('an open invite is named when a member is removed, on every surface, and no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lb-invites-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'node');
  const invites: string[] = [];
  {
    await using node = await BatteryNode.openOrInit({ data });
    const group = await node.createGroup({ name: 'g' });
    const admin = group.as('node');
    for (const name of ['bob', 'carol', 'dave'])
      await admin.addMember((await node.createIdentity(name)).publicKey, 'member');
    for (let at = 0; at < 2; at++) {
      const expiresMs = Date.now() + HOUR_MS;
      invites.push((await admin.createInvite({ role: 'member', maxUses: 2, expiresMs })).invite);
    }
    await admin.revokeInvite(invites[0]!);
    const call = { node, identity: 'node', signal: new AbortController().signal, progress: () => {} };
    const removed = await operationNamed('remove_member')!.run(call, { group_id: 'g', member: 'dave' });
    expect(removed).toMatchObject({ note: expect.stringContaining(invites[1]!.slice(0, 8)) });
  }
  const env = { LB_DATA: data };
  const first = await lbHere(['remove-member', 'bob', '--yes-i-mean', 'bob'], { env });
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr).toContain(invites[1]!.slice(0, 8));
  expect(first.stderr).not.toContain(invites[0]!.slice(0, 8));
  await lbHere(['invite', 'revoke', invites[1]!], { env });
  const second = await lbHere(['remove-member', 'carol', '--yes-i-mean', 'carol'], { env });
  expect([second.code, second.stderr]).toEqual([0, '']);
});
