/** Which commits become claims, and what these say: real repositories, and no node. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CLAIM_TEXT_BYTES_MAX } from '../../events/limits.ts';
import { beginNow, unpublished } from '../../interfaces/git/commits.ts';
import { isHookOn, turnHookOn } from '../../interfaces/git/hooks.ts';
import { Repository } from '../../interfaces/git/repository.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-commits-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Person {
  readonly clone: string;
}

function git({ clone }: Person, ...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  return execFileSync('git', args, { cwd: clone, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
}

function commit(who: Person, file: string, message: string): string {
  writeFileSync(join(who.clone, file), `content of ${file}\n`);
  git(who, 'add', '-A');
  git(who, 'commit', '--quiet', '-m', message);
  return git(who, 'rev-parse', 'HEAD').trim();
}

/** What `--commits` would publish, without a node: the newest line of each message. */
const GROUP = 'a'.repeat(64);
const fresh = async (clone: string, groupId = GROUP): Promise<string[]> => {
  const repository = await Repository.at(clone);
  const prepared: string[] = [];
  const agent = {
    prepareClaim: ({ text }: { text: string }) => {
      prepared.push(text);
      return { claim: `${prepared.length}`, operations: [], artifacts: [] };
    },
  };
  const group = { groupId, now: { claim: () => undefined } };
  const outbox = { pending: () => [] };
  await unpublished(repository, agent as never, group as never, outbox as never);
  return prepared;
};
const subjects = (texts: readonly string[]): string[] => texts.map((text) => text.split('\n', 1)[0]!);
let turns = 0;
/** A repository with three old commits of Eve's, in which commits are published from now on. */
async function repositoryOfEve(): Promise<Person> {
  const clone = join(base, `eve-${++turns}`);
  mkdirSync(clone);
  const eve = { clone };
  git(eve, 'init', '--quiet', '--initial-branch=main');
  git(eve, 'config', 'user.email', 'eve@example.org');
  git(eve, 'config', 'user.name', 'Eve');
  for (const at of [1, 2, 3]) commit(eve, `old-${at}`, `old ${at}`);
  await beginNow(await Repository.at(clone), GROUP);
  return eve;
}
const foreign = ['-c', 'user.email=mallory@example.org', '-c', 'user.name=Mallory'];

test('a linked worktree publishes what is committed in it, and none of what was there', async () => {
  const eve = await repositoryOfEve();
  git(eve, 'worktree', 'add', '--quiet', '-b', 'side', `${eve.clone}-side`);
  const side = { clone: `${eve.clone}-side` };
  expect(await fresh(side.clone)).toEqual([]);
  commit(side, 'new', 'new in the worktree');
  expect(subjects(await fresh(side.clone))).toEqual(['new in the worktree']);
  git(eve, 'worktree', 'add', '--quiet', '--detach', `${eve.clone}-detached`, 'main~2');
  expect(await fresh(`${eve.clone}-detached`)).toEqual([]);
});

test('who never said from when on begins with the commit that was made just now, and not with a hundred old ones', async () => {
  const eve = await repositoryOfEve();
  rmSync(join(eve.clone, '.git/battery-node'), { recursive: true });
  commit(eve, 'now', 'made just now');
  expect(subjects(await fresh(eve.clone))).toEqual(['made just now']);
  expect(subjects(await fresh(eve.clone))).toEqual(['made just now']);
  rmSync(join(eve.clone, '.git/battery-node'), { recursive: true });
  git(eve, 'reset', '--quiet', '--hard', 'HEAD~1');
  expect(await fresh(eve.clone)).toEqual([]);
});

test('nothing that came by rebase, cherry-pick, am, merge, pull, revert or reset is a word of the user', async () => {
  const eve = await repositoryOfEve();
  git(eve, 'checkout', '--quiet', '-b', 'theirs', 'main~1');
  writeFileSync(join(eve.clone, 'theirs'), 'x');
  git(eve, 'add', '-A');
  git(eve, ...foreign, 'commit', '--quiet', '-m', 'written by Mallory');
  git(eve, 'format-patch', '--quiet', '-1', '-o', join(base, `patch-${turns}`));
  git(eve, 'checkout', '--quiet', 'main');
  const mine = commit(eve, 'mine', 'mine');
  git(eve, 'cherry-pick', 'theirs');
  git(eve, 'reset', '--quiet', '--hard', 'HEAD~1');
  git(eve, 'am', '--quiet', join(base, `patch-${turns}`, '0001-written-by-Mallory.patch'));
  git(eve, 'checkout', '--quiet', '-b', 'rebased', 'theirs');
  git(eve, 'rebase', '--quiet', '--force-rebase', 'main~2');
  git(eve, 'checkout', '--quiet', 'main');
  git(eve, 'merge', '--quiet', '--no-edit', 'theirs');
  git(eve, 'revert', '--no-edit', mine);
  expect(git(eve, 'log', '-1', '--format=%ce').trim()).toBe('eve@example.org');
  expect(subjects(await fresh(eve.clone))).toEqual(['mine']);
  git(eve, 'checkout', '--quiet', 'rebased');
  expect(await fresh(eve.clone)).toEqual([]);
  git(eve, 'commit', '--quiet', '--amend', '--no-edit');
  expect(await fresh(eve.clone)).toEqual([]);
  git(eve, 'commit', '--quiet', '--amend', '--no-edit', '--reset-author');
  expect(subjects(await fresh(eve.clone))).toEqual(['written by Mallory']);
});

