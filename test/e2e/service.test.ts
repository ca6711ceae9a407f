/** The recipes of docs/SERVICE.md: the unit is one that systemd reads, and a node is a good first process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { SETTINGS } from '../../interfaces/config/schema.ts';
import { BIN } from './bin-lb.ts';

const PAGE = readFileSync(new URL('../../docs/SERVICE.md', import.meta.url), 'utf8');
const blockOf = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)![1]!;

const base = mkdtempSync(join(tmpdir(), 'lb-service-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) console.warn('the unit is not verified here: systemd-analyze is not installed');

/** What `systemd-analyze verify` has to say of a unit. */
function complaints(unit: string): string {
  const file = join(base, 'battery-node.service');
  writeFileSync(file, unit.replace('/usr/bin/lb', BIN));
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
  // Of other units of this machine it speaks as well.
  return (stdout + stderr)
    .split('\n')
    .filter((line) => line.includes('battery-node'))
    .join('\n');
}

test.skipIf(!hasSystemd)('systemd finds nothing wrong with the unit', () => {
  const unit = blockOf('ini');
  expect(complaints(unit)).toBe('');
  // It would find something.
  expect(complaints(unit.replace('StateDirectory=', 'StateDirectry='))).toContain('StateDirectry');
  expect(complaints(unit.replace('Restart=on-failure', 'Restart=sometimes'))).not.toBe('');
});

test('both recipes name settings that there are', () => {
  const named = (blockOf('ini') + blockOf('dockerfile')).matchAll(/\bLB_([A-Z0-9_]+)=/g);
  const names = Array.from(named, ([, name]) => name!.toLowerCase()).filter((name) => name !== 'data');
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) expect(Object.keys(SETTINGS), name).toContain(name);
  expect(blockOf('dockerfile')).toMatch(/^ENTRYPOINT \["lb"\]$/m);
});

const NOBODY = 65_534;
const namespaces = ['--fork', '--pid', '--mount-proc', '--kill-child'];
const canUnshare = spawnSync('unshare', [...namespaces, 'true']).status === 0;
if (!canUnshare) console.warn('a node as the first process is not tested here: not root, or no unshare');

/** What a runtime of containers does, without an image: namespaces of its own, another user, the node as process 1. */
function contained(data: string, ...args: string[]): ChildProcess {
  const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  return spawn('unshare', [...namespaces, ...user, process.execPath, BIN, ...args, '--json'], {
    env: { PATH: process.env.PATH, HOME: data, LB_DATA: join(data, 'node'), LB_P2P_HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function firstLine(child: ChildProcess): Promise<Record<string, unknown>> {
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
  return (JSON.parse(line) as { data: Record<string, unknown> }).data;
}

test.skipIf(!canUnshare)(
  'a node is a good first process: it serves others, and SIGTERM ends it with 0',
  async () => {
    const volume = join(base, 'volume');
    mkdirSync(volume);
    chownSync(volume, NOBODY, NOBODY);
    chmodSync(base, 0o755);
    const [initialized] = await once(contained(volume, 'init', '--name', 'ada'), 'exit');
    expect(initialized).toBe(0);
    const node = contained(volume, 'up');
    const { pid } = await firstLine(node);
    expect(pid).toBe(1);
    // As `docker exec` does: another process, served through the socket in the volume.
    const asked = contained(volume, 'info');
    const { identities } = (await firstLine(asked)) as { identities: { name: string }[] };
    expect(identities.map(({ name }) => name)).toContain('ada');
    const children = readFileSync(`/proc/${node.pid}/task/${node.pid}/children`, 'utf8').trim();
    process.kill(Number(children), 'SIGTERM');
    const [code] = await once(node, 'exit');
    expect(code).toBe(0);
  },
  120_000,
);
