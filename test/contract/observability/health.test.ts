/** Health and readiness find what is wrong with a node, and nothing where nothing is. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../actors/clock.ts';
import { type Check, type HealthSubject, health, ready } from '../../../interfaces/observability/health.ts';
import { BatteryNode } from '../../../node.ts';
import { temporaryFolder, watchedNode } from './support.ts';

const well: HealthSubject = { isLocked: false, sealingDoubt: undefined, loadedGroups: () => [] };
const group = (status: string, haltReason?: string) => ({
  groupId: 'ab'.repeat(32),
  info: () => ({ status, haltReason }),
});

async function check(subject: HealthSubject, data: string, name: Check['name']): Promise<Check> {
  return (await health(subject, data)).checks.find((one) => one.name === name)!;
}

test('a node that is well', async () => {
  const { data, attached } = await watchedNode({});
  const before = readdirSync(data).sort();
  const { status, checks } = await attached.health();
  expect(checks.map(({ name }) => name)).toEqual(['storage', 'disk_space', 'clock', 'groups', 'keys']);
  expect(checks.filter((one) => one.status !== 'ok' && one.name !== 'disk_space')).toEqual([]);
  expect(status).not.toBe('failed');
  expect(await attached.ready()).toEqual({ ready: true, reasons: [] });
  expect(readdirSync(data).sort(), 'the probe leaves nothing behind').toEqual(before);
});

test('a clock that jumped', async () => {
  let jumpMs = 0;
  const clock = { ...systemClock, nowMs: () => Date.now() + jumpMs };
  const { attached, node } = await watchedNode({ max_clock_drift_ms: '60000' }, { clock });
  jumpMs = -59_000;
  expect((await attached.health()).status).not.toBe('failed');
  jumpMs = -3_600_000;
  const found = await attached.health();
  expect(found.status).toBe('failed');
  const { ready: isReady, reasons } = await attached.ready();
  expect(isReady).toBe(false);
  expect(reasons).toEqual([expect.stringMatching(/jumped back by 35\d\d s/)]);
  node.trustClock();
  expect((await attached.ready()).ready).toBe(true);
});

test('a clock that nothing vouches for', async () => {
  const data = join(temporaryFolder(), 'node');
  const founded = await BatteryNode.openOrInit({ data });
  await founded.createGroup({ name: 'known' });
  await founded.close();
  const clock = { ...systemClock, nowMs: () => Date.now() + 48 * 3_600_000, sinceBootMs: () => undefined };
  const { attached, node, observability } = await watchedNode({}, { clock }, data);
  const { metrics } = observability;
  expect((await attached.health()).checks.find(({ name }) => name === 'clock')).toMatchObject({
    ...{ status: 'failed', detail: expect.stringContaining('the last time that is known here') },
    next: expect.stringContaining('trust_clock'),
  });
  expect((await attached.ready()).ready).toBe(false);
  expect(await metrics!.text()).toContain('\nlb_clock_uncertain 1\n');
  // Whoever only asks vouches for nothing.
  expect(node.sealingDoubt).toMatchObject({ code: 'clock_uncertain' });
  node.trustClock();
  expect(await attached.ready()).toEqual({ ready: true, reasons: [] });
  expect(await metrics!.text()).toContain('\nlb_clock_uncertain 0\n');
});

test('keys that are locked', async () => {
  const data = temporaryFolder();
  await BatteryNode.init({ data, password: 'a password' });
  const { attached } = await watchedNode({}, {}, data);
  expect((await attached.health()).checks.at(-1)).toMatchObject({ name: 'keys', status: 'degraded' });
  expect(await attached.ready()).toMatchObject({
    ready: false,
    reasons: [expect.stringContaining('locked')],
  });
});

test('a data directory that is gone', async () => {
  const data = temporaryFolder();
  rmSync(data, { recursive: true });
  expect(await check(well, data, 'storage')).toMatchObject({
    status: 'failed',
    detail: 'the data directory cannot be written: the folder for it is not there, or takes nothing new',
  });
  expect(await check(well, data, 'disk_space')).toMatchObject({ status: 'failed' });
  expect((await ready(well, data)).ready).toBe(false);
});

test('groups that are halted', async () => {
  const data = temporaryFolder();
  const halted = (groups: HealthSubject['loadedGroups']) =>
    check({ ...well, loadedGroups: groups }, data, 'groups');
  const broken = group('halted', 'the disk failed');
  expect(await halted(() => [group('sealing'), group('following')])).toMatchObject({ status: 'ok' });
  expect(await halted(() => [group('sealing'), broken])).toEqual({
    name: 'groups',
    status: 'degraded',
    detail: 'groups halted: 1 of 2 (abababab: the disk failed)',
  });
  expect(await halted(() => [broken, broken])).toMatchObject({ status: 'failed' });
  const subject = { ...well, loadedGroups: () => [broken, group('sealing')] };
  expect((await ready(subject, data)).ready).toBe(true);
});
