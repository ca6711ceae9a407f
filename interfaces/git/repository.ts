/** A git repository, asked by its own program: where it is, where its hooks are, what was committed. */
import { execFile } from 'node:child_process';
import { isAbsolute, relative, resolve } from 'node:path';
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
    if (answer.failed || answer.output.trim() === '')
      throw new NotFoundError(
        `${folder} is in no git repository with files; go to one, or make it with: git init`,
      );
    return new Repository(answer.output.trimEnd());
  }

  /** The newest commit; nothing before the first one. */
  async head(): Promise<string | undefined> {
    const { failed, output } = await git(this.root, ['rev-parse', '--verify', '--quiet', 'HEAD']);
    return failed ? undefined : output.trim();
  }

  /** A place beside the history that never leaves this clone. */
  async privatePath(name: string): Promise<string> {
    return resolve(this.root, (await this.ask('rev-parse', '--git-path', name)).trimEnd());
  }

  /** Where git looks for hooks, and whether what is there would be committed. */
  async hooks(): Promise<{ readonly folder: string; readonly isShared: boolean }> {
    const folder = await this.privatePath('hooks');
    const own = resolve(this.root, (await this.ask('rev-parse', '--git-common-dir')).trimEnd());
    const isIn = (outer: string): boolean => {
      const way = relative(outer, folder);
      return !way.startsWith('..') && !isAbsolute(way);
    };
    return { folder, isShared: isIn(this.root) && !isIn(own) };
  }

  /**
   * The shas of the user's own commits that `HEAD` has and `since` has not, oldest first; merges say nothing new.
   * @param limit the newest so many
   */
  async commitsSince(since: string | undefined, limit: number): Promise<string[]> {
    if ((await this.head()) === undefined) return [];
    const email = (await git(this.root, ['config', 'user.email'])).output.trim();
    const isKnown =
      since !== undefined && !(await git(this.root, ['cat-file', '-e', `${since}^{commit}`])).failed;
    const output = await this.ask(
      'log',
      '--no-merges',
      '--no-show-signature',
      `--max-count=${limit}`,
      '--format=%H %ce',
      'HEAD',
      ...(isKnown ? [`^${since}`] : []),
    );
    const lines = output.split('\n').filter((line) => line !== '');
    return lines
      .filter((line) => line.slice(line.indexOf(' ') + 1) === email)
      .map((line) => line.split(' ', 1)[0]!)
      .reverse();
  }

  /** @param filesMax changed files that are named */
  async commit(sha: string, filesMax: number): Promise<Commit> {
    const format = '--format=%an%x00%ct%x00%B';
    const [author = '', seconds = '0', message = ''] = (
      await this.ask('log', '-1', '--no-show-signature', format, sha)
    ).split(NUL);
    const tree = ['diff-tree', '--no-commit-id', '--name-status', '--no-renames', '-r', '--root', '-z', sha];
    const parts = (await this.ask(...tree)).split(NUL);
    const files: string[] = [];
    for (let at = 0; at + 1 < parts.length && files.length <= filesMax; at += 2)
      files.push(`${parts[at]} ${parts[at + 1]}`);
    return { sha, author, tsMs: Number(seconds) * 1000, message: message.trim(), files };
  }

  private async ask(...args: string[]): Promise<string> {
    const { failed, output, reason } = await git(this.root, args);
    if (failed) throw new GitError(`git ${args[0]} failed: ${reason}`);
    return output;
  }
}

/** @throws GitError where there is no git, or its answer is not to be waited for */
function git(
  cwd: string,
  args: readonly string[],
): Promise<{ failed: boolean; output: string; reason: string }> {
  // In a hook, git tells its children which repository is meant; here the folder says it.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const options = { cwd, env: { ...env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' }, timeout: ANSWER_MS_MAX };
  return new Promise((resolve, reject) => {
    execFile('git', [...args], { ...options, maxBuffer: ANSWER_BYTES_MAX }, (error, output, said) => {
      const reason = said.trim().split('\n', 1)[0] ?? '';
      if (error === null || typeof error.code === 'number')
        resolve({ failed: error !== null, output, reason });
      else if (error.code === 'ENOENT')
        reject(new GitError('git was not found; install it, or add it to PATH'));
      else reject(new GitError(`git ${args[0]} did not answer (${error.code ?? error.signal})`));
    });
  });
}
