/** The package as another program gets it: what is in it, that it compiles there, and what an old Node is told. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertRuntime } from '../../runtime.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'lb-embedding-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(README)![1]!;

function typescript(cwd: string, ...args: string[]): string {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, ...args], {
    cwd,
    encoding: 'utf8',
  });
  return status === 0 ? '' : stdout + stderr;
}

describe('a program that embeds the node', () => {
  /** As an installation lays it out: the package among those that it needs. */
  beforeAll(() => {
    const modules = join(dir, 'node_modules');
    const home = join(modules, 'battery-node');
    mkdirSync(home, { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    cpSync(join(ROOT, 'package.json'), join(home, 'package.json'));
    expect(typescript(ROOT, '-p', 'tsconfig.build.json', '--outDir', join(home, 'dist'))).toBe('');
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
    writeFileSync(join(dir, 'tsconfig.json'), block('json'));
    writeFileSync(join(dir, 'main.ts'), block('ts'));
  });

  test('compiles under the settings that the README gives', () => {
    expect(typescript(dir, '--noEmit')).toBe('');
  });

  test('would not compile if it used what is not there', () => {
    writeFileSync(join(dir, 'main.ts'), `${block('ts')}\nawait group.as('node').levitate();\n`);
    expect(typescript(dir, '--noEmit')).toContain('levitate');
    writeFileSync(join(dir, 'main.ts'), block('ts'));
  });

  test('runs from the build', () => {
    const stdout = execFileSync(process.execPath, ['main.ts'], { cwd: dir, encoding: 'utf8' });
    expect(stdout).toContain('150n');
  });
});

test('the package holds the program and its pages, and no tools of the project', () => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = spawnSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const files = packed!.files.map(({ path }) => path).filter((path) => !path.startsWith('dist/'));
  expect(files).toEqual(
    expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'bin/lb', 'docs/CLI.md']),
  );
  expect(
    files.filter((path) => !/^(bin\/lb|package\.json|LICENSE|[^/]+\.md|docs\/.*\.md)$/.test(path)),
  ).toEqual([]);
  // A page of the package leads only to pages of the package.
  const links = Array.from(README.matchAll(/\]\(([^)#:]+)\)/g), ([, target]) => target!);
  expect(links.filter((target) => !files.includes(target))).toEqual([]);
});

describe('a Node that is too old', () => {
  test.each(['20.20.2', '23.11.0'])('%s is told what is needed, without a stack trace', (version) => {
    let thrown: unknown;
    try {
      assertRuntime(version);
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Error).message).toContain(`needs Node 24 or newer, and this is ${version}`);
    expect((thrown as Error).stack).not.toContain('\n');
  });

  test.each(['24.0.0', '26.1.0'])('%s is not', (version) => {
    expect(() => assertRuntime(version)).not.toThrow();
  });

  test('gets as far as that: nothing that an old one lacks is loaded with the package', () => {
    const index = JSON.stringify(join(ROOT, 'index.ts'));
    const script = `await import(${index}); await import('node:sqlite').catch(({ code }) => console.log(code));`;
    const args = ['--no-experimental-sqlite', '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'ERR_UNKNOWN_BUILTIN_MODULE\n', stderr: '' });
  });
});
