/**
 * The example of every verb, run by a shell in one group from founding to audit, with `--json`: each ends well and
 * prints one envelope. What only looks is run once more on a narrow terminal, where every line must fit.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { displayWidth } from '../../interfaces/cli/table.ts';
import { lbHere } from '../support/lb-here.ts';
import { builtProgram } from '../support/terminal.ts';
import { wordsOf } from '../support/transcript.ts';
import { hasTerminal, lbOnTerminal, shell } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-examples-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const program = builtProgram({ COLUMNS: '1000' });

const verbs = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(verbs);
const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim();

/** The lines of a verb's example, as its help shows them. */
function exampleOf(verb: string): string[] {
  const command = verbs(program).find((one) => pathOf(one) === verb)!;
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return help
    .slice(help.indexOf('Example:\n') + 9)
    .split('\n\n')[0]!
    .trim()
    .split(/\n +/);
}

interface Scene {
  readonly verb: string;
  /** Commands that make the situation which the example is for. */
  readonly given?: readonly string[];
  /** The rules' answer, where the example's situation takes days or a cheat to come about. */
  readonly refusal?: string;
  /** What is added to the command, to make it short. */
  readonly more?: string;
}

/** Every verb, in an order in which the examples make sense. */
const SCENES: readonly Scene[] = [
  { verb: 'init' },
  { verb: 'config list' },
  { verb: 'config set' },
  { verb: 'config get' },
  { verb: 'config unset' },
  { verb: 'help' },
  { verb: 'info' },
  { verb: 'identity list' },
  { verb: 'identity new' },
  { verb: 'identity show' },
  { verb: 'identity password' },
  // Keys without a password from here on: opening them takes longer than everything else.
  { verb: 'create-group', given: ['lb identity password --remove --password-file ./new'] },
  { verb: 'list-groups' },
  { verb: 'access create' },
  { verb: 'access list' },
  { verb: 'access revoke' },
  { verb: 'group-info' },
  { verb: 'policy' },
  { verb: 'add-member' },
  { verb: 'admit' },
  { verb: 'members' },
  { verb: 'profile' },
  { verb: 'invite create' },
  { verb: 'invite list' },
  { verb: 'join', given: ['lb identity new carol'] },
  { verb: 'invite revoke' },
  { verb: 'publish-claim', given: ['lb publish-claim --text "The first"'] },
  { verb: 'recent-claims' },
  { verb: 'thread' },
  { verb: 'compile-context' },
  { verb: 'why' },
  { verb: 'unread' },
  { verb: 'retract-claim' },
  { verb: 'reinstate-claim' },
  { verb: 'import' },
  { verb: 'create-task' },
  { verb: 'list-tasks' },
  { verb: 'show-task' },
  { verb: 'assign-task' },
  { verb: 'take-task' },
  { verb: 'start-task' },
  { verb: 'progress-task' },
  { verb: 'complete-task' },
  { verb: 'release-task' },
  { verb: 'cancel-task' },
  {
    verb: 'fail-task',
    given: [
      'lb create-task --id task_003 --title "Deploy" --assignee bob',
      'lb start-task task_003 --as bob',
    ],
  },
  { verb: 'presence' },
  { verb: 'mint' },
  { verb: 'transfer', given: ['lb mint --to node --amount 500'] },
  { verb: 'treasury-spend' },
  { verb: 'balance' },
  { verb: 'create-offer' },
  { verb: 'list-offers' },
  {
    verb: 'grant',
    given: [
      'lb mint --to bob --amount 2000',
      'lb create-offer --title "By hand" --text "kept" --price 5 --by-hand',
      'lb buy-offer HAND --by-hand --as bob',
    ],
  },
  { verb: 'buy-offer' },
  { verb: 'orders' },
  { verb: 'economy' },
  { verb: 'treasury' },
  { verb: 'refund-purchase', refusal: 'purchase_state' },
  { verb: 'open-purchase' },
  { verb: 'settle-purchase', refusal: 'dispute_window_open' },
  { verb: 'dispute-purchase', refusal: 'dispute_unfounded' },
  { verb: 'accept-purchase' },
  { verb: 'purchases' },
  { verb: 'revoke-offer' },
  { verb: 'call' },
  { verb: 'log' },
  { verb: 'whats-new' },
  { verb: 'sql' },
  { verb: 'show' },
  { verb: 'export' },
  { verb: 'replay' },
  { verb: 'audit' },
  { verb: 'prove' },
  { verb: 'verify-proof' },
  { verb: 'remove-member' },
  { verb: 'sealer', given: ['lb add-member --pub bob --role admin'] },
  { verb: 'identity rename' },
  { verb: 'demo', more: ' --docs ./docs' },
];

