/**
 * Every verb both ways: by processes that own the directory themselves, and through the socket of a node that is
 * up. What is printed, and how it ends, must be the same.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../../../interfaces/cli/exit-codes.ts';
import { type Ended, runVerb, startNode, stopNode, type UpNode } from '../../support/owner.ts';
import { builtProgram } from '../../support/terminal.ts';
import { STORY, type Told } from './story.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-owner-'));
const nodes: UpNode[] = [];
afterAll(async () => {
  for (const node of nodes) await stopNode(node);
  rmSync(base, { recursive: true, force: true });
});

/** Where a story is told: a folder with the files it needs, and the node's directory in it. */
function stage(name: string): { cwd: string; data: string } {
  const cwd = join(base, name);
  mkdirSync(join(cwd, 'docs'), { recursive: true });
  writeFileSync(join(cwd, 'docs/guide.md'), '# Guide\n\nBegin here.\n\n## More\n\nAnd go on.\n');
  writeFileSync(join(cwd, 'password.txt'), 'a long password\n');
  execFileSync('git', ['init', '--quiet'], { cwd });
  return { cwd, data: join(cwd, 'node') };
}

/** Tells the whole story and returns what every step printed. */
async function tell(cwd: string, isForwarding: boolean): Promise<Ended[]> {
  const saved = new Map<string, unknown>();
  const told: Told = (name, field) => {
    const value = field
      .split('.')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], saved.get(name));
    if (typeof value !== 'string') throw new Error(`${name} printed no ${field}`);
    return value;
  };
  const endings: Ended[] = [];
  for (const { name, args, input, exit = 0, inTime } of STORY) {
    const line = args(told);
    const tryIt = (): Promise<Ended> =>
      runVerb([...line, '--json'], join(cwd, 'node'), { cwd, input: input ?? '', isForwarding });
    let ended = await tryIt();
    while (inTime && ended.code === EXIT.refused) ended = await tryIt();
    expect(ended.code, `lb ${line.join(' ')}\n${ended.stderr}`).toBe(exit);
    if (name !== undefined) saved.set(name, (JSON.parse(ended.stdout) as { data: unknown }).data);
    endings.push(ended);
  }
  return endings;
}

/** What cannot be the same twice: keys, ids, times, rates, and where the story is told. */
function normalize(text: string, cwd: string): string[] {
  return (
    text
      .replaceAll(cwd, 'CWD')
      // Only a node that is up has an address for its codes.
      .replaceAll(/,"warnings":\["the code names no address[^"]*"\]/g, '')
      .replaceAll(/lb[it][12][A-Za-z0-9_.-]+|lb-invite[^"]*/g, 'CODE')
      .replaceAll(/[0-9a-f]{8,128}/g, '#')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/"(\w*(?:_ms|seconds|_per_second|pid|code|bytes))":[\d.]+/g, '"$1":0')
      .replaceAll(/"views":\{[^}]*\}|"embedded":\d+/g, 'HOW FAR THE INDEX IS')
      .replaceAll(/"code":"[^"]{40,}"/g, '"code":"CODE"')
      .split(/[\n,{}[\]]/)
      .sort()
  );
}

function leaves(command: Command, path: string[] = []): string[] {
  const { commands } = command;
  if (commands.length === 0) return [path.join(' ')];
  return commands.flatMap((one) => leaves(one, [...path, one.name()]));
}

/** Verbs that never go through a socket: they make, hold or leave a directory, or need none. */
const RUN_HERE = ['init', 'up', 'run-p2p', 'mcp', 'setup', 'demo', 'help', 'restore', 'completion'];
/** Verbs that are about this process and the one that is up: what they find differs as it should. */
const ABOUT_THE_PROCESS = ['doctor', 'check', 'trust-clock', 'correct-time'];

const alone = stage('alone');
const served = stage('served');

beforeAll(async () => {
  for (const { data } of [alone, served])
    expect((await runVerb(['init'], data, { isForwarding: false })).code).toBe(0);
});

describe('every verb', () => {
  test('is in the story', () => {
    const program = builtProgram();
    const told = STORY.map(({ args }) => args(() => 'x').join(' '));
    const missing = leaves(program).filter(
      (verb) =>
        ![...RUN_HERE, ...ABOUT_THE_PROCESS].includes(verb) &&
        !verb.startsWith('context ') &&
        !told.some((line) => `${line} `.startsWith(`${verb} `)),
    );
    expect(missing).toEqual([]);
  });

  test('does and prints the same in a process of its own and through the socket', {
    timeout: 300_000,
  }, async () => {
    const node = await startNode(served.data);
    nodes.push(node);
    const here = await tell(alone.cwd, false);
    const there = await tell(served.cwd, true);
    for (const [at, { args }] of STORY.entries()) {
      const line = `lb ${args(() => 'x').join(' ')}`;
      expect(normalize(there[at]!.stdout, served.cwd), line).toEqual(normalize(here[at]!.stdout, alone.cwd));
      expect(normalize(there[at]!.stderr, served.cwd), line).toEqual(normalize(here[at]!.stderr, alone.cwd));
    }
    expect(await stopNode(node)).toBe(0);
    expect((await runVerb(['audit'], served.data, { isForwarding: false })).code).toBe(0);
  });
});
