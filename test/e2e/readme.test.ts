/** The code in the README runs, and prints what it says that it prints. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../support/loopback.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

function blocksOf(language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return Array.from(README.matchAll(fence), ([, code]) => code!);
}

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lb-readme-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** What a block says that it prints: the words after `// prints`, up to a colon that begins an explanation. */
function promised(code: string): string[] {
  return Array.from(code.matchAll(/\/\/ prints (.*?)(?:: .*)?$/gm), ([, text]) => text!);
}

describe('TypeScript', () => {
  const blocks = blocksOf('ts');

  test('there are examples', () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  test.each(blocks.map((code, at) => [at + 1, code] as const))('example %i runs', async (_, code) => {
    const api = pathToFileURL(join(ROOT, 'index.ts')).href;
    const file = join(dir, 'example.mts');
    const script = pathToFileURL(join(ROOT, 'interfaces/script.ts')).href;
    writeFileSync(
      file,
      code
        .replaceAll("from 'battery-node'", `from ${JSON.stringify(api)}`)
        .replaceAll("from 'battery-node/script'", `from ${JSON.stringify(script)}`),
    );
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: dir, timeout: 50_000 });
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n')).toEqual(promised(code));
  });
});

describe('shell', () => {
  const blocks = blocksOf('bash');

  const { LB_DATA: _, LB_PASSWORD: __, ...inherited } = process.env;
  const bash = async (script: string, more: NodeJS.ProcessEnv = {}): Promise<string> => {
    const env = { ...inherited, PATH: `${join(ROOT, 'bin')}${delimiter}${process.env.PATH ?? ''}`, ...more };
    const { stdout } = await run('bash', ['-c', `set -euo pipefail\n${script}`], {
      cwd: dir,
      env,
      timeout: 170_000,
    });
    return stdout;
  };

  test('the blocks run one after the other', async () => {
    expect(blocks.length).toBeGreaterThan(0);
    const stdout = await bash(blocks.join('\n'));
    expect(stdout).toContain('Always validate inputs before processing');
    expect(stdout).toContain('task_001');
  }, 180_000);

  test('the blocks that make things run a second time in the same shell', async () => {
    const again = blocks[0];
    const stdout = await bash(`${again}\n${again}`);
    expect(stdout.match(/Founded the group domain:research/g)).toHaveLength(2);
    expect(stdout.match(/Published the claim/g)).toHaveLength(2);
  }, 180_000);

  test('npx runs what was installed in a project, also the second time', async () => {
    const [block] = blocksOf('bash npx');
    const installed =
      'mkdir -p node_modules/.bin && ln -s "$ROOT" node_modules/battery-node && ln -s ../battery-node/bin/lb node_modules/.bin/lb';
    const script = block!.replace('npm install battery-node', installed);
    expect(script).not.toBe(block);
    const stdout = await bash(`${script}\n${script}`, { ROOT });
    expect(stdout.match(/Published the claim/g)).toHaveLength(2);
  }, 180_000);

  test('$TOKEN and $NODE are what the block says, also the second time', async () => {
    const port = await freePort();
    const [block] = blocksOf('bash serve');
    const script = block!.replaceAll('8420', String(port));
    expect(script).not.toBe(block);
    const before = `${blocks[0]}\nlb identity new bob\nlb add-member bob\nlb create-task "Do it" --id task_001\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT`;
    const stdout = await bash(`${before}\n${script}\n${script.replace(/^lb up.*$/m, '')}`);
    expect(stdout.match(/"task_001"/g)?.length).toBeGreaterThanOrEqual(2);
    expect(stdout).not.toContain('unauthorized');
  }, 180_000);
});
