/**
 * A node is killed with SIGKILL in the middle of sealing, again and again. After each restart every acknowledged
 * receipt is where it says, its artifact is there, and in the end the whole history passes the audit.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../crypto/hash.ts';
import { toHex } from '../../events/bytes.ts';
import { BatteryNode } from '../../node.ts';
import { type Child, scratchDirectory, startScript } from './storage-harness.ts';

const CHILD = new URL('./node-child.ts', import.meta.url).pathname;
const ACKS_BEFORE_KILL = [1, 40, 7, 150, 3, 90];

interface Ack {
  readonly txId: string;
  readonly height: number;
  readonly index: number;
  readonly claim: string;
}

function acksIn(child: Child): Ack[] {
  return child.lines
    .filter((line) => line.startsWith('ack '))
    .map((line) => {
      const [, txId, height, index, claim] = line.split(' ');
      return { txId: txId!, height: Number(height), index: Number(index), claim: claim! };
    });
}

test('nothing that was acknowledged is lost by kill -9 during sealing', async () => {
  const data = join(scratchDirectory(), 'node');
  const acknowledged: Ack[] = [];
  for (const count of ACKS_BEFORE_KILL) {
    const child = startScript(CHILD, [data, '16', '1000000']);
    await child.said(() => acksIn(child).length >= count);
    child.process.kill('SIGKILL');
    await child.ended;
    acknowledged.push(...acksIn(child));
    await using node = await BatteryNode.open({ data });
    const group = node.groups()[0]!;
    for (const { txId, height, index, claim } of acknowledged) {
      expect(group.findTransaction(txId).location).toEqual({ height, index });
      expect(toHex(sha256(group.artifact(claim)!))).toBe(claim);
    }
    expect((await group.audit()).status).toBe('sound');
  }
  expect(acknowledged.length).toBeGreaterThan(0);
});
