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
import { missingTypes, publicNames } from '../support/public-api.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The compiler takes all of a slow machine for a while. */
const COMPILING_MS = 300_000;
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'lb-embedding-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/**
 * Parts that the package's own interfaces reach through the public classes, and the machinery behind the table of
 * operations. They are no promise, so they have no names outside.
 */
const OUR_OWN =
  /^(OPERATIONS|\w*Operation|OperationDefinition) uses|dist\/protocol\/(?!membership|errors|network-types)| uses (Of|Invalid|Bus|NetworkPort|MarketNetwork|WriteSet|AnnouncementBook|Granter|Orders|Values|Role|Outbox|MemoryState|Tip|GroupReader|Failure|Part|NODE_TABLES) of /;

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
  }, COMPILING_MS);

  test('compiles under the settings that the README gives', () => {
    expect(typescript(dir, '--noEmit')).toBe('');
  });

  test('would not compile if it used what is not there', () => {
    writeFileSync(join(dir, 'main.ts'), `${block('ts')}\nawait group.as('node').levitate();\n`);
    expect(typescript(dir, '--noEmit')).toContain('levitate');
    writeFileSync(join(dir, 'main.ts'), block('ts'));
  });

  test('can import every type that a public class or function takes or gives', () => {
    const dist = join(dir, 'node_modules/battery-node/dist');
    const indexes = ['index', 'interfaces/observability/index', 'interfaces/script'];
    const missing = missingTypes(indexes.map((one) => join(dist, `${one}.d.ts`)));
    expect(missing.filter((line) => !OUR_OWN.test(line))).toEqual([]);
  });

  test('can import every error, to tell it by its class', async () => {
    const dist = join(dir, 'node_modules/battery-node/dist');
    const given = publicNames(join(dist, 'index.d.ts'));
    const rooms = ['events', 'machines', 'crypto', 'storage', 'views', 'actors', 'protocol'];
    const classes = rooms.flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .flatMap((name) =>
          Array.from(
            readFileSync(join(ROOT, room, name), 'utf8').matchAll(/^export class (\w+) extends \w*Error\b/gm),
            ([, found]) => found!,
          ),
        ),
    );
    expect(classes.length).toBeGreaterThan(20);
    // What parts of the node tell each other; a program gets what they make of it.
    const inside = ['CoreDiscardedError', 'DamageError', 'DamagedFileError', 'RpcError', 'MisbehaviourError'];
    expect(classes.filter((name) => !inside.includes(name) && !given.has(name))).toEqual([]);
  });

  test('is bundled by esbuild as docs/EMBEDDING.md says, and runs', () => {
    const [, script] = /^npx (esbuild .*)$/m.exec(readFileSync(join(ROOT, 'docs/EMBEDDING.md'), 'utf8'))!;
    const [, ...args] = script!.split(' ');
    rmSync(join(dir, 'lb-data'), { recursive: true, force: true });
    execFileSync(join(ROOT, 'node_modules/esbuild/bin/esbuild'), args, { cwd: dir });
    const bundle = readFileSync(join(dir, 'bundle.mjs'), 'utf8');
    expect(bundle).toMatch(/from ['"]battery-node['"]/);
    expect(execFileSync(process.execPath, ['bundle.mjs'], { cwd: dir, encoding: 'utf8' })).toContain('150n');
  });

  test('runs from the build', () => {
    rmSync(join(dir, 'lb-data'), { recursive: true, force: true });
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