test('a commit says the same in every encoding, with its author and its file names', async () => {
  const eve = await repositoryOfEve();
  git(eve, 'config', 'i18n.commitEncoding', 'ISO-8859-1');
  git(eve, 'config', 'i18n.logOutputEncoding', 'ISO-8859-1');
  const latin = Buffer.from('Gr\xfc\xdfe aus K\xf6ln', 'latin1');
  writeFileSync(join(eve.clone, 'message'), latin);
  writeFileSync(Buffer.from(`${eve.clone}/stra\xdfe.txt`, 'latin1'), 'x');
  git(eve, 'add', '-A');
  git(eve, 'commit', '--quiet', '-F', 'message');
  // Without a word about its encoding.
  git(eve, 'config', '--unset', 'i18n.commitEncoding');
  writeFileSync(join(eve.clone, 'another'), 'x');
  git(eve, 'add', '-A');
  git(eve, 'commit', '--quiet', '--cleanup=verbatim', '-F', 'message');
  const texts = await fresh(eve.clone);
  expect(subjects(texts)).toEqual(['Grüße aus Köln', 'Grüße aus Köln']);
  expect(texts[0]).toContain('A straße.txt');
});

test('a branch that names another group takes no commits along to it', async () => {
  const eve = await repositoryOfEve();
  commit(eve, 'mine', 'for the group where this was turned on');
  await expect(fresh(eve.clone, 'b'.repeat(64))).rejects.toThrow('names another group');
  expect(subjects(await fresh(eve.clone))).toEqual(['for the group where this was turned on']);
});

test('whatever a commit says fits a claim, so that none stands in the way of those after it', async () => {
  const eve = await repositoryOfEve();
  const deep = Array.from({ length: 12 }, (_, at) => `${'\u{1f600}'.repeat(40)}${at}`).join('/');
  mkdirSync(join(eve.clone, deep), { recursive: true });
  for (let at = 0; at < 60; at++) writeFileSync(join(eve.clone, deep, `${at}`), 'x');
  git(eve, 'add', '-A');
  writeFileSync(join(base, 'message'), '\u{1f600}'.repeat(100_000));
  git(eve, 'commit', '--quiet', '-F', join(base, 'message'));
  const [text] = await fresh(eve.clone);
  expect(Buffer.byteLength(text!)).toBeLessThanOrEqual(CLAIM_TEXT_BYTES_MAX);
  expect(text).toMatch(/\n…$/);
});

test('a hook is put where it is this clone’s own and would run anyway, and nowhere else', async () => {
  const eve = await repositoryOfEve();
  const repository = await Repository.at(eve.clone);
  const hook = join(eve.clone, '.git/hooks/post-commit');
  const shared = join(base, 'hooks-of-all');
  mkdirSync(shared, { recursive: true });
  git(eve, 'config', 'core.hooksPath', shared);
  await expect(turnHookOn(repository, ['lb'])).rejects.toThrow('serves others too');
  expect(readdirSync(shared)).toEqual([]);
  git(eve, 'config', '--unset', 'core.hooksPath');
  // A link, as those have who keep their hooks in the repository.
  writeFileSync(join(eve.clone, 'post-commit.sh'), '#!/bin/sh\necho theirs\n', { mode: 0o755 });
  rmSync(hook, { force: true });
  symlinkSync('../../post-commit.sh', hook);
  await expect(turnHookOn(repository, ['lb'])).rejects.toThrow('is a link');
  expect(readFileSync(join(eve.clone, 'post-commit.sh'), 'utf8')).toBe('#!/bin/sh\necho theirs\n');
  rmSync(hook);
  // One that its owner has put to rest is not woken.
  writeFileSync(hook, '#!/bin/sh\nrm -rf everything\n', { mode: 0o644 });
  await expect(turnHookOn(repository, ['lb'])).rejects.toThrow('passes it over');
  expect(statSync(hook).mode & 0o111).toBe(0);
  rmSync(hook);
  await turnHookOn(repository, ['lb']);
  expect(await isHookOn(repository)).toBe(true);
});
