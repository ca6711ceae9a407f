/** Whoever has a block of IPv6 has 2^64 addresses: connections and requests without a token are counted by the block. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { whyNot } from '../../e2e/netns.ts';

const CHILD = fileURLToPath(new URL('./ipv6-child.ts', import.meta.url));
/** More than a block of addresses may hold, and more than it may ask in a minute. */
const [CONNECTIONS, REQUESTS] = [100, 130];

test.skipIf(whyNot() !== undefined)('a block of IPv6 is one stranger', async () => {
  const name = `lb-block-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), 'lb-block-'));
  const ip = (...args: string[]): unknown => execFileSync('ip', args, { stdio: 'pipe' });
  ip('netns', 'add', name);
  onTestFinished(() => {
    ip('netns', 'del', name);
    rmSync(folder, { recursive: true, force: true });
  });
  ip('-n', name, 'link', 'set', 'lo', 'up');
  // Every address of it is one of this machine.
  ip('-n', name, '-6', 'route', 'add', 'local', 'fd01::/48', 'dev', 'lo');
  ip('netns', 'exec', name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind');
  const args = [process.execPath, CHILD, join(folder, 'node'), String(CONNECTIONS), String(REQUESTS)];
  const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', name, ...args]);
  const found = JSON.parse(stdout) as {
    ofFlood: number;
    ofOther: number;
    statuses: number[];
    otherStatus: number;
  };
  expect([found.ofFlood, found.ofOther]).toEqual([64, 1]);
  expect(found.statuses.slice(0, 120)).toEqual(Array(120).fill(401));
  expect(found.statuses.slice(120)).toEqual(Array(REQUESTS - 120).fill(429));
  expect(found.otherStatus).toBe(401);
});