/** Verbs whose examples need a stage of their own, or print no envelope. The story of test/contract/owner has them. */
const ELSEWHERE = [
  ...[
    'up',
    'mcp',
    'watch',
    'submit',
    'record-experience',
    'artifact',
    'state get',
    'state list',
    'completion',
  ],
  ...[
    'backup create',
    'backup verify',
    'restore',
    'support-bundle',
    'check',
    'doctor',
    'reload',
    'trust-clock',
    'repair',
    'completion-values',
    'correct-time',
  ],
  ...['context add', 'context list', 'context remove', 'context use', 'upgrade-rules'],
  ...['prove-consistency', 'verify-consistency', 'setup'],
  ...['git init', 'git join', 'git sync', 'git status', 'git hooks'],
  // They need a peer: test/e2e/market.test.ts has them.
  ...['market-pull', 'market-gossip'],
  // Of the network; most need another node.
  ...['run-p2p', 'connect', 'peers', 'peer-add', 'peer-list', 'peer-remove', 'discover-groups'],
  ...['subscribe', 'unsubscribe', 'subscription-list', 'subscription-set', 'sync-now', 'outbox', 'evidence'],
];

const LOOKS = [
  ...['info', 'identity list', 'identity show bob', 'list-groups', 'group-info', 'policy', 'members'],
  ...[
    'invite list',
    'recent-claims',
    'thread CLAIM',
    'compile-context inputs',
    'why CLAIM',
    'whats-new',
    'unread',
    'list-tasks',
    'show-task task_001',
    'presence',
  ],
  ...[
    'balance',
    'orders',
    'economy',
    'treasury',
    'list-offers --all',
    'purchases',
    'log',
    'sql --tables',
    'show CLAIM',
    'show 3',
    'show bob',
    'sealer',
    'replay',
  ],
  ...['peer-list', 'peers', 'subscription-list', 'outbox', 'evidence', 'discover-groups', 'doctor'],
  ...['audit', 'show OFFER', 'show PURCHASE', 'show TX'],
];

/** `lb` without the shim in front of it: the examples are many, and the shim has a test of its own. */
const bin = join(base, 'bin');
const main = join(import.meta.dirname, '../../interfaces/cli/main.ts');

const env: NodeJS.ProcessEnv = {
  LB_DATA: join(base, 'mynode'),
  LB_PASSWORD: 'old',
  LB_NEW_PASSWORD: 'old',
  PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
};

/** What the placeholders of the examples stand for, as the run comes to know it. */
const known: Record<string, string> = { KEY: 'ab'.repeat(32) };

function fill(line: string): string {
  return line.replace(/\b(KEY|CODE|INVITE|CLAIM|HAND|OFFER|PURCHASE|TX|CURSOR|GROUP|ID)\b/g, (name) => {
    expect(known, line).toHaveProperty(name);
    return known[name]!;
  });
}

