/** The code in the README runs, and prints what it says that it prints. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

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

  test('the blocks run one after the other', async () => {
    expect(blocks.length).toBeGreaterThan(0);
    const script = `set -euo pipefail\n${blocks.join('\n')}`;
    const { LB_DATA: _, LB_PASSWORD: __, ...inherited } = process.env;
    const env = { ...inherited, PATH: `${join(ROOT, 'bin')}${delimiter}${process.env.PATH ?? ''}` };
    const { stdout } = await run('bash', ['-c', script], { cwd: dir, env, timeout: 170_000 });
    expect(stdout).toContain('Always validate inputs before processing');
    expect(stdout).toContain('task_001');
  }, 180_000);
});
