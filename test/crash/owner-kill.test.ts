/**
 * `kill -9` of the node that is up while twenty clients are calling: what any of them was told is done is there
 * afterwards, and the history is whole.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { runVerb, startNode } from '../support/owner.ts';

const CLIENTS = 20;
/** How many acknowledgements to let pass before the kill, round by round. */
const ACKS_BEFORE_KILL = [1, 60, 25];

const base = mkdtempSync(join(tmpdir(), 'lb-owner-kill-'));
const data = join(base, 'node');
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Published {
  readonly claim: string;
  readonly tx_id: string;
}

/** Publishes until the node goes away, and tells of everything that was acknowledged. */
async function client(name: string, acknowledged: (published: Published) => void): Promise<number> {
  for (let number = 0; ; number++) {
    const args = ['publish-claim', '--text', `${name}, claim ${number}.`, '--json'];
    const { code, stdout } = await runVerb(args, data, { isForwarding: true, isServedOnly: true });
    if (code !== 0) return code;
    acknowledged((JSON.parse(stdout) as { data: Published }).data);
  }
}

test('kill -9 of the owner under twenty clients loses nothing acknowledged', {
  timeout: 120_000,
}, async () => {
  await using founded = await BatteryNode.openOrInit({ data });
  await founded.createGroup({ name: 'work' });
  await founded.close();
  const acknowledged: Published[] = [];
  for (const [round, count] of ACKS_BEFORE_KILL.entries()) {
    const node = await startNode(data);
    const enough = Promise.withResolvers<void>();
    const before = acknowledged.length;
    const clients = Array.from({ length: CLIENTS }, (_, at) =>
      client(`Round ${round}, client ${at}`, (published) => {
        acknowledged.push(published);
        if (acknowledged.length - before >= count) enough.resolve();
      }),
    );
    await enough.promise;
    process.kill(node.pid, 'SIGKILL');
    await once(node.child, 'exit');
    // Cut off in the middle of a call, or there was no node left to call.
    for (const code of await Promise.all(clients)) expect([6, 99]).toContain(code);
    await using again = await BatteryNode.open({ data });
    const group = again.group('work');
    for (const { claim, tx_id } of acknowledged) {
      expect(group.findTransaction(tx_id).txId).toBe(tx_id);
      expect(group.artifact(claim)).toBeDefined();
    }
    expect((await group.audit()).status).toBe('sound');
  }
});
