/** Verbs that are run with a wrong clock, as processes: the system's clock is faked before the program begins. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hasTerminal, lb, lbOnTerminal } from './bin-lb.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });
const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'lb-wrong-clock-'));
const data = join(folder, 'node');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An environment in which every Node shows another time. */
function ahead(ms: number): NodeJS.ProcessEnv {
  const fake = `const Real = Date, ms = ${ms}; globalThis.Date = class extends Real {
    constructor(...all) { all.length === 0 ? super(Real.now() + ms) : super(...all); }
    static now() { return Real.now() + ms; } };`;
  return { LB_DATA: data, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fake)}` };
}

const right = { LB_DATA: data };
async function heightOf(): Promise<number> {
  const { stdout } = await lb(['group-info', '--json'], { env: right });
  return (JSON.parse(stdout) as { data: { height: number } }).data.height;
}

beforeAll(async () => {
  expect((await lb(['init'], { env: right })).code).toBe(0);
  expect((await lb(['create-group', '--name', 'work'], { env: right })).code).toBe(0);
});

test('a verb whose clock is a day ahead seals nothing, and says what to do if the clock is right', async () => {
  const before = await heightOf();
  const { code, stderr } = await lb(['publish-claim', '--text', 'too soon'], { env: ahead(24 * HOUR_MS) });
  expect(code).toBe(7);
  expect(stderr).toContain('lb trust-clock');
  expect(await heightOf()).toBe(before);
  const founded = await lb(['create-group', '--name', 'other'], { env: ahead(24 * HOUR_MS) });
  expect(founded.code).toBe(7);
});

test('--yes seals all the same; the group is not writable then, and correct-time is the way out', async () => {
  const tomorrow = ahead(25 * HOUR_MS);
  expect((await lb(['publish-claim', '--text', 'tomorrow', '--yes'], { env: tomorrow })).code).toBe(0);
  const shut = await lb(['publish-claim', '--text', 'today'], { env: right });
  expect(shut.code).toBe(4);
  expect(shut.stderr).toContain('lb correct-time');
  const before = await heightOf();
  expect((await lb(['correct-time', '--yes'], { env: right })).code).toBe(0);
  expect((await lb(['publish-claim', '--text', 'today'], { env: right })).code).toBe(0);
  expect(await heightOf()).toBe(before + 2);
  expect((await lb(['log', '--kind', 'time.corrected'], { env: right })).stdout).toContain('time.corrected');
});

test.runIf(hasTerminal)('on a terminal it asks', async () => {
  const before = await heightOf();
  const yes = await lbOnTerminal(['publish-claim', '--text', 'asked'], {
    env: ahead(24 * HOUR_MS),
    answers: [['right? [y/N]', 'y\n']],
  });
  expect(yes.code, yes.screen).toBe(0);
  expect(await heightOf()).toBe(before + 1);
});
