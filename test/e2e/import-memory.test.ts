/**
 * An import takes the same memory whatever it imports: three times the text, in one file and in many, in a process of
 * its own. The claims are of one length in both, since what is under way at once is bounded by their number as well.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ImportRun } from '../../bench/import-child.ts';

const CHILD = new URL('../../bench/import-child.ts', import.meta.url).pathname;
/** Of little text, each about as long as a claim may be; of much text each makes three claims of that length. */
const SECTIONS = 2_000;
/** So much that everything that fills up to a bound has filled up to it: up to some 100 MB the peak still rises. */
const LITTLE_BYTES = 100_000_000;
const MUCH_BYTES = 300_000_000;
/** The engine collects garbage early, and ends the process where more than this is none. */
const FLAGS = ['--max-old-space-size=96', '--max-semi-space-size=4'];
/**
 * Otherwise every thread that allocates gets a heap of its own from the system's library, which keeps there what was
 * freed: tens of megabytes more or less, by which thread happened to do what.
 */
const ONE_ARENA = { MALLOC_ARENA_MAX: '1' };
/** A difference that says nothing; the text alone would be 200 MB more. */
const SLACK_BYTES = 48 * 2 ** 20;

const base = mkdtempSync(join(tmpdir(), 'lb-import-memory-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A folder with documents in it. */
function written(name: string, files: number, bytes: number): string {
  const docs = join(base, name, 'docs');
  mkdirSync(docs, { recursive: true });
  const line = 'Words of a section, and more of them. ';
  const text = line.repeat(Math.ceil(bytes / SECTIONS / line.length));
  for (let at = 0; at < SECTIONS; at++) {
    const path = join(docs, `${at % files}.md`);
    const section = `\n## Part ${at}\n\n${text}\n`;
    if (at < files) writeFileSync(path, `# Document ${at}\n${section}`);
    else appendFileSync(path, section);
  }
  return join(base, name);
}

function imported(folder: string): ImportRun {
  const place = mkdtempSync(join(folder, 'run-'));
  const args = [...FLAGS, CHILD, join(place, 'data'), join(folder, 'docs')];
  const run = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, ...ONE_ARENA },
  });
  rmSync(place, { recursive: true });
  return JSON.parse(run) as ImportRun;
}

it.each([
  ['one file', 1],
  ['many files', 200],
])(
  'takes no more memory for three times the text: %s',
  (_, files) => {
    const little = imported(written(`little-${files}`, files, LITTLE_BYTES));
    const much = imported(written(`much-${files}`, files, MUCH_BYTES));
    expect(much.sections).toBeGreaterThan(little.sections);
    console.log(`${little.ownBytes >> 20} MiB for little, ${much.ownBytes >> 20} MiB for much`);
    expect(much.ownBytes).toBeLessThan(little.ownBytes + SLACK_BYTES);
  },
  240_000,
);
