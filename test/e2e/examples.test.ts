/** The recipes in `examples/`, each by its one command. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** What a recipe prints. No key of any service is there, and a proxy that leads nowhere catches what would call out. */
function run(script: string): Promise<{ code: number | null; output: string }> {
  const [node, program] = scripts[script]!.split(' ');
  expect(node).toBe('node');
  const nowhere = 'http://127.0.0.1:1';
  const env = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    HTTPS_PROXY: nowhere,
    HTTP_PROXY: nowhere,
    NODE_USE_ENV_PROXY: '1',
  };
  const child = spawn(process.execPath, [program!], { cwd: root, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

test('an orchestrator that embeds the node gives each task to exactly one worker', async () => {
  const { code, output } = await run('demo:orchestrator');
  expect(code, output).toBe(0);
  const done = output.match(/^part-\d+(?= )/gm) ?? [];
  expect([...done].sort()).toEqual(['part-1', 'part-2', 'part-3', 'part-4', 'part-5', 'part-6']);
  expect(output).toMatch(/^audit: sound/m);
});

test.each([
  ['demo:openai-agents', 'openai'],
  ['demo:langgraph', 'langgraph'],
])('%s works in a group over MCP, without a key', async (script, name) => {
  const { code, output } = await run(script);
  expect(code, output).toBe(0);
  expect(output).toContain(`${name} says: I have completed sum.`);
  expect(output).toContain('sum is completed, result "The sum is 5050.", audit sound');
});
