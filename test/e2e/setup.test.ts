/** `lb setup` as people run it: what each agent's configuration holds, and that what stands there starts a server. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { execute } from '../../interfaces/cli/execute.ts';
import { Output } from '../../interfaces/cli/output.ts';
import { RecordingTerminal } from '../support/terminal.ts';
import { type Ended, hasTerminal, lb, lbOnTerminal } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-setup-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let home = '';
let count = 0;
beforeEach(() => {
  home = join(base, `home-${++count}`);
  mkdirSync(home);
});

const env = (): NodeJS.ProcessEnv => ({
  HOME: home,
  XDG_CONFIG_HOME: join(home, '.config'),
  CODEX_HOME: '',
  LB_DATA: join(home, 'node'),
});

/** The verb in this process: starting one takes longer than all that the verb does. */
async function run(...args: string[]): Promise<Ended> {
  const terminal = new RecordingTerminal(home);
  const out = new Output(terminal, env());
  const { signal } = new AbortController();
  const code = await execute({ out, env: env(), signal, terminal, runs: new Set() }, args, () => undefined);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

async function setup(...args: string[]): Promise<{ state: string; file: string }> {
  const { code, stdout, stderr } = await run('setup', ...args, '--json');
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { data: { state: string; file: string } }).data;
}

/** File, whose names lead to the server, what stands in it before. */
const AGENTS = {
  'claude-code': ['.claude.json', ['mcpServers'], '{\n  "numStartups": 3,\n  "projects": {}\n}\n'],
  codex: [
    '.codex/config.toml',
    ['mcp_servers'],
    'model = "o"\n\n# mine\n[mcp_servers.other]\ncommand = "x"\n',
  ],
  cursor: ['.cursor/mcp.json', ['mcpServers'], '{ "mcpServers": { "other": { "command": "x" } } }'],
  vscode: ['.config/Code/User/mcp.json', ['servers'], '{\n\t// mine\n\t"inputs": [],\n}\n'],
  gemini: ['.gemini/settings.json', ['mcpServers'], '{"theme":"dark"}'],
  opencode: ['.config/opencode/opencode.jsonc', ['mcp'], '{\n  "model": "a/b", // mine\n}\n'],
} as const;

type Server = { command: string | string[]; args?: string[] };

function serverIn(agent: keyof typeof AGENTS, file: string): Server | undefined {
  const text = readFileSync(file, 'utf8');
  const document: unknown = agent === 'codex' ? parseToml(text) : parseJsonc(text);
  const names = [...AGENTS[agent][1], 'battery-node'];
  return names.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document) as
    | Server
    | undefined;
}

describe.runIf(process.platform === 'linux').each(Object.keys(AGENTS) as (keyof typeof AGENTS)[])(
  '%s',
  (agent) => {
    test('is shown, written, left alone, changed, and undone to the byte', async () => {
      const [path, , text] = AGENTS[agent];
      const file = join(home, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: 0o640 });
      expect(await setup(agent)).toMatchObject({ state: 'shown', file });
      expect(readFileSync(file, 'utf8')).toBe(text);
      expect(await setup(agent, '--yes')).toMatchObject({ state: 'written' });
      const { command, args = [] } = serverIn(agent, file)!;
      const line = [command, args].flat();
      expect(line.slice(1)).toEqual([
        join(import.meta.dirname, '../../bin/lb'),
        'mcp',
        '--data',
        join(home, 'node'),
        '--identity',
        agent,
      ]);
      expect(statSync(file).mode & 0o777).toBe(0o640);
      const written = readFileSync(file, 'utf8');
      expect(await setup(agent, '--yes')).toMatchObject({ state: 'unchanged' });
      expect(readFileSync(file, 'utf8')).toBe(written);
      expect(await setup(agent, '--yes', '--identity', 'bob')).toMatchObject({ state: 'written' });
      expect([serverIn(agent, file)!.command, serverIn(agent, file)!.args].flat()).toContain('bob');
      expect(await setup(agent, '--undo', '--yes')).toMatchObject({ state: 'undone' });
      expect(readFileSync(file, 'utf8')).toBe(text);
      expect(await setup(agent, '--undo', '--yes')).toMatchObject({ state: 'unchanged' });
    });

    test('where there is no configuration, one is made, and goes again', async () => {
      const { file } = await setup(agent, '--yes');
      expect(serverIn(agent, file)).toBeDefined();
      await setup(agent, '--undo', '--yes');
      expect(existsSync(file)).toBe(false);
      const project = await setup(agent, '--project', 'p', '--yes');
      expect(project.file.startsWith(join(home, 'p'))).toBe(true);
      expect(serverIn(agent, project.file)).toBeDefined();
    });
  },
);

test('what the agent wrote since stays when the server is taken out', async () => {
  const { file } = await setup('cursor', '--yes');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('"mcpServers": {', '"later": 1,\n  "mcpServers": {'));
  await setup('cursor', '--undo', '--yes');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ later: 1, mcpServers: {} });
});

test('another server of that name, and a damaged file, are left alone', async () => {
  const file = join(home, '.cursor/mcp.json');
  mkdirSync(dirname(file));
  writeFileSync(file, '{"mcpServers":{"battery-node":{"command":"theirs"}}}');
  for (const args of [[], ['--undo']]) {
    const { code, stderr } = await run('setup', 'cursor', '--yes', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain('--name');
  }
  writeFileSync(file, '{"mcpServers":');
  const { code, stderr } = await run('setup', 'cursor', '--yes');
  expect(code).toBe(7);
  expect(stderr).toMatch(/left as it is: line 1 is not JSON/);
  expect(readFileSync(file, 'utf8')).toBe('{"mcpServers":');
});

test('a configuration that is a link stays one', async () => {
  writeFileSync(join(home, 'dotfile'), '{}');
  symlinkSync(join(home, 'dotfile'), join(home, '.claude.json'));
  expect(await setup('claude-code', '--yes')).toMatchObject({ file: join(home, 'dotfile') });
  expect(serverIn('claude-code', join(home, '.claude.json'))).toBeDefined();
});

test('what was written starts a server that any client can use', async () => {
  expect((await lb(['init'], { env: env() })).code).toBe(0);
  const { file } = await setup('gemini', '--yes');
  const { command, args } = serverIn('gemini', file) as { command: string; args: string[] };
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StdioClientTransport({ command, args, env: { PATH: '/nowhere', HOME: home } }));
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain('publish_claim');
  await client.close();
});

describe.runIf(hasTerminal)('on a terminal', () => {
  test.each([
    ['y\r', true],
    ['\r', false],
  ] as const)('the difference is shown and the answer %j heeded', async (answer, isWritten) => {
    const { code, screen } = await lbOnTerminal(['setup', 'cursor'], {
      env: { ...env(), NO_COLOR: '1' },
      answers: [['Write this?', answer]],
    });
    expect(code, screen).toBe(0);
    expect(screen).toMatch(/\+ +"battery-node": \{/);
    expect(existsSync(join(home, '.cursor/mcp.json'))).toBe(isWritten);
  });
});
