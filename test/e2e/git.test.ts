/** A project's group through its repository: two clones, two nodes, and a real git between them. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { execute } from '../../interfaces/cli/execute.ts';
import { Output } from '../../interfaces/cli/output.ts';
import { freePort } from '../support/loopback.ts';
import { runVerb, startNode, stopNode, type UpNode } from '../support/owner.ts';
import { RecordingTerminal } from '../support/terminal.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-git-'));
const origin = join(base, 'origin.git');
const nodes: UpNode[] = [];
afterAll(async () => {
  for (const node of nodes) await stopNode(node);
  rmSync(base, { recursive: true, force: true });
});

interface Person {
  readonly data: string;
  readonly clone: string;
}
const person = (name: string): Person => ({ data: join(base, name), clone: join(base, `${name}-clone`) });
const [ada, bob] = [person('ada'), person('bob')];

function git({ clone }: Person, ...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  return execFileSync('git', args, { cwd: clone, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function lb(
  who: Person,
  ...args: string[]
): Promise<{ code: number; data: Record<string, unknown>; stderr: string }> {
  const terminal = new RecordingTerminal(who.clone);
  const env = { LB_DATA: who.data };
  const { signal } = new AbortController();
  const context = { out: new Output(terminal, env), env, signal, terminal, runs: new Set<never>() };
  const code = await execute(context, [...args, '--json'], () => undefined);
  const data = code === 0 ? (JSON.parse(terminal.stdout) as { data: Record<string, unknown> }).data : {};
  return { code, data, stderr: terminal.stderr };
}

async function ok(who: Person, ...args: string[]): Promise<Record<string, unknown>> {
  const { code, data, stderr } = await lb(who, ...args);
  expect(code, `lb ${args.join(' ')}\n${stderr}`).toBe(0);
  return data;
}

function commit(who: Person, file: string, message: string): string {
  writeFileSync(join(who.clone, file), `secret content of ${file}\n`);
  git(who, 'add', '-A');
  git(who, 'commit', '--quiet', '-m', message);
  return git(who, 'rev-parse', 'HEAD').trim();
}

async function claims(who: Person): Promise<string[]> {
  const { claims } = await ok(who, 'recent-claims', '--limit', '50');
  return (claims as { text: string }[]).map(({ text }) => text);
}

beforeAll(async () => {
  mkdirSync(ada.clone);
  execFileSync('git', ['init', '--quiet', '--bare', origin]);
  git(ada, 'init', '--quiet');
  for (const who of [ada, bob]) await ok({ ...who, clone: base }, 'init');
  git(ada, 'config', 'user.email', 'ada@example.org');
  git(ada, 'config', 'user.name', 'Ada');
  git(ada, 'remote', 'add', 'origin', origin);
  commit(ada, 'before.txt', 'Before the group');
});

test('a repository without a group, and a folder without a repository, say so', async () => {
  expect(await lb(ada, 'git', 'status')).toMatchObject({ code: 3 });
  const outside = await lb({ ...ada, clone: base }, 'git', 'status');
  expect(outside).toMatchObject({ code: 3 });
  expect(outside.stderr).toContain('git init');
});

test('one shares the group, and another joins it by what the repository says', async () => {
  const { group_id } = await ok(ada, 'create-group', '--name', 'domain:project');
  const { identity } = (await ok(ada, 'identity', 'show')) as { identity: { public_key: string } };
  const { code } = (await ok(ada, 'invite', 'create')) as { code: string };
  const port = await freePort();
  const address = `${identity.public_key}@127.0.0.1:${port}`;
  expect(await ok(ada, 'git', 'init', '--peer', address)).toMatchObject({
    group: group_id,
    is_changed: true,
  });
  expect(await ok(ada, 'git', 'init')).toMatchObject({ is_changed: false });
  const shared = readFileSync(join(ada.clone, '.lb/group.json'), 'utf8');
  // What lets one in is not in the repository.
  expect(shared).not.toContain(code.slice(4, 40));
  expect(Object.keys(JSON.parse(shared) as object)).toEqual(['format', 'group', 'name', 'peers']);
  commit(ada, 'shared.txt', 'Share the group');
  git(ada, 'push', '--quiet', 'origin', 'HEAD:main');

  execFileSync('git', ['clone', '--quiet', '--branch', 'main', origin, bob.clone]);
  git(bob, 'config', 'user.email', 'bob@example.org');
  git(bob, 'config', 'user.name', 'Bob');
  expect(await ok(bob, 'git', 'status')).toMatchObject({ group_id, is_here: false });
  expect(await lb(bob, 'git', 'sync')).toMatchObject({ code: 2 });
  nodes.push(await startNode(ada.data, { LB_P2P_PORT: String(port) }));
  expect(await ok(bob, 'git', 'join', code)).toMatchObject({ group_id, role: 'member' });
  expect(await ok(bob, 'git', 'join', code)).toMatchObject({ group_id, role: 'member' });
  expect(await ok(bob, 'git', 'sync')).toMatchObject({ group_id, pending: 0 });
});

test('commits stay in git until somebody asks; then one’s own become claims, once, and reach the sealer', async () => {
  commit(bob, 'quiet.txt', 'Nobody hears of this');
  const hook = join(bob.clone, '.git/hooks/post-commit');
  mkdirSync(join(hook, '..'), { recursive: true });
  writeFileSync(hook, '#!/bin/sh\necho theirs >> ran.log\n');
  chmodSync(hook, 0o755);
  expect(await ok(bob, 'git', 'hooks')).toMatchObject({ are_commits_published: false });
  expect(await ok(bob, 'git', 'hooks', 'on')).toMatchObject({ are_commits_published: true });
  const first = readFileSync(hook, 'utf8');
  await ok(bob, 'git', 'hooks', 'on');
  expect(readFileSync(hook, 'utf8')).toBe(first);

  const sha = commit(bob, 'heard.txt', 'Everybody hears of this');
  expect(readFileSync(join(bob.clone, 'ran.log'), 'utf8')).toBe('theirs\n');
  // The sealer is elsewhere: what the hook wrote waits, and is not written twice.
  expect(await ok(bob, 'git', 'sync', '--commits', '--local')).toMatchObject({ published: 0, pending: 1 });
  expect(await ok(bob, 'git', 'sync', '--commits')).toMatchObject({ published: 0, pending: 0 });
  const texts = await claims(bob);
  expect(texts).toHaveLength(1);
  expect(texts[0]).toBe(`Everybody hears of this\n\ncommit ${sha}\nby Bob\nA heard.txt`);
  expect(texts[0]).not.toMatch(/secret content|example\.org/);

  await ok(bob, 'git', 'hooks', 'off');
  expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\necho theirs >> ran.log\n');
  commit(bob, 'later.txt', 'Nobody hears of this either');
  expect(await claims(bob)).toHaveLength(1);
});

test('a hook of ours alone goes as a whole; one in the repository, or of another language, is left alone', async () => {
  const hook = join(ada.clone, '.git/hooks/post-commit');
  const inProcess = (...args: string[]) =>
    runVerb([...args, '--json'], ada.data, { cwd: ada.clone, isForwarding: true });
  expect((await inProcess('git', 'hooks', 'on')).code).toBe(0);
  expect(statSync(hook).mode & 0o111).toBe(0o111);
  expect((await inProcess('git', 'hooks', 'off')).code).toBe(0);
  expect(existsSync(hook)).toBe(false);
  writeFileSync(hook, '#!/usr/bin/env python3\n');
  expect((await inProcess('git', 'hooks', 'on')).code).toBe(2);
  expect(readFileSync(hook, 'utf8')).toBe('#!/usr/bin/env python3\n');
  rmSync(hook);
  git(ada, 'config', 'core.hooksPath', 'githooks');
  expect((await inProcess('git', 'hooks', 'on')).code).toBe(2);
  git(ada, 'config', '--unset', 'core.hooksPath');
});

test.each([
  ['no JSON', 'hello'],
  ['another format', '{"format":2,"group":"","name":"","peers":[]}'],
  ['more than belongs there', `{"format":1,"group":"${'a'.repeat(64)}","name":"x","peers":[],"code":"lbi1"}`],
  [
    'an address that is none',
    `{"format":1,"group":"${'a'.repeat(64)}","name":"x","peers":[{"key":"${'b'.repeat(64)}","addresses":["/unix/x"]}]}`,
  ],
])('a file with %s is not followed', async (_, text) => {
  writeFileSync(join(bob.clone, '.lb/group.json'), text);
  const { code, stderr } = await lb(bob, 'git', 'join');
  expect(code).toBe(7);
  expect(JSON.parse(stderr)).toMatchObject({ code: 'git_failed' });
  git(bob, 'checkout', '--', '.lb/group.json');
});
