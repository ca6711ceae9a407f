/** `bin/lb` on a Node that is too old: it hands over, passes signals on, ends as its child does, and takes it along. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
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
async function up(program = launcher): Promise<{ parent: ChildProcess; pid: number; said: () => string }> {
  const parent = spawn(process.execPath, [program, 'up', '--data', data, '--p2p', 'false', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = parent;
  let text = '';
  let errors = '';
  parent.stderr!.setEncoding('utf8').on('data', (piece: string) => {
    errors += piece;
  });
  parent.stdout!.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  await until('the node is up', () => text.includes('\n'), 30_000);
  const { pid } = (JSON.parse(text) as { data: { pid: number } }).data;
  return { parent, pid, said: () => errors };
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

  /** What LMDB and other native code die of. */
  const crashes = ['SIGABRT', 'SIGBUS', 'SIGSEGV'] as const;

  test.each(crashes)(
    'tells in one line of a child that died of %s',
    async (signal) => {
      const { parent, pid, said } = await up();
      const before = said();
      process.kill(pid, signal);
      expect(await once(parent, 'close')).toEqual([128 + constants.signals[signal], null]);
      expect(said().slice(before.length)).toMatch(
        new RegExp(`^lb: ended by ${signal} in its database .*"lb audit".*"lb repair".*"lb restore"\\n$`),
      );
    },
    60_000,
  );

  test.each(crashes)(
    'tells in one line of its own death by %s, where it runs the node itself',
    async (signal) => {
      const { parent, pid, said } = await up(BIN);
      expect(pid).toBe(parent.pid);
      const before = said();
      process.kill(pid, signal);
      // The pipe is closed by the one who watched, after its word.
      expect(await once(parent, 'close')).toEqual([null, signal]);
      expect(said().slice(before.length)).toMatch(
        /^lb: ended without a word; .*"lb audit".*"lb repair".*\n$/,
      );
    },
    60_000,
  );

  test('says nothing of a crash where it is asked to stop', async () => {
    const { parent, said } = await up(BIN);
    parent.kill('SIGTERM');
    expect(await once(parent, 'close')).toEqual([0, null]);
    expect(said()).not.toContain('lb:');
  }, 60_000);

  test('takes its child along when it is killed itself, and the directory is free again', async () => {
    const { parent, pid } = await up();
    parent.kill('SIGKILL');
    await until('the child is gone', () => !isAlive(pid), 30_000);
    await using node = await BatteryNode.open({ data });
    expect(node.status).toBeDefined();
  }, 60_000);
});
