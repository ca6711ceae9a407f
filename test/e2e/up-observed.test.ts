/** `lb up` under a configuration: it logs into files, answers monitors, and tells nobody its password. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lb, lbJson } from './spawn-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-up-'));
const data = join(base, 'node');
const logs = join(base, 'logs');
afterAll(() => rmSync(base, { recursive: true, force: true }));

const PASSWORD = 'correct horse battery staple';
const env = { LB_PASSWORD: PASSWORD, LB_LOG_LEVEL: 'trace', LB_LOG_DIR: logs, LB_LOG_JSON: 'true' };

const readLines = (): { msg: string; port?: number }[] =>
  readdirSync(logs)
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as { msg: string; port?: number });

test('a node that is up logs, counts and answers', async () => {
  await lb(['init', '--encrypt-keys'], { data, env });
  let stop = (): void => {};
  const { promise: isUp, resolve: wentUp } = Promise.withResolvers<void>();
  const up = lb(['up', '--metrics-port', '0'], {
    data,
    env,
    onStart: (child) => {
      stop = () => child.kill('SIGTERM');
      child.stdout.on('data', () => wentUp());
    },
  });
  await Promise.race([isUp, up]);
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'observed'], { data });
  const { code } = await lbJson<{ code: string }>(['invite', 'create'], { data });
  const { port } = readLines().find(({ msg }) => msg === 'monitors are answered')!;
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain(`lb_head_height{group="${group_id.slice(0, 16)}"} 1`);
  expect((await fetch(`http://127.0.0.1:${port}/ready`)).status).toBe(200);
  stop();
  expect((await up).exitCode).toBe(0);

  const said = readLines().map(({ msg }) => msg);
  expect(said).toEqual(
    expect.arrayContaining(['the node is up', 'group.opened', 'block committed', 'stopping']),
  );
  const text = JSON.stringify(readLines()) + metrics;
  for (const secret of [PASSWORD, Buffer.from(PASSWORD).toString('hex'), code, code.slice(-40)])
    expect(text).not.toContain(secret);
});

test('a port that is taken, or a folder that cannot be, is one line, and the directory is free again', async () => {
  const { exitCode, stdout, stderr } = await lb(['up', '--log-dir', join(data, 'node.json')], {
    data,
    env: { LB_PASSWORD: PASSWORD },
  });
  expect([exitCode, stdout]).toEqual([7, '']);
  expect(stderr).toMatch(/^lb: log_dir: .*node\.json is a file where a folder is needed; move it away\n$/);
  const taken = await lb(
    ['up', '--metrics-port', '0', '--metrics-host', '192.0.2.1', '--log-level', 'error'],
    {
      data,
      env: { LB_PASSWORD: PASSWORD },
    },
  );
  expect(taken.exitCode).toBe(7);
  expect(taken.stderr).toMatch(/^lb: metrics_port 0 on 192\.0\.2\.1 cannot be used \(E[A-Z]+\).*\n$/);
  expect((await lb(['info'], { data })).exitCode).toBe(0);
});

test('a port for peers that is taken, or an address that is not ours, is one line that says what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const run = (...args: string[]) =>
    lb(['up', ...args], { data, env: { LB_PASSWORD: PASSWORD, LB_LOG_LEVEL: 'error' } });
  const taken = await run('--port', String(port));
  server.close();
  expect(taken).toMatchObject({ exitCode: 7, stdout: '' });
  expect(taken.stderr).toBe(
    `lb: cannot listen for peers: another program uses port ${port}; choose another one with --port, or 0 for any\n`,
  );
  const foreign = await run('--host', '203.0.113.7');
  expect(foreign.exitCode).toBe(7);
  expect(foreign.stderr).toMatch(
    /^lb: cannot listen for peers: 203\.0\.113\.7 is no address of this machine; [^\n]*\n$/,
  );
  const keyless = await run('--p2p-bootstrap', '/ip4/192.0.2.1/tcp/4242');
  expect(keyless.exitCode).toBe(2);
});
