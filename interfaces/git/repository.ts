/** A git repository, asked by its own program: where it is, where its hooks are, what was committed. */
import { execFile } from 'node:child_process';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { NotFoundError } from '../../actors/errors.ts';

/** git is not installed, or did not do what it was asked. An environment error. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly code = 'git_failed';
}

const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const ANSWER_MS_MAX = 30_000;
/** Between fields: what git never puts into them. */
const NUL = '\0';

/** Entries of the reflog that are looked through: far more than what is new between two commits. */
const REFLOG_ENTRIES_MAX = 4_096;
/** How the reflog calls what `git commit` did; picking, rebasing and merging have other words in the brackets. */
const MADE_BY_COMMIT = /^[0-9a-f]+ commit(?: \((?:initial|amend)\))?: /;

export interface OwnCommit {
  readonly sha: string;
  /** When it was committed, whole seconds, in milliseconds. */
  readonly tsMs: number;
}

export interface Commit {
  readonly sha: string;
  readonly author: string;
  /** When it was committed, whole seconds, in milliseconds. */
  readonly tsMs: number;
  readonly message: string;
  /** `M path` and the like. */
  readonly files: readonly string[];
}

export class Repository {
  /** The folder that holds everything that is committed. */
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /**
   * The repository that a folder belongs to.
   * @throws NotFoundError outside of one, GitError
   */
  static async at(folder: string): Promise<Repository> {
    const answer = await git(folder, ['rev-parse', '--show-toplevel']);
    if (answer.failed || answer.text.trim() === '')
      throw new NotFoundError(
        `${folder} is in no git repository with files; go to one, or make it with: git init`,
      );
    return new Repository(answer.text.trimEnd());
  }

  /** The newest commit; nothing before the first one. */
  async head(): Promise<string | undefined> {
    const { failed, text } = await git(this.root, ['rev-parse', '--verify', '--quiet', 'HEAD']);
    return failed ? undefined : text.trim();
  }

  /** A place beside the history of this worktree. */
  private async privatePath(name: string): Promise<string> {
    return resolve(this.root, (await this.ask('rev-parse', '--git-path', name)).trimEnd());
  }

