/**
 * The hook that publishes commits: a few marked lines in `post-commit`, beside whatever is there. They live in the
 * clone and never in the repository, since they name folders of this machine. A hook never stops a commit.
 */
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../actors/errors.ts';
import { shellWord } from '../cli/text.ts';
import type { Repository } from './repository.ts';

const BEGIN = '# >>> battery-node: a commit becomes a claim; "lb git hooks off" takes this out';
const END = '# <<< battery-node';
const SHELL = /^#!\s*(\/usr)?\/bin\/(env )?(ba|da|z|k)?sh\b/;

async function hookFile(repository: Repository): Promise<string> {
  const { folder, isOwn } = await repository.hooks();
  if (!isOwn)
    throw new UsageError(
      `core.hooksPath leads to ${folder}, which is in the repository itself or serves others too; a line of your own there may call: lb git sync --commits --local`,
    );
  const file = join(folder, 'post-commit');
  const found = lstatSync(file, { throwIfNoEntry: false });
  // A link leads into the repository more often than not, and what is there would be committed.
  if (found !== undefined && !found.isFile())
    throw new UsageError(
      `${file} is a link or no file; a line of your own where it leads may call: lb git sync --commits --local`,
    );
  return file;
}

/** Whether git runs a hook that is there: whoever took the right away meant it to rest. */
function isResting(file: string): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found !== undefined && (found.mode & 0o111) === 0;
}

/** Whether commits of this clone are published. */
export async function isHookOn(repository: Repository): Promise<boolean> {
  const file = join((await repository.hooks()).folder, 'post-commit');
  return existsSync(file) && readFileSync(file, 'utf8').includes(BEGIN);
}

/**
 * Puts the hook in, or brings its command line up to date.
 * @throws UsageError where a hook is there that is no shell script, or rests, or is not this clone's own
 */
export async function turnHookOn(repository: Repository, command: readonly string[]): Promise<string> {
  const file = await hookFile(repository);
  if (isResting(file))
    throw new UsageError(
      `${file} may not be executed, so git passes it over; move it away, or let it run with: chmod +x ${shellWord(file)}`,
    );
  const present = existsSync(file) ? withoutBlock(readFileSync(file, 'utf8')) : '#!/bin/sh\n';
  if (!SHELL.test(present))
    throw new UsageError(`${file} is no shell script; add to it by hand: ${quoted(command)}`);
  const block = `${BEGIN}\n${quoted(command)} </dev/null >/dev/null || true\n${END}\n`;
  mkdirSync(join(file, '..'), { recursive: true });
  // Right behind the first line: a script may end anywhere.
  const [first = '', ...rest] = present.split(/(?<=\n)/);
  writeFileSync(file, `${first.trimEnd()}\n${block}${rest.join('')}`);
  chmodSync(file, 0o755);
  return file;
}

/** Takes the hook out; what else is in the file stays. */
export async function turnHookOff(repository: Repository): Promise<void> {
  const file = join((await repository.hooks()).folder, 'post-commit');
  if (!(await isHookOn(repository))) return;
  const rest = withoutBlock(readFileSync(file, 'utf8'));
  if (rest.trim() === '#!/bin/sh') rmSync(file);
  else writeFileSync(file, rest);
}

function withoutBlock(text: string): string {
  const start = text.indexOf(BEGIN);
  const end = text.indexOf(`${END}\n`, start);
  return start < 0 || end < 0 ? text : text.slice(0, start) + text.slice(end + END.length + 1);
}

/** For a shell, whatever is in the words. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
