/**
 * Commits as claims. What a claim says follows from the commit alone, so that the same commit is the same claim,
 * whoever publishes it and however often: it is known by its id. Messages and names of files are told, contents and
 * addresses of people are not.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Agent, unwrap } from '../../actors/agent.ts';
import type { Group } from '../../actors/group.ts';
import type { Batch } from '../../actors/new-records.ts';
import type { Outbox } from '../../actors/outbox.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import type { Commit, Repository } from './repository.ts';

/** Commits of one run: the newest. Who comes with more imports a history, which this is not for. */
const COMMITS_MAX = 100;
const FILES_MAX = 50;
const MESSAGE_CHARACTERS_MAX = 8_000;
const TAGS: readonly string[] = ['git', 'commit'];

/** A commit of so long ago was not made just now. */
const JUST_NOW_MS = 60_000;

/** Where it is kept what was there when commits began to be published: one for all worktrees of the clone. */
const KNOWN_FILE = 'battery-node/known-commits';

/** Commits that are there already, in any branch or worktree, are not published. */
export async function beginNow(repository: Repository): Promise<void> {
  await keepKnown(repository, await repository.knownCommits());
}

async function keepKnown(repository: Repository, shas: readonly string[]): Promise<void> {
  const path = await repository.sharedPath(KNOWN_FILE);
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${shas.join('\n')}\n`);
  renameSync(draft, path);
}

async function known(repository: Repository): Promise<string[] | undefined> {
  try {
    const text = readFileSync(await repository.sharedPath(KNOWN_FILE), 'utf8');
    return text.split('\n').filter((line) => /^[0-9a-f]{40,64}$/.test(line));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The user's new commits. Who never said from when on begins now, with the one that was just made. */
async function newCommits(repository: Repository): Promise<readonly string[]> {
  const old = await known(repository);
  if (old !== undefined) return (await repository.ownCommitsSince(old, COMMITS_MAX)).map(({ sha }) => sha);
  const head = await repository.head();
  const [last] = await repository.ownCommitsSince([], 1, 1);
  const isNew = last !== undefined && last.sha === head && Math.abs(Date.now() - last.tsMs) <= JUST_NOW_MS;
  const all = await repository.knownCommits();
  if (!isNew) {
    await keepKnown(repository, all);
    return [];
  }
  await keepKnown(repository, [
    ...all.filter((sha) => sha !== head),
    ...(await repository.parentsOf(last.sha)),
  ]);
  return [last.sha];
}

export function textOfCommit({ sha, author, message, files }: Commit): string {
  const shown = files.slice(0, FILES_MAX);
  const more = files.length > shown.length ? ['…'] : [];
  const said = Array.from(message).slice(0, MESSAGE_CHARACTERS_MAX).join('');
  return [said || '(no message)', '', `commit ${sha}`, `by ${author}`, ...shown, ...more].join('\n');
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
  const shas = await newCommits(repository);
  const waiting = new Set(
    outbox.pending(group.groupId).flatMap(({ artifacts }) => artifacts.map((bytes) => toHex(sha256(bytes)))),
  );
  const found: NewCommit[] = [];
  for (const sha of shas) {
    const commit = await repository.commit(sha, FILES_MAX);
    const text = textOfCommit(commit);
    const { claim, ...batch } = agent.prepareClaim({ text, tags: TAGS, createdMs: commit.tsMs });
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
