/**
 * Commits as claims. What a claim says follows from the commit alone, so that the same commit is the same claim,
 * whoever publishes it and however often: it is known by its id. Messages and names of files are told, contents and
 * addresses of people are not.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Agent, unwrap } from '../../actors/agent.ts';
import { UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import type { Batch } from '../../actors/new-records.ts';
import type { Outbox } from '../../actors/outbox.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import { TIME_MS_MAX } from '../../events/limits.ts';
import { shorten } from '../cli/text.ts';
import type { Commit, Repository } from './repository.ts';

/** Commits of one run: the newest. Who comes with more imports a history, which this is not for. */
const COMMITS_MAX = 100;
const FILES_MAX = 50;
/** With four bytes a character at the most, all of it together fits the text of a claim. */
const MESSAGE_CHARACTERS_MAX = 8_000;
const FILE_CHARACTERS_MAX = 150;
const AUTHOR_CHARACTERS_MAX = 200;
const TAGS: readonly string[] = ['git', 'commit'];

/** A commit of so long ago was not made just now. */
const JUST_NOW_MS = 60_000;

/** Where it is kept what was there when commits began to be published: one for all worktrees of the clone. */
const KNOWN_FILE = 'battery-node/known-commits';
/** Its line that says in which group commits are published. */
const GROUP_WORD = 'group ';

/** Commits that are there already, in any branch or worktree, are not published; those to come are, in this group. */
export async function beginNow(repository: Repository, groupId: Hex32): Promise<void> {
  await keepKnown(repository, groupId, await repository.knownCommits());
}

async function keepKnown(repository: Repository, groupId: Hex32, shas: readonly string[]): Promise<void> {
  const path = await repository.sharedPath(KNOWN_FILE);
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${[GROUP_WORD + groupId, ...shas].join('\n')}\n`);
  renameSync(draft, path);
}

interface Known {
  readonly shas: readonly string[];
  readonly groupId: Hex32 | undefined;
}

async function known(repository: Repository): Promise<Known | undefined> {
  try {
    const lines = readFileSync(await repository.sharedPath(KNOWN_FILE), 'utf8').split('\n');
    const named = lines.find((line) => line.startsWith(GROUP_WORD));
    return {
      shas: lines.filter((line) => /^[0-9a-f]{40,64}$/.test(line)),
      groupId: named?.slice(GROUP_WORD.length),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The user's new commits. Who never said from when on begins now, with the one that was just made.
 * @throws UsageError where the repository names another group by now: a branch of somebody else's may do that, and
 * what one writes for the one group is not for the other
 */
async function newCommits(repository: Repository, groupId: Hex32): Promise<readonly string[]> {
  const old = await known(repository);
  if (old !== undefined && old.groupId !== undefined && old.groupId !== groupId)
    throw new UsageError(
      `the repository names another group than that in which commits are published (${old.groupId.slice(0, 12)}); if you mean the other one: lb git hooks off, then lb git hooks on`,
    );
  if (old !== undefined)
    return (await repository.ownCommitsSince(old.shas, COMMITS_MAX)).map(({ sha }) => sha);
  const head = await repository.head();
  const [last] = await repository.ownCommitsSince([], 1, 1);
  const isNew = last !== undefined && last.sha === head && Math.abs(Date.now() - last.tsMs) <= JUST_NOW_MS;
  const all = await repository.knownCommits();
  if (!isNew) {
    await keepKnown(repository, groupId, all);
    return [];
  }
  await keepKnown(repository, groupId, [
    ...all.filter((sha) => sha !== head),
    ...(await repository.parentsOf(last.sha)),
  ]);
  return [last.sha];
}

export function textOfCommit({ sha, author, message, files }: Commit): string {
  const shown = files.slice(0, FILES_MAX).map((file) => shorten(file, FILE_CHARACTERS_MAX));
  const more = files.length > shown.length ? ['…'] : [];
  const said = Array.from(message).slice(0, MESSAGE_CHARACTERS_MAX).join('');
  return [
    said || '(no message)',
    '',
    `commit ${sha}`,
    `by ${shorten(author, AUTHOR_CHARACTERS_MAX)}`,
    ...shown,
    ...more,
  ].join('\n');
}

export interface NewCommit {
  readonly sha: string;
  readonly claim: Hex32;
  readonly batch: Batch;
}

/** The user's commits that the group does not know yet, oldest first. */
export async function unpublished(
  repository: Repository,
  agent: Pick<Agent, 'prepareClaim'>,
  group: Group,
  outbox: Outbox,
): Promise<NewCommit[]> {
  const shas = await newCommits(repository, group.groupId);
  const waiting = new Set(
    outbox.pending(group.groupId).flatMap(({ artifacts }) => artifacts.map((bytes) => toHex(sha256(bytes)))),
  );
  const found: NewCommit[] = [];
  for (const sha of shas) {
    const commit = await repository.commit(sha, FILES_MAX);
    const text = textOfCommit(commit);
    const { claim, ...batch } = agent.prepareClaim({
      text,
      tags: TAGS,
      // Whoever sets the clock of a commit may set it to what no calendar has.
      createdMs: Math.max(0, Math.min(commit.tsMs, TIME_MS_MAX)),
    });
    if (group.now.claim(claim) === undefined && !waiting.has(claim)) found.push({ sha, claim, batch });
  }
  return found;
}

/** Publishes them in one transaction. @throws RefusedError, PendingError where their sealer is elsewhere */
export async function publish(agent: Agent, commits: readonly NewCommit[]): Promise<void> {
  const operations = commits.flatMap(({ batch }) => batch.operations);
  const artifacts = commits.flatMap(({ batch }) => batch.artifacts);
  if (operations.length > 0) unwrap(await agent.submit(operations, artifacts));
}
