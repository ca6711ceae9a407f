/** A node on a disk that is full or read-only, as a user meets it: it reads what it can, and says what is wrong. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { lb } from '../e2e/bin-lb.ts';
import { scratchDirectory, smallDisk } from './storage-harness.ts';

const MIB = 1024 * 1024;

/** A small disk with a node and a group on it. */
async function diskWithNode(context: TestContext): Promise<{ disk: string; data: string }> {
  const disk = smallDisk(32 * MIB);
  if (disk === undefined) {
    console.log('skipped: mounting a tmpfs is not allowed here');
    return context.skip();
  }
  const data = join(disk, 'node');
  await ok('init', '--data', data);
  await ok('create-group', '--data', data, '--name', 'g');
  return { disk, data };
}

async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lb(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** What a verb says that the environment does not let do its work: one line, and no raw text of the system. */
async function blocked(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lb([...args, '--json']);
  expect({ code, stdout }, stderr).toEqual({ code: 7, stdout: '' });
  // The name of a temporary folder may look like a code.
  expect(stderr.trimEnd().replaceAll(/\/tmp\/[^ "]*/g, '')).not.toMatch(
    /\n|undefined|E[A-Z]{4,}|a bug in lb/,
  );
  return (JSON.parse(stderr) as { message: string }).message;
}

/** Leaves nothing free at all. */
function fill(disk: string): string {
  const ballast = join(disk, 'ballast');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, new Uint8Array(bavail * bsize));
  expect(statfsSync(disk).bavail).toBe(0);
  return ballast;
}

test('a full disk: what only reads goes on, what writes says so, and all is well once there is room', async (context) => {
  const { disk, data } = await diskWithNode(context);
  const fresh = join(disk, 'fresh');
  await ok('init', '--data', fresh);
  const ballast = fill(disk);

  expect(await ok('info', '--data', data)).toContain('sealing');
  await ok('audit', '--data', data);
  await ok('export', '--data', data, '--out', join(scratchDirectory(), 'g.lbgroup'));
  const writing = [
    ['publish-claim', '--data', data, '--text', 'x'],
    ['identity', 'new', 'bob', '--data', data],
    ['export', '--data', data, '--out', join(disk, 'g.lbgroup')],
    ['init', '--data', join(disk, 'another')],
    ['info', '--data', fresh],
  ];
  for (const args of writing) expect(await blocked(...args)).toMatch(/full.*; free some space and try again/);
  expect(readdirSync(disk).sort()).toEqual(['another', 'ballast', 'fresh', 'node']);

  rmSync(ballast);
  await ok('publish-claim', '--data', data, '--text', 'x');
  await ok('audit', '--data', data);
  await ok('init', '--data', join(disk, 'another'));
  await ok('info', '--data', fresh);
}, 60_000);

test('a lost table of readers on a full disk does not end the process', async (context) => {
  const { disk, data } = await diskWithNode(context);
  rmSync(join(data, 'chain', 'lock.mdb'));
  const ballast = fill(disk);
  expect(await blocked('info', '--data', data)).toContain('the disk is full');
  rmSync(ballast);
  await ok('info', '--data', data);
});

test('a read-only disk is called that, and nothing else', async (context) => {
  const { disk, data } = await diskWithNode(context);
  const mark = readFileSync(join(data, 'node.json'));
  expect(spawnSync('mount', ['-o', 'remount,ro', disk]).status).toBe(0);
  // What only reads works on a copy.
  expect(await ok('info', '--data', data)).toContain('sealing');
  const cases = [
    ['publish-claim', '--data', data, '--text', 'x'],
    ['init', '--data', join(disk, 'new', 'node')],
    ['demo', '--data', join(disk, 'new')],
    ['export', '--data', data, '--out', join(disk, 'g.lbgroup')],
  ];
  for (const args of cases) expect(await blocked(...args)).toContain('the file system is read-only; make it');
  expect(existsSync(join(disk, 'new'))).toBe(false);
  expect(readFileSync(join(data, 'node.json'))).toEqual(mark);
});
