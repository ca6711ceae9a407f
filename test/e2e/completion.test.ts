/** Completion, asked of the shells themselves. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lb } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-completion-'));
const data = join(base, 'node');
const MAIN = join(import.meta.dirname, '../../interfaces/cli/main.ts');
const env = { ...process.env, PATH: `${base}:${process.env.PATH}`, LB_DATA: data };
const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;
const scriptOf = (shell: string): string => join(base, `lb.${shell}`);

beforeAll(async () => {
  writeFileSync(join(base, 'some-file.txt'), '');
  // The scripts ask `lb`, which is none here by that name.
  writeFileSync(join(base, 'lb'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
  await lb(['init', '--data', data]);
  await lb(['create-group', '--data', data, '--name', 'domain:research']);
  await lb(['create-group', '--data', data, '--name', 'tools']);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await lb(['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(scriptOf(shell), stdout);
  }
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** What each shell offers for the last word of a line. */
const ASK: Readonly<Record<string, (words: readonly string[]) => string[]>> = {
  bash: (words) => {
    const asked = `source ${scriptOf('bash')}; COMP_WORDS=(${quote(words)}); COMP_CWORD=${words.length - 1}; _lb; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return lines(execFileSync('bash', ['--norc', '-c', asked], { cwd: base, encoding: 'utf8', env }));
  },
  zsh: (words) => {
    // Outside of a line editor nothing completes; what would be offered is printed instead.
    const stubs = `compdef() {}; _files() { print -l -- *(N) }; _message() {}; compadd() { print -l -- \${@[2,-1]} }; _describe() { print -l -- \${\${(P)@[-1]}%%:*} }`;
    const asked = `${stubs}; source ${scriptOf('zsh')}; words=(${quote(words)}); CURRENT=${words.length}; _lb`;
    const offered = lines(execFileSync('zsh', ['-f', '-c', asked], { cwd: base, encoding: 'utf8', env }));
    return offered.filter((one) => one.startsWith(words.at(-1)!));
  },
  fish: (words) => {
    const asked = `source ${scriptOf('fish')}; complete -C '${words.join(' ')}'`;
    const offered = lines(
      execFileSync('fish', ['--no-config', '-c', asked], { cwd: base, encoding: 'utf8', env }),
    );
    return offered.map((line) => line.split('\t')[0]!);
  },
};

const quote = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe.each(Object.keys(ASK))('%s', (shell) => {
  const isHere = has(shell);
  const ask = ASK[shell]!;

  test.skipIf(!isHere)('offers verbs', () => {
    expect(ask(['lb', 'publish-'])).toEqual(['publish-claim']);
    expect(ask(['lb', ''])).toEqual(expect.arrayContaining(['init', 'identity', 'backup', 'watch']));
  });

  test.skipIf(!isHere)('offers the verbs of a family, whatever flags stand before', () => {
    const family = ['list', 'new', 'password', 'rename', 'show'];
    expect(ask(['lb', 'identity', '']).sort()).toEqual(family);
    expect(ask(['lb', '--data', 'identity', 'identity', '']).sort()).toEqual(family);
    expect(ask(['lb', '--json', 'identity', 'n'])).toEqual(['new']);
  });

  test.skipIf(!isHere)('offers the flags of the verb, and of no other', () => {
    expect(ask(['lb', 'publish-claim', '--ev'])).toEqual(['--evidence']);
    expect(ask(['lb', 'mint', '--ev'])).toEqual([]);
    expect(ask(['lb', 'identity', 'new', '--js'])).toEqual(['--json']);
  });

  test.skipIf(!isHere)('offers files where a file belongs', () => {
    expect(ask(['lb', 'publish-claim', '--file', 'some'])).toEqual(['some-file.txt']);
    expect(ask(['lb', 'backup', 'verify', 'some'])).toEqual(['some-file.txt']);
    expect(ask(['lb', 'mint', '--to', 'some'])).toEqual([]);
  });
});

describe.each(Object.keys(ASK))('values in %s', (shell) => {
  const isHere = has(shell);
  const ask = ASK[shell]!;

  test.skipIf(!isHere)('are words where the words are known, each verb its own', () => {
    expect(ask(['lb', 'add-member', '--role', 'm'])).toEqual(['member']);
    expect(ask(['lb', 'list-tasks', '--status', 'pe'])).toEqual(['pending']);
    expect(ask(['lb', 'compile-context', '--status', 're'])).toEqual(['retracted']);
    expect(ask(['lb', 'completion', 'z'])).toEqual(['zsh']);
    expect(ask(['lb', 'config', 'set', 'log_le'])).toEqual(['log_level']);
  });

  test.skipIf(!isHere)('are names of the node that is meant', () => {
    expect(ask(['lb', 'list-tasks', '--group', 't'])).toEqual(['tools']);
    expect(ask(['lb', 'publish-claim', '--as', 'no'])).toEqual(['node']);
    // A name that a shell would split goes by its id.
    expect(ask(['lb', 'list-tasks', '--group', ''])).toEqual(
      expect.arrayContaining(['tools', expect.stringMatching(/^[0-9a-f]{12}$/)]),
    );
    expect(ask(['lb', '--data', 'elsewhere', 'list-tasks', '--group', 't'])).toEqual([]);
  });
});

test('bash is here, so that one shell at least was asked', () => {
  expect(has('bash')).toBe(true);
});

test('a shell that nobody knows is an error', async () => {
  const { code, stderr } = await lb(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
