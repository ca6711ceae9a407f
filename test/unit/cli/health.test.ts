/** Each thing that the doctor looks at, in order and not; and what monitors are told. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  checkConfig,
  checkDirectory,
  checkLeftovers,
  checkModes,
  portsOf,
} from '../../../interfaces/cli/health/directory.ts';
import { critical, ok, warning, worst } from '../../../interfaces/cli/health/finding.ts';
import {
  checkClock,
  checkDisk,
  checkFileSystem,
  checkRoom,
  checkRuntime,
  fileSystemOf,
} from '../../../interfaces/cli/health/machine.ts';
import { nagiosLine, prometheusText } from '../../../interfaces/cli/health/monitors.ts';
import { loadConfig } from '../../../interfaces/config/load.ts';
import { createDirectory } from '../../../storage/directory.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-health-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('the machine', () => {
  test('an old runtime is critical', () => {
    expect(checkRuntime('22.11.0').severity).toBe('critical');
    expect(checkRuntime('24.0.0').severity).toBe('ok');
    expect(checkRuntime('100.1.0').severity).toBe('ok');
  });

  test('room on the disk', () => {
    expect([2e10, 5e8, 1e6].map((free) => checkRoom(free).severity)).toEqual(['ok', 'warning', 'critical']);
    expect(checkDisk(fileSystemOf(join(base, 'not', 'there', 'yet')))).toHaveLength(2);
  });

  test('a network file system is a warning, however the kernel writes its number', () => {
    expect(checkFileSystem(0xef53).severity).toBe('ok');
    expect(checkFileSystem(0x6969).severity).toBe('warning');
    expect(checkFileSystem(0xff534d42 | 0).message).toContain('CIFS');
  });

  test('a clock that is long past, or behind the newest block', () => {
    const now = Date.UTC(2027, 0, 1);
    expect(checkClock(now, now - 1_000).severity).toBe('ok');
    expect(checkClock(now, now + 4 * 60_000).severity).toBe('ok');
    expect(checkClock(now, now + 60 * 60_000)).toMatchObject({ severity: 'critical', check: 'clock' });
    expect(checkClock(0, undefined).severity).toBe('critical');
  });
});

describe('the directory', () => {
  const dir = join(base, 'node');
  const layout = createDirectory(dir);
  const keystore = join(layout.keys, 'keystore.json');
  beforeAll(() => writeFileSync(keystore, '{}', { mode: 0o600 }));

  test('is one, or is not', () => {
    mkdirSync(join(base, 'other'));
    writeFileSync(join(base, 'other', 'diary'), '');
    expect(checkDirectory(dir).severity).toBe('ok');
    expect(checkDirectory(join(base, 'other'))).toMatchObject({ severity: 'critical' });
    expect(checkDirectory(join(base, 'none')).advice).toContain('lb init');
  });

  test.skipIf(process.platform === 'win32')('modes are its owner’s alone', () => {
    expect(checkModes(layout).map(({ severity }) => severity)).toEqual(['ok', 'ok']);
    chmodSync(keystore, 0o640);
    chmodSync(dir, 0o755);
    expect(checkModes(layout).map(({ severity }) => severity)).toEqual(['critical', 'warning']);
    chmodSync(keystore, 0o600);
    chmodSync(dir, 0o700);
  });

  test('a key store that is gone is critical', () => {
    const empty = createDirectory(join(base, 'empty'));
    if (process.platform !== 'win32') expect(worst(checkModes(empty))).toBe('critical');
  });

  test('leftovers of the keys are told', () => {
    expect(checkLeftovers(layout)).toEqual([]);
    writeFileSync(`${keystore}.00.tmp`, '');
    expect(checkLeftovers(layout)).toMatchObject([{ severity: 'warning' }]);
  });

  test('a broken configuration is critical, and each thing in it is named', async () => {
    expect(await checkConfig(layout, {}, false)).toMatchObject([{ check: 'config', severity: 'ok' }]);
    writeFileSync(layout.config, '{"a":');
    expect(await checkConfig(layout, {}, false)).toMatchObject([{ check: 'config', severity: 'critical' }]);
    writeFileSync(layout.config, JSON.stringify({ http_prot: 80, metrics: 'perhaps' }));
    const found = await checkConfig(layout, { LB_NOPE: '1' }, false);
    expect(found.map(({ severity }) => severity)).toEqual(['critical', 'critical', 'critical']);
    expect(found[0]!.message).toContain('did you mean http_port?');
  });

  test('a port that another program has is a warning, and none while the node is up', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    writeFileSync(layout.config, JSON.stringify({ http_port: port }));
    const state = async (isUp: boolean) => (await checkConfig(layout, {}, isUp)).at(-1)!;
    expect([(await state(false)).severity, (await state(true)).severity]).toEqual(['warning', 'ok']);
    expect((await state(false)).message).toContain('http_port');
    await new Promise((resolve) => server.close(resolve));
    expect((await state(false)).severity).toBe('ok');
  });

  test('ports are those of the settings, on their own addresses; a port that the system chooses is none', () => {
    writeFileSync(layout.config, JSON.stringify({ http_port: 8080, p2p_port: 0 }));
    const { settings } = loadConfig({ data: dir, env: { LB_METRICS_PORT: '9464' } });
    expect(portsOf(settings)).toEqual([
      { name: 'metrics_port', port: 9464, host: '127.0.0.1' },
      { name: 'http_port', port: 8080, host: '127.0.0.1' },
    ]);
  });
});

describe('monitors', () => {
  const group = { groupId: 'ab'.repeat(32), name: 'a "b" \\ |\nc', status: 'halted', height: 7, tsMs: 1 };
  const findings = [
    ok('disk_space', 'fine'),
    warning('keys', 'open | wide', 'x'),
    critical('group_halted', 'g is', 'x'),
  ];
  const health = { findings, groups: [group], diskFree: 5 };

  test('Nagios gets one line, the worst first, and no bar in a text', () => {
    const line = nagiosLine(health);
    expect(line).toBe(
      'BATTERY NODE CRITICAL - group_halted: g is; keys: open / wide | groups=1 disk_free=5B',
    );
    expect(nagiosLine({ ...health, findings: [ok('a', 'b')] })).toMatch(
      /^BATTERY NODE OK - 1 check, 1 group \| /,
    );
  });

  test('Prometheus gets a sample for each check and group, with its labels escaped', () => {
    const text = prometheusText(health, 1_500);
    expect(text).toContain('lb_check_status{check="group_halted"} 2\n');
    expect(text).toContain('name="a \\"b\\" \\\\ |\\nc"} 7\n');
    expect(text).toContain('lb_check_timestamp_seconds 1\n');
    // Every line of the format: a comment, or a name, labels and a number.
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="(\\.|[^"\\\n])*",?)*\})? -?\d+(\.\d+)?)$/);
  });
});
