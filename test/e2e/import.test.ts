/** `lb import` as a user runs it. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { layoutOf } from '../../storage/directory.ts';
import { lb, lbJson } from './spawn-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-import-'));
const data = join(base, 'data');
const chain = layoutOf(data).chain;
const docs = join(base, 'docs');
const FILES = 300;
const SECTIONS_PER_FILE = 21;
/** More than a start of the node writes, and a small part of the import. */
const WRITTEN_BYTES_MIN = 500_000;

interface Summary {
  files: number;
  sections: number;
  claims: number;
  skipped: number;
  failed: { path: string; reason: string }[];
}

beforeAll(async () => {
  await using node = await BatteryNode.openOrInit({ data });
  await node.createGroup({ name: 'library' });
  mkdirSync(docs);
  for (let file = 0; file < FILES; file++) {
    const sections = Array.from(
      { length: SECTIONS_PER_FILE - 1 },
      (_, at) => `## Part ${at}\n\nfile ${file}\n`,
    );
    writeFileSync(join(docs, `${file}.md`), `# Document ${file}\n\nwords\n\n${sections.join('\n')}`);
  }
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const ALL = FILES * SECTIONS_PER_FILE;
const args = ['import', docs, '--tags', 'library'];

/** Kills an import as soon as it has written so much: in the middle, on any machine. */
async function killWhenWritten(child: ChildProcess, bytes: number): Promise<void> {
  const sizeOf = (): number =>
    readdirSync(chain).reduce((sum, name) => sum + statSync(join(chain, name)).size, 0);
  const before = sizeOf();
  while (sizeOf() < before + bytes && child.exitCode === null) await delay(2);
  child.kill('SIGKILL');
}

async function claimsOnDisk(): Promise<number> {
  await using node = await BatteryNode.open({ data, waitMs: 5_000 });
  const group = node.group('library');
  const audit = await group.audit();
  expect(audit.status).toBe('sound');
  return [...group.now.claimIds()].length;
}

it('goes on after a kill, adds nothing a second time, and one claim for one edit', async () => {
  // What is written first is not yet committed, so the first kill may leave nothing.
  let found = 0;
  for (let bytes = WRITTEN_BYTES_MIN; found === 0; bytes += WRITTEN_BYTES_MIN) {
    const killed = await lb(args, { data, onStart: (child) => void killWhenWritten(child, bytes) });
    expect(killed.signal).toBe('SIGKILL');
    found = await claimsOnDisk();
  }
  expect(found).toBeLessThan(ALL);
  const rest = await lbJson<Summary>(args, { data });
  expect(rest).toMatchObject({ files: FILES, sections: ALL, claims: ALL - found, skipped: found });
  expect(await lbJson<Summary>(args, { data })).toMatchObject({ claims: 0, skipped: ALL });
  const file = join(docs, '7.md');
  writeFileSync(file, readFileSync(file, 'utf8').replace('## Part 3\n\nfile 7', '## Part 3\n\nedited'));
  expect(await lbJson<Summary>(args, { data })).toMatchObject({ claims: 1, skipped: ALL - 1 });
  expect(await claimsOnDisk()).toBe(ALL + 1);
});

it('tells people what it did and what it left out', async () => {
  writeFileSync(join(docs, 'binary.md'), 'a\0b');
  const { exitCode, stdout, stderr } = await lb(['import', docs], { data });
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`Imported 0 claims from ${ALL} sections of ${FILES} files`);
  expect(stdout).toContain(`${ALL} sections known already`);
  expect(stderr).toContain('binary.md: binary: it holds NUL bytes');
});

it('imports the rest when a path that was named cannot be imported, and fails', async () => {
  const [binary, missing, good] = ['named.md', 'missing.md', 'good.md'].map((name) => join(base, name));
  writeFileSync(binary!, 'a\0b');
  writeFileSync(good!, '# Good\n');
  const ended = await lb(['import', binary!, missing!, good!, '--json'], { data });
  expect(ended.exitCode).toBe(3);
  const { data: summary } = JSON.parse(ended.stdout) as { data: Summary };
  expect(summary).toMatchObject({ files: 1, claims: 1 });
  expect(summary.failed.map(({ path }) => path).sort()).toEqual([missing, binary]);
  const error = JSON.parse(ended.stderr) as { code: string; message: string };
  expect(error.code).toBe('import_incomplete');
  for (const path of [binary!, missing!]) expect(error.message).toContain(path);
  // What a folder holds beside its documents is no failure.
  expect((await lb(['import', docs], { data })).exitCode).toBe(0);
});

it.each([
  [['import', join(base, 'missing')], 3, /there is no such file or folder/],
  [['import'], 2, /missing required argument/],
  [['import', docs, '--tags', 'x'.repeat(65)], 2, /has 65 characters; at most 64 fit/],
])('ends with one line for %j', async (wrong, exitCode, message) => {
  const ended = await lb(wrong, { data });
  expect(ended.exitCode).toBe(exitCode);
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr.trimEnd()).not.toContain('\n');
});
