/**
 * Every transcript is typed, and prints what it says. `LB_UPDATE_DOCS=1` writes what is printed where that differs.
 */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CliContext } from '../../interfaces/cli/context.ts';
import { execute } from '../../interfaces/cli/execute.ts';
import { Output } from '../../interfaces/cli/output.ts';
import type { Terminal } from '../../interfaces/cli/terminal.ts';
import {
  Bindings,
  type Command,
  commandsOf,
  firstMisfit,
  lineFits,
  trimmed,
  wordsOf,
} from '../support/transcript.ts';

const ROOT = join(import.meta.dirname, '../..');
const OWN = 'test/transcripts';
const PAGES = ['README.md', 'docs/CLI.md', ...readdirSync(join(ROOT, OWN)).map((name) => `${OWN}/${name}`)];

/** How what went wrong begins; nothing else may end with an error. */
const WRONG = /^(lb: |BATTERY NODE (WARNING|CRITICAL|UNKNOWN))/;

/** A screen: both outputs, in the order in which a person sees them. */
class Screen implements Terminal {
  readonly isOutTerminal = true;
  readonly isErrTerminal = false;
  readonly isInteractive = false;
  readonly columns = 100;
  readonly cwd: string;
  text = '';

  constructor(cwd: string) {
    this.cwd = cwd;
  }

  writeOut(chunk: string | Uint8Array): void {
    this.text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
  }

  writeErr(text: string): void {
    this.text += text;
  }

  async flush(): Promise<void> {}

  async ask(): Promise<string> {
    throw new Error('a transcript has nobody to ask');
  }

  async readInput(): Promise<Uint8Array> {
    return new Uint8Array(0);
  }

  async *input(): AsyncGenerator<Uint8Array> {}
}

/** One person at one screen: a folder, and what was exported. */
class Shell {
  private readonly cwd: string;
  private readonly env: NodeJS.ProcessEnv;

  constructor(cwd: string) {
    this.cwd = cwd;
    this.env = { NO_COLOR: '1', HOME: cwd };
  }

  /** Types a command; gives the lines that appear and the exit code. */
  async type(typed: string): Promise<{ lines: string[]; code: number }> {
    const [program, ...args] = wordsOf(typed);
    if (program === 'export') {
      for (const [name, value] of args.map((one) => one.split('='))) this.env[name!] = value;
      return { lines: [], code: 0 };
    }
    expect(program, typed).toBe('lb');
    const terminal = new Screen(this.cwd);
    const { env } = this;
    const signal = new AbortController().signal;
    const context: CliContext = { out: new Output(terminal, env), env, signal, terminal, runs: new Set() };
    const code = await execute(context, args, () => undefined);
    const text = terminal.text.replaceAll(this.cwd, '~').replaceAll(/[ \t]+$/gm, '');
    return { lines: trimmed(text.split('\n')), code };
  }
}

async function play(page: string): Promise<void> {
  const path = join(ROOT, page);
  const text = readFileSync(path, 'utf8');
  const lines = text.split('\n');
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'lb-transcript-')));
  try {
    const shell = new Shell(cwd);
    const bindings = new Bindings();
    const changes: { command: Command; lines: readonly string[] }[] = [];
    for (const command of commandsOf(text)) {
      const { typed, expected } = command;
      const seen = await shell.type(bindings.actual(typed));
      const misfit = firstMisfit(expected, seen.lines, bindings);
      const place = `${page}:${command.from}: $ ${typed}`;
      if (misfit !== undefined && process.env.LB_UPDATE_DOCS)
        changes.push({ command, lines: seen.lines.map((line) => bindings.expected(line)) });
      else {
        expect(misfit, `${place}\n${seen.lines.join('\n')}`).toBeUndefined();
        expect(seen.code === 0, `${place} ended with ${seen.code}`).toBe(
          !expected.some((one) => WRONG.test(one)),
        );
      }
    }
    for (const { command, lines: seen } of changes.reverse())
      lines.splice(command.from, command.to - command.from, ...seen);
    if (changes.length > 0) writeFileSync(path, lines.join('\n'));
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

test.each(PAGES)('%s shows what is printed', (page) => play(page));

test('the pages that people read first have transcripts', () => {
  const typed = PAGES.flatMap((page) => commandsOf(readFileSync(join(ROOT, page), 'utf8')));
  expect(typed.length).toBeGreaterThan(30);
  expect(commandsOf(readFileSync(join(ROOT, 'docs/CLI.md'), 'utf8')).length).toBeGreaterThan(3);
});

describe('a transcript that is not true is noticed', () => {
  const [one, other] = ['ab12cd34ef56', '0123456789ab'];

  test.each([
    ['another word', 'Published', 'Retracted'],
    ['another number', 'block 3', 'block 4'],
    ['an id that is none', `claim ${one}`, 'claim none'],
    ['more on the line', 'balance', 'balance 5'],
  ])('%s', (_, expected, actual) => {
    expect(lineFits(expected, actual, new Bindings())).toBe(false);
  });

  test('an id that stands for two', () => {
    expect(
      firstMisfit([`a ${one}`, `b ${one}`], [`a ${other}`, `b ${other}`], new Bindings()),
    ).toBeUndefined();
    expect(firstMisfit([`a ${one}`, `b ${one}`], [`a ${other}`, `b ${one}`], new Bindings())).toBeDefined();
    expect(firstMisfit([`a ${one}`, `b ${other}`], [`a ${one}`, `b ${one}`], new Bindings())).toBeDefined();
  });

  test('a line too many, and one too few', () => {
    expect(firstMisfit(['a'], ['a', 'b'], new Bindings())).toEqual({
      expected: '(nothing more)',
      actual: 'b',
    });
    expect(firstMisfit(['a', 'b'], ['a'], new Bindings())).toMatchObject({ expected: 'b' });
    expect(firstMisfit(['a', '…', 'd'], ['a', 'b', 'c', 'd'], new Bindings())).toBeUndefined();
    expect(firstMisfit(['a', '…', 'd'], ['a', 'b', 'c'], new Bindings())).toBeDefined();
  });

  test('times and spans stand for any', () => {
    const line = 'at 2026-01-31T12:00:00.000Z, 5s ago, 120 bytes';
    expect(lineFits(line, 'at 2031-12-01T01:02:03.004Z, 120ms ago, 7 bytes', new Bindings())).toBe(true);
    expect(lineFits(line, 'at noon, 5s ago, 120 bytes', new Bindings())).toBe(false);
  });

  test('commands get the ids of the run', () => {
    const bindings = new Bindings();
    lineFits(`claim ${'ab'.repeat(32)}`, `claim ${'cd'.repeat(32)}`, bindings);
    expect(bindings.actual('lb show abababab')).toBe('lb show cdcdcdcd');
    expect(bindings.actual('lb show ababababab --at 12345678')).toBe('lb show cdcdcdcdcd --at 12345678');
  });
});
