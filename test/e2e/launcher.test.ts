/** `bin/lb` on a Node that is too old: it hands over, passes signals on, ends as its child does, and takes it along. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { until } from '../support/until.ts';
import { BIN } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-launcher-'));
const data = join(base, 'node');
const launcher = join(base, 'lb.mjs');
afterAll(() => rmSync(base, { recursive: true, force: true }));

beforeAll(async () => {
  await BatteryNode.init({ data });
  // The same file, to which the Node of this test is too old.
  const source = readFileSync(BIN, 'utf8')
    .replace('const OLDEST_MAJOR = 24', 'const OLDEST_MAJOR = 999')
    .replace('dirname(fileURLToPath(import.meta.url))', JSON.stringify(join(BIN, '..')));
  writeFileSync(launcher, source);
});

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** A node that is up by way of the launcher; the process that it is, says the verb itself. */
async function up(): Promise<{ parent: ChildProcess; pid: number }> {
  const parent = spawn(process.execPath, [launcher, 'up', '--data', data, '--p2p', 'false', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = parent;
  let text = '';
  parent.stdout!.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  await until('the node is up', () => text.includes('\n'), 30_000);
  return { parent, pid: (JSON.parse(text) as { data: { pid: number } }).data.pid };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the launcher', () => {
  test('passes SIGTERM on, and ends as its child ends', async () => {
    const { parent, pid } = await up();
    expect(pid).not.toBe(parent.pid);
    parent.kill('SIGTERM');
    expect(await once(parent, 'exit')).toEqual([0, null]);
    expect(isAlive(pid)).toBe(false);
  }, 60_000);

  test('ends when its child is killed', async () => {
    const { parent, pid } = await up();
    process.kill(pid, 'SIGKILL');
    expect(await once(parent, 'exit')).toEqual([137, null]);
  }, 60_000);

  test('takes its child along when it is killed itself, and the directory is free again', async () => {
    const { parent, pid } = await up();
    parent.kill('SIGKILL');
    await until('the child is gone', () => !isAlive(pid), 30_000);
    await using node = await BatteryNode.open({ data });
    expect(node.status).toBeDefined();
  }, 60_000);
});
