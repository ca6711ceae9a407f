/**
 * Tables at 80 columns, with data as wide as it may be: no line of any verb is longer, and what a table is read for
 * stays text that can be read. And what asks on a terminal does nothing until it is told yes.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute } from '../../interfaces/cli/execute.ts';
import { Output } from '../../interfaces/cli/output.ts';
import { displayWidth } from '../../interfaces/cli/table.ts';
import type { Terminal } from '../../interfaces/cli/terminal.ts';
import { RecordingTerminal } from '../support/terminal.ts';

const WIDTH = 80;
const home = mkdtempSync(join(tmpdir(), 'lb-width-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const env = {
  HOME: home,
  XDG_CONFIG_HOME: join(home, '.config'),
  LB_DATA: join(home, 'node'),
  COLUMNS: String(WIDTH),
};

/** Words of five letters, so that five of them are the least that a column of text holds. */
const WORDS = Array.from({ length: 60 }, (_, at) => `w${String(at).padStart(4, '0')}`);
const TEXT = WORDS.join(' ');
const NAME = WORDS.slice(0, 10).join(' ');
const LONG = 'an-identity-with-a-name-that-is-as-long-as-it-may-be-0123456789';

/** A verb on a terminal; whoever sits there gives `answers`, in order. */
async function onTerminal(args: readonly string[], answers: readonly string[] = []) {
  const recording = new RecordingTerminal(home);
  const left = [...answers];
  const asked: string[] = [];
  const terminal: Terminal = Object.assign(recording, {
    isOutTerminal: true,
    isErrTerminal: true,
    isInteractive: answers.length > 0,
    columns: WIDTH,
    ask: async (question: string): Promise<string> => {
      asked.push(question);
      return left.shift() ?? '';
    },
  }) as unknown as Terminal;
  const out = new Output(terminal, env);
  const { signal } = new AbortController();
  const code = await execute({ out, env, signal, terminal, runs: new Set() }, args, () => undefined);
  const lines = stripVTControlCharacters(recording.stdout).split('\n');
  return { code, lines, asked, screen: recording.stdout + recording.stderr, stderr: recording.stderr };
}

async function done(...args: string[]): Promise<string[]> {
  const { code, lines, stderr } = await onTerminal(args);
  expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
  return lines;
}

beforeAll(async () => {
  await done('init', '--name', 'ada');
  await done('create-group', `${'wide '.repeat(12)}group`);
  await done('identity', 'new', LONG);
  await done('add-member', LONG);
  await done('profile', NAME, '--as', LONG);
  await done('mint', LONG, '1000000000000000');
  await done(
    'publish-claim',
    TEXT,
    '--tags',
    'one-tag-of-some-length,another-tag-of-some-length',
    '--as',
    LONG,
  );
  await done(
    'create-task',
    TEXT.slice(0, 200),
    '--id',
    'a-task-with-an-id-of-its-own',
    '--reward',
    '50',
    '--due',
    '7d',
  );
  await done('assign-task', 'a-task-with-an-id-of-its-own', LONG);
  await done(
    'create-offer',
    TEXT.slice(0, 200),
    '123456789',
    '--text',
    'x',
    '--tags',
    'one-tag-of-some-length',
  );
  await done('invite', 'create', '--role', 'member');
  await done('access', 'create', 'a-token-with-a-long-name-0123456789', '--write-as', LONG);
  await done('presence', 'busy', '--as', LONG);
  await done(
    'peer-add',
    `${'ab'.repeat(32)}@a-host-with-a-rather-long-name.example.org:4242`,
    '--alias',
    'server',
  );
}, 120_000);

describe('at 80 columns', () => {
  test.each([
    ['access list'],
    ['balance'],
    ['config list'],
    ['doctor'],
    ['economy'],
    ['evidence'],
    ['identity list'],
    ['info'],
    ['invite list'],
    ['list-groups'],
    ['list-offers'],
    ['list-tasks'],
    ['log'],
    ['members'],
    ['orders'],
    ['outbox'],
    ['peer-list'],
    ['presence'],
    ['purchases'],
    ['recent-claims'],
    ['show a-task-with-an-id-of-its-own'],
    ['subscription-list'],
    ['treasury'],
    ['unread'],
    ['whats-new'],
  ])('no line of %s is longer', async (verb) => {
    const { lines, stderr } = await onTerminal(verb.split(' '));
    expect(stderr).not.toContain('lb: ');
    for (const line of lines) {
      // An id or a path stays whole, so that it can be copied: a line of one word alone may be longer.
      const isOneWord = !line
        .trim()
        .replace(/^\S+ +(?=\S+$)/, '')
        .includes(' ');
      if (!isOneWord) expect(displayWidth(line), `${verb}: ${line}`).toBeLessThanOrEqual(WIDTH);
    }
  });

  test('no line of a query is longer, however many columns it has', async () => {
    for (const query of ['select * from claims', 'select * from tasks', 'select * from members'])
      for (const line of await done('sql', query))
        expect(displayWidth(line), line).toBeLessThanOrEqual(WIDTH);
  });

  test.each([['recent-claims'], ['list-tasks'], ['list-offers']])(
    'the text of %s can be read',
    async (verb) => {
      const lines = await done(verb);
      const runs = WORDS.slice(0, 20).map((_, at) => WORDS.slice(at, at + 4).join(' '));
      expect(lines.some((line) => runs.some((run) => line.includes(run)))).toBe(true);
    },
  );
});

describe('lb setup', () => {
  const project = join(home, 'project');
  const file = join(project, '.mcp.json');
  const args = ['setup', 'claude-code', '--project', project];

  test('shows what it would write and asks; anything but yes writes nothing', async () => {
    mkdirSync(project);
    for (const answer of ['', 'n', 'no', 'yess', 'Y es', '\u001b[A']) {
      const { code, asked, screen } = await onTerminal(args, [answer, 'n']);
      expect([code, asked[0], existsSync(file)]).toEqual([0, 'Write this? [y/N] ', false]);
      expect(screen).toContain('.mcp.json');
    }
  });

  test('a yes to the file is none to the membership', async () => {
    const { code, asked, stderr } = await onTerminal(args, ['y', 'n']);
    expect([code, existsSync(file)]).toEqual([0, true]);
    expect(asked).toEqual([
      'Write this? [y/N] ',
      expect.stringContaining('a member of the group of this node'),
    ]);
    expect(stderr).toContain('lb admit claude-code');
    expect((await done('identity', 'list')).join('\n')).not.toContain('claude-code');
  });

  test('a yes to both lets the agent in', async () => {
    const { code, asked } = await onTerminal(args, ['YES', 'y']);
    // The file is as it should be already, so only the second question is left.
    expect(code).toBe(0);
    expect(asked.at(-1)).toContain('a member of the group of this node');
  });
});