/** Keeps the ids that a result brings: the first of each kind, so that later verbs act on the same thing. */
function learn(data: Record<string, unknown>): void {
  const ids = { CODE: data.code, INVITE: data.invite, CLAIM: data.claim, OFFER: data.offer };
  const more = {
    PURCHASE: data.purchase,
    TX: data.tx_id,
    GROUP: data.group_id,
    ID: data.group_id,
    CURSOR: data.after,
  };
  // The latest offer, for the scene that has one of its own.
  if (typeof data.offer === 'string') known.HAND = data.offer;
  for (const [name, value] of Object.entries({ ...ids, ...more }))
    if (typeof value === 'string') known[name] ??= value;
}

/** What a shell is not needed for. */
const PLAIN = /^lb [^|<>;&$`]*$/;

async function run(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const filled = `${fill(line)} --json`;
  if (PLAIN.test(filled)) return lbHere(wordsOf(filled).slice(1), { env, cwd: base });
  return shell(`cd '${base}' && ${filled}`, { env });
}

async function succeed(line: string): Promise<void> {
  const { code, stdout, stderr } = await run(line);
  expect(code, `${line}\n${stderr}`).toBe(0);
  expect(stdout, line).toMatch(/^[^\n]+\n$/);
  const envelope = JSON.parse(stdout) as { schema_version: number; data: Record<string, unknown> };
  expect(envelope.schema_version).toBe(1);
  learn(envelope.data);
}

beforeAll(() => {
  mkdirSync(bin);
  writeFileSync(join(bin, 'lb'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 });
  mkdirSync(join(base, 'docs'));
  writeFileSync(join(base, 'docs', 'use.md'), "# Use\n\n```js\nrequire('x');\n```\n");
  for (const [name, text] of [
    ['README.md', '# Readme\n\nWhat it is.\n'],
    ['guide.md', '1. Validate all inputs.\n'],
    ['old', 'old'],
    ['new', 'new'],
  ] as const)
    writeFileSync(join(base, name), text);
});

test('no verb is missing here', () => {
  const verbNames = verbs(program).map(pathOf);
  expect([...SCENES.map(({ verb }) => verb), ...ELSEWHERE].sort()).toEqual(verbNames.sort());
});

describe('the example of', () => {
  test.each(SCENES.map((scene) => [scene.verb, scene] as const))('%s', async (_, scene) => {
    const { verb, given = [], refusal, more = '' } = scene;
    for (const line of given) await succeed(line);
    for (const line of exampleOf(verb)) {
      if (refusal === undefined) await succeed(line + more);
      else {
        const { code, stderr } = await run(line);
        expect(code, stderr).toBe(4);
        expect(JSON.parse(stderr)).toMatchObject({ refusal: { code: refusal } });
      }
    }
  });
});

const NARROW = { ...env, COLUMNS: '40', NO_COLOR: '1' };

function expectToFit(screen: string): void {
  const lines = stripVTControlCharacters(screen).split(/[\r\n]+/);
  // Commands that are to be pasted stay whole. An id or a path is longer than the line, and stays whole as well.
  for (const one of lines.filter((line) => !line.startsWith('  lb ')))
    expect(displayWidth(one.replaceAll(/\S{25,}/g, '')), one).toBeLessThanOrEqual(40);
}

describe('on a terminal of 40 columns every line fits', () => {
  test.each(LOOKS)('of %s', async (line) => {
    const args = wordsOf(fill(line));
    const { code, stdout, stderr } = await lbHere(args, { env: NARROW, cwd: base, columns: 40 });
    expect(code, stderr).toBe(0);
    expect(stdout).not.toBe('');
    expectToFit(stdout);
    expectToFit(stderr);
  });

  test.runIf(hasTerminal)('of a process of its own', async () => {
    const program = join(bin, 'lb');
    const { code, screen } = await lbOnTerminal(['recent-claims'], { program, env: NARROW });
    expect(code, screen).toBe(0);
    // The rows of a table are drawn for who looks, and separated by tabs for a program.
    expect(screen).not.toContain('\t');
    expectToFit(screen);
  });
});
