/** `lb config`, and what a configuration that makes no sense does to every other verb. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lb, lbJson } from './spawn-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-config-'));
const data = join(base, 'node');
const file = join(data, 'config.json');
beforeAll(() => lb(['init'], { data }));
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Setting {
  readonly setting: string;
  readonly value: unknown;
  readonly source: string;
  readonly spelling: string;
}

const find = async (name: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Setting> => {
  const { settings } = await lbJson<{ settings: Setting[] }>(['config', ...args], { data, env });
  return settings.find(({ setting }) => setting === name)!;
};

test('a setting goes into the file, and shows where it comes from', async () => {
  expect(await find('seal_linger_ms', [])).toMatchObject({ value: 2, source: 'default' });
  expect((await lb(['config', 'set', 'seal_linger_ms', '7'], { data })).exitCode).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ seal_linger_ms: 7 });
  expect(await find('seal_linger_ms', [])).toMatchObject({ value: 7, spelling: 'config.json' });
  const env = { LB_SEAL_LINGER_MS: '8' };
  expect(await find('seal_linger_ms', [], env)).toMatchObject({ value: 8, spelling: 'LB_SEAL_LINGER_MS' });
  expect(await find('seal_linger_ms', ['--seal-linger-ms', '9'], env)).toMatchObject({
    value: 9,
    source: 'flag',
    spelling: '--seal-linger-ms',
  });
  expect((await lb(['config', 'get', 'seal_linger_ms'], { data })).stdout).toBe('7\n');
  expect((await lb(['config', 'unset', 'seal_linger_ms'], { data })).exitCode).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe('{}\n');
});

test('what makes no sense is one line, and no verb works on', async () => {
  writeFileSync(file, '{"log_levle":"info"}');
  for (const args of [['info'], ['config'], ['create-group', '--name', 'x']]) {
    const { exitCode, stdout, stderr } = await lb(args, { data });
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      `lb: ${file} has an unknown key "log_levle" (did you mean log_level?); see docs/CONFIGURATION.md\n`,
    );
  }
  expect((await lb(['config', 'unset', 'log_levle'], { data })).exitCode).toBe(0);
  const { exitCode, stderr } = await lb(['info', '--json'], { data, env: { LB_LOG_LEVLE: 'debug' } });
  expect(exitCode).toBe(2);
  expect(JSON.parse(stderr)).toMatchObject({
    code: 'config_invalid',
    problems: ['the environment has an unknown variable LB_LOG_LEVLE (did you mean LB_LOG_LEVEL?)'],
  });
  const refused = await lb(['config', 'set', 'durability', 'maybe'], { data });
  expect(refused.stderr).toMatch(/^lb: durability cannot be "maybe"; it must be one of flush, commit; .*\n$/);
  expect((await lb(['config'], { data: join(base, 'nowhere') })).exitCode).toBe(3);
});

test('a mistyped variable makes no node in another place than was meant', async () => {
  const elsewhere = join(base, 'elsewhere');
  const { exitCode, stdout, stderr } = await lb(['init'], { data: elsewhere, env: { LB_DATTA: './mine' } });
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^lb: the environment has an unknown variable LB_DATTA \(did you mean LB_DATA\?\);/);
  expect(existsSync(elsewhere)).toBe(false);
});