  /**
   * Where git looks for hooks, and whether that place is this clone's own: elsewhere, what is there is committed, or
   * runs in other repositories too.
   */
  async hooks(): Promise<{ readonly folder: string; readonly isOwn: boolean }> {
    const folder = await this.privatePath('hooks');
    const way = relative(await this.sharedPath('.'), folder);
    return { folder, isOwn: way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way) };
  }

  /** A place that all worktrees of this clone share, and that never leaves it. */
  async sharedPath(name: string): Promise<string> {
    return resolve(this.root, (await this.ask('rev-parse', '--git-common-dir')).trimEnd(), name);
  }

  /** Every commit that a ref or a reflog of any worktree names: what is there by now, with all behind it. */
  async knownCommits(): Promise<string[]> {
    return shasIn(await this.ask('rev-list', '--all', '--reflog', '--no-walk=unsorted'));
  }

  /**
   * The commits that the user's own `git commit` made in this worktree, and that are not behind `known`, oldest first.
   * The reflog says how a commit came here: one that was rebased, picked, applied, merged or pulled is nobody's word
   * of now, whoever stands in it as its committer. Merges say nothing new.
   * @param known commits whose history is old; those that git has cleared away meanwhile are passed over
   * @param limit the newest so many
   * @param steps how far back in the reflog
   */
  async ownCommitsSince(
    known: readonly string[],
    limit: number,
    steps = REFLOG_ENTRIES_MAX,
  ): Promise<OwnCommit[]> {
    if ((await this.head()) === undefined) return [];
    const email = (await git(this.root, ['config', 'user.email'])).text.trim();
    if (email === '') return [];
    const made = await this.madeHere(steps);
    const range = ['HEAD', ...known.map((sha) => `^${sha}`)].join('\n');
    const format = ['--no-merges', '--no-commit-header', '--format=%H %ct %ae%x00%ce', '--ignore-missing'];
    const args = ['rev-list', `--max-count=${limit}`, ...format, '--stdin'];
    const lines = (await this.ask({ args, input: `${range}\n` })).split('\n').filter((line) => line !== '');
    return lines.reverse().flatMap((line) => {
      const [sha = '', seconds = '0', ...rest] = line.split(' ');
      const [author, committer] = rest.join(' ').split(NUL);
      const isOwn = author === email && committer === email && made.has(sha);
      return isOwn ? [{ sha, tsMs: Number(seconds) * 1000 }] : [];
    });
  }

  async parentsOf(sha: string): Promise<string[]> {
    return (await this.ask('rev-list', '--parents', '--max-count=1', sha)).trim().split(' ').slice(1);
  }

  /** What `git commit` made in this worktree, as far as its reflog reaches. */
  private async madeHere(steps: number): Promise<Set<string>> {
    const args = ['log', '-g', `--max-count=${steps}`, '--format=%H %gs', '--encoding=UTF-8', 'HEAD'];
    // Without a reflog nobody can say how a commit came here.
    const { failed, text } = await git(this.root, args);
    if (failed) return new Set();
    const lines = text.split('\n').filter((line) => MADE_BY_COMMIT.test(line));
    return new Set(lines.map((line) => line.slice(0, line.indexOf(' '))));
  }

  /** @param filesMax changed files that are named */
  async commit(sha: string, filesMax: number): Promise<Commit> {
    const format = '--format=%an%x00%ct%x00%B';
    const [author = '', seconds = '0', message = ''] = (
      await this.ask('log', '-1', '--no-show-signature', '--encoding=UTF-8', format, sha)
    ).split(NUL);
    const tree = ['diff-tree', '--no-commit-id', '--name-status', '--no-renames', '-r', '--root', '-z', sha];
    const parts = (await this.ask(...tree)).split(NUL);
    const files: string[] = [];
    for (let at = 0; at + 1 < parts.length && files.length <= filesMax; at += 2)
      files.push(`${parts[at]} ${parts[at + 1]}`);
    return { sha, author, tsMs: Number(seconds) * 1000, message: message.trim(), files };
  }

  private async ask(...given: [Question] | string[]): Promise<string> {
    const [first] = given;
    const question = typeof first === 'object' ? first : { args: given as string[] };
    const { failed, text, reason } = await git(this.root, question.args, question.input);
    if (failed) throw new GitError(`git ${question.args[0]} failed: ${reason}`);
    return text;
  }
}

interface Question {
  readonly args: readonly string[];
  /** What git reads. */
  readonly input?: string;
}

const shasIn = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/**
 * Text as git holds it. Messages come in UTF-8 where a commit says what it is written in; what says nothing and is no
 * UTF-8 (names of files from old systems, messages from old editors) is taken for the encoding that nearly all of it has.
 */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Part by part, so that one old name does not spoil what stands beside it.
    return splitAt(bytes, 0).map(fieldOf).join(NUL);
  }
}

function fieldOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function splitAt(bytes: Uint8Array, separator: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(separator); end >= 0; end = bytes.indexOf(separator, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...parts, bytes.subarray(start)];
}

/** @throws GitError where there is no git, or its answer is not to be waited for */
function git(
  cwd: string,
  args: readonly string[],
  input = '',
): Promise<{ failed: boolean; text: string; reason: string }> {
  // In a hook, git tells its children which repository is meant; here the folder says it.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const options = { cwd, env: { ...env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' }, timeout: ANSWER_MS_MAX };
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      [...args],
      { ...options, encoding: 'buffer', maxBuffer: ANSWER_BYTES_MAX },
      (error, output, said) => {
        const reason = textOf(said).trim().split('\n', 1)[0] ?? '';
        if (error === null || typeof error.code === 'number')
          resolve({ failed: error !== null, text: textOf(output), reason });
        else if (error.code === 'ENOENT')
          reject(new GitError('git was not found; install it, or add it to PATH'));
        else reject(new GitError(`git ${args[0]} did not answer (${error.code ?? error.signal})`));
      },
    );
    // One that ends without reading to the end has its reasons, and says them.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
