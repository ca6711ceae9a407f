/** What people type in the first hour: natural forms, likely words, names instead of keys, and an agent let in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute } from '../../interfaces/cli/execute.ts';
import { Output } from '../../interfaces/cli/output.ts';
import { RecordingTerminal } from '../support/terminal.ts';
import { lb } from './bin-lb.ts';

const home = mkdtempSync(join(tmpdir(), 'lb-first-hour-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const env = { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), LB_DATA: join(home, 'node') };

/** A verb in this process: starting one takes longer than all that the verb does. */
async function run(args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const terminal = new RecordingTerminal(home);
  const all = { ...env, ...more };
  const out = new Output(terminal, all);
  const { signal } = new AbortController();
  const code = await execute({ out, env: all, signal, terminal, runs: new Set() }, args, () => undefined);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

async function data<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run([...args, '--json']);
  expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
  return (JSON.parse(stdout) as { data: T }).data;
}

async function fails(...args: string[]): Promise<string> {
  const { code, stderr } = await run(args);
  expect(code).not.toBe(0);
  return stderr;
}

const members = async () =>
  (await data<{ members: { member: string; name?: string; identity?: string; role: string }[] }>('members'))
    .members;

beforeAll(async () => {
  const { identity } = await data<{ identity: { name: string } }>('init', '--name', 'ada');
  expect(identity.name).toBe('ada');
  await data('create-group', 'research');
});

describe('natural forms', () => {
  test('of claims, tasks and payments need no flags', async () => {
    await data('publish-claim', 'hello', '--tags', 'greeting');
    const { claims } = await data<{ claims: { text: string }[] }>('recent-claims');
    expect(claims.map(({ text }) => text)).toEqual(['hello']);
    await data('create-task', 'Do it', '--id', 't1');
    expect((await data<{ task: { title: string } }>('show-task', 't1')).task.title).toBe('Do it');
    await data('identity', 'new', 'bob');
    await data('add-member', 'bob');
    const before = (await data<{ balance: string }>('balance', 'bob')).balance;
    await data('transfer', 'bob', '5');
    await data('transfer', '--to', 'bob', '5');
    await data('transfer', '--to', 'bob', '--amount', '5');
    expect(BigInt((await data<{ balance: string }>('balance', 'bob')).balance)).toBe(BigInt(before) + 15n);
    await data('presence', 'busy', '--as', 'bob');
  });

  test('of all that follows a subject need no flags either, and flags may stand for any part', async () => {
    await data('create-task', 'Sum it up', '--id', 't2');
    await data('assign-task', 't2', 'bob');
    await data('start-task', 't2', '--as', 'bob');
    await data('progress-task', '--task', 't2', 'half done', '--as', 'bob');
    await data('complete-task', 't2', 'The sum is 5050.', '--as', 'bob');
    const done = await data<{ task: { status: string; assignee: string }; result_text?: string }>(
      'show-task',
      't2',
    );
    expect(done.task.status).toBe('completed');
    expect(JSON.stringify(done)).toContain('The sum is 5050.');
    const { claim } = await data<{ claim: string }>('publish-claim', 'a result');
    await data('create-task', 'Once more', '--id', 't3');
    await data('take-task', 't3');
    await data('start-task', 't3');
    expect(await fails('complete-task', 't3', 'x', '--text', 'y')).toContain('give the result once');
    await data('complete-task', 't3', claim.slice(0, 10));
    expect((await data<{ task: { result: string } }>('show-task', 't3')).task.result).toBe(claim);
    await data('retract-claim', claim, 'wrong after all');
    await data('reinstate-claim', '--reason', 'right after all', claim);
    await data('create-task', 'Never', '--id', 't4');
    await data('cancel-task', 't4', 'not needed');
    await data('create-offer', 'A sum', '5', '--text', '5050');
    await data('create-offer', '--title', 'Another', '5', '--text', '5050');
    const { offers } = await data<{ offers: { title: string; price: string }[] }>('list-offers');
    expect(offers.map(({ title, price }) => `${title} ${price}`).sort()).toEqual(['A sum 5', 'Another 5']);
    await data('identity', 'new', 'eve');
    await data('add-member', 'eve', 'viewer');
    expect((await members()).find(({ identity }) => identity === 'eve')?.role).toBe('viewer');
    await data('export', join(home, 'research.lbgroup'));
    await data('prove-consistency', '0', join(home, 'since-0.lbproof'));
    expect(await fails('export')).toContain('which file? give it as an argument or with --out');
    expect(await fails('create-offer', 'A sum')).toContain('which price?');
    expect(await fails('cancel-task', 't4', 'a', 'b')).toContain('too many arguments');
  });

  test('that leave a doubt are refused with the right form', async () => {
    expect(await fails('publish-claim', 'hello', '--text', 'else')).toContain('give the text once');
    expect(await fails('publish-claim', 'two', 'words')).toContain('too many arguments');
    expect(await fails('transfer', 'bob')).toContain('which amount?');
    expect(await fails('transfer', 'bob', '5', '--to', 'ada')).toContain('say once which to you mean');
    expect(await fails('create-task')).toContain('which title?');
  });

  test('of a likely word lead to the verb', async () => {
    expect(await fails('search', 'hello')).toContain('lb compile-context');
    expect(await fails('send', 'bob', '5')).toContain('lb transfer');
    expect(await fails('serve')).toContain('lb up');
  });
});

