/** Verbs that are named somewhere exist, and those that do not exist lead to those that do. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../actors/errors.ts';
import { EXIT } from '../../../interfaces/cli/exit-codes.ts';
import { failureOf } from '../../../interfaces/cli/failures.ts';
import { LIKELY, noSuchVerb, verbNames } from '../../../interfaces/cli/suggest.ts';
import { builtProgram } from '../../support/terminal.ts';

const ROOT = join(import.meta.dirname, '../../..');
const program = builtProgram();
const known = verbNames(program);

/** Every `lb VERB` of a text that is no verb. */
function strangers(text: string): string[] {
  return Array.from(text.matchAll(/\blb ([a-z]+(?:-[a-z0-9]+)*)(?: ([a-z]+))?/g)).flatMap(([, verb, sub]) => {
    const isFamily = known.some((name) => name.startsWith(`${verb} `));
    const name = isFamily && sub !== undefined ? `${verb} ${sub}` : verb!;
    return known.includes(name) ? [] : [name];
  });
}

function files(folder: string, extension: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('every verb that is named exists', () => {
  const pages = readdirSync(ROOT).filter((name) => name.endsWith('.md'));
  const texts = [
    ...files('interfaces', '.ts'),
    ...files('actors', '.ts'),
    ...files('docs', '.md'),
    ...pages.map((name) => join(ROOT, name)),
  ];

  test.each(texts.map((path) => [path.slice(ROOT.length + 1), path]))('in %s', (_, path) => {
    expect(strangers(readFileSync(path, 'utf8'))).toEqual([]);
  });

  test('and one that does not is noticed', () => {
    expect(texts.length).toBeGreaterThan(50);
    expect(strangers('see lb tasks, lb invite make and lb invite list')).toEqual(['tasks', 'invite make']);
  });
});

describe('a verb that does not exist', () => {
  test.each([
    ['tasks', 'lb list-tasks'],
    ['mnt', 'lb mint'],
    ['accept', 'lb accept-purchase'],
    ['task-create', 'lb create-task'],
    ['group-list', 'lb list-groups'],
    ['inivte', 'lb invite'],
    ['search', 'lb compile-context'],
    ['send', 'lb transfer'],
    ['serve', 'lb up'],
    ['whoami', 'lb info'],
    ['list-members', 'lb members'],
    ['list-claims', 'lb recent-claims'],
    ['rename', 'lb profile'],
    ['get-claim', 'lb publish-claim'],
  ])('%s leads to %s', (given, meant) => {
    expect(noSuchVerb(program, given).message).toContain(`did you mean ${meant}`);
  });

  test.each(Object.entries(LIKELY))('%s leads to verbs that there are', (_, meant) => {
    expect(meant.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('with nothing like it leads to the list', () => {
    expect(noSuchVerb(program, 'xyzzy').message).toBe('there is no verb "xyzzy"; lb help lists them all');
  });

  /** What this command line ends with. */
  async function failing(...args: string[]) {
    const error = await builtProgram()
      .parseAsync(args, { from: 'user' })
      .catch((reason: unknown) => reason);
    return failureOf(error)!;
  }

  test.each([
    ['there is no verb "tasks"', 'tasks'],
    ['there is no verb "tasks"', 'help', 'tasks'],
    ['there is no verb "invite crate"; did you mean lb invite create?', 'help', 'invite', 'crate'],
    ['which verb?', '--data', 'somewhere'],
    ['which verb?', '--json'],
    ['go behind it', '--group', 'g', 'info'],
    ['most values go behind a flag', 'balance', 'bob', '5'],
    ["missing required argument 'name'; lb VERB --help shows what goes where", 'identity', 'new'],
  ])('says %s', async (says, ...args) => {
    const { exitCode, message } = await failing(...args);
    expect(exitCode).toBe(EXIT.usage);
    expect(message).toContain(says);
  });
});

describe('a mistyped flag', () => {
  const verbs = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(verbs);
  const pathOf = (command: Command): string[] =>
    command.parent === null ? [] : [...pathOf(command.parent), command.name()];

  test.each(verbs(program).map((one) => [pathOf(one).join(' '), one] as const))(
    'of %s is refused, and the right one named',
    async (_, command) => {
      for (const { long } of command.options) {
        const mistyped = long!.slice(0, -1);
        const error = await builtProgram()
          .parseAsync([...pathOf(command), mistyped], { from: 'user' })
          .catch((reason: unknown) => reason);
        expect(error).not.toBeInstanceOf(UsageError);
        const { exitCode, message } = failureOf(error)!;
        expect(exitCode).toBe(EXIT.usage);
        expect(message).toMatch(new RegExp(`unknown option '${mistyped}' \\(Did you mean .*--`));
      }
    },
  );
});