describe('names', () => {
  test("the node's own is the chosen one, and node means it all the same", async () => {
    expect(await members()).toContainEqual(
      expect.objectContaining({ identity: 'ada', name: 'ada', role: 'admin' }),
    );
    await data('publish-claim', 'as before', '--as', 'node');
    await data('identity', 'rename', 'ada', 'zoe');
    await data('publish-claim', 'with another name', '--as', 'zoe');
    expect((await members()).find(({ role }) => role === 'admin')).toMatchObject({ identity: 'zoe' });
    expect(await fails('identity', 'rename', 'zoe', 'bob')).toContain('bob');
    expect(await fails('identity', 'rename', 'zoe', 'abcdef0123')).toContain('looks like a key');
  });

  test('of nobody lead to making an identity, and of members elsewhere to their keys', async () => {
    expect(await fails('add-member', 'nobody')).toContain('lb identity new nobody');
    await data('profile', 'Robert', '--as', 'bob');
    const { member } = (await members()).find(({ name }) => name === 'Robert')!;
    expect(await fails('transfer', 'Robert', '5')).toContain(member.slice(0, 8));
  });
});

describe('an agent', () => {
  test('is made, let in and proved by setup, before its host first starts', async () => {
    const { code, stderr } = await run(['setup', 'claude-code', '--yes']);
    expect(code, stderr).toBe(0);
    expect(await members()).toContainEqual(
      expect.objectContaining({ identity: 'claude-code', name: 'claude-code', role: 'member' }),
    );
    await data('publish-claim', 'from the agent', '--as', 'claude-code');
  });

  test('is not let in without a yes', async () => {
    const { stderr } = await run(['setup', 'codex']);
    expect(stderr).toContain('nothing was written');
    expect((await members()).some(({ identity }) => identity === 'codex')).toBe(false);
  });

  test('is let in by a verb of its own, as often as one likes', async () => {
    const first = await data<{ was_made: boolean; was_added: boolean; role: string }>('admit', 'helper');
    expect(first).toMatchObject({ was_made: true, was_added: true, role: 'member' });
    const again = await data<{ was_made: boolean; was_added: boolean }>('admit', 'helper');
    expect(again).toMatchObject({ was_made: false, was_added: false });
    expect(await fails('admit', 'other', '--as', 'helper')).toContain('admin');
  });
});

test('a task shows what its result says', async () => {
  const { claim } = await data<{ claim: string }>('publish-claim', 'the answer is 42', '--as', 'bob');
  for (const args of [['take-task'], ['start-task'], ['complete-task', '--result', claim]])
    await data(args[0]!, 't1', ...args.slice(1), '--as', 'bob');
  const { stdout } = await run(['show-task', 't1']);
  expect(stdout).toContain('the answer is 42');
  expect(await data('show', 't1')).toMatchObject({ result_text: 'the answer is 42' });
});

test('every variable of others that do the same is taken, and one without effect is told of', async () => {
  const variables = {
    LB_LOG_LEVEL: 'INFO',
    LB_LOG_DIR: join(home, 'logs'),
    LB_LOG_JSON: 'true',
    LB_MAX_CLOCK_DRIFT_MS: '300000',
    LB_NONCE_EXPIRY_MS: '86400000',
    LB_P2P_MAX_CONN_PER_IP: '10',
    LB_P2P_MAX_REQ_PER_MIN: '100',
    LB_SYNC_INTERVAL_S: '300',
    LB_SYNC_AUTO_START: 'true',
  };
  const { code, stderr } = await lb(['config'], { env: { ...env, ...variables } });
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('LB_NONCE_EXPIRY_MS');
  expect(stderr).toContain('24 hours');
});
