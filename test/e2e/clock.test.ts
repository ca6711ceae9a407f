/**
 * Verbs, and a node that is up, with a wrong clock, as processes: the system's clock is faked before the program begins.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hasTerminal, type LbOptions, lb, lbOnTerminal } from './bin-lb.ts';

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

/** As `ahead`, in a process that goes on: its clocks move by so much more whenever it gets SIGUSR2. */
function movable(startMs: number, stepMs: number, what: 'wall clock' | 'sleep'): NodeJS.ProcessEnv {
  const fake = `import os, { } from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
    const Real = Date, up = os.uptime; let ms = ${startMs}, slept = 0;
    process.on('SIGUSR2', () => { ms += ${stepMs}; ${what === 'sleep' ? `slept += ${stepMs} / 1000;` : ''} });
    os.uptime = () => up() + slept; syncBuiltinESMExports();
    globalThis.Date = class extends Real {
      constructor(...all) { all.length === 0 ? super(Real.now() + ms) : super(...all); }
      static now() { return Real.now() + ms; } };`;
  return { LB_DATA: data, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fake)}` };
}

interface UpNode {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** `lb up` with monitors, until it is stopped. */
async function upWith(env: LbOptions['env']): Promise<UpNode> {
  let child: ChildProcess | undefined;
  const { promise: isUp, resolve: wentUp } = Promise.withResolvers<string>();
  const ended = lb(['up', '--json', '--p2p', 'false', '--metrics-port', '0'], {
    env: { ...env, LB_LOG_JSON: 'true', LB_LOG_LEVEL: 'info' },
    onStart: (started) => {
      child = started;
      let said = '';
      for (const stream of [started.stdout!, started.stderr!])
        stream.on('data', (chunk: Buffer) => {
          said += String(chunk);
          if (said.includes('"pid"') && /"port":\d+/.test(said)) wentUp(said);
        });
    },
  });
  const said = await Promise.race([isUp, ended.then(({ stderr }) => expect.fail(stderr))]);
  const port = Number(/"port":(\d+)/.exec(said)![1]);
  const pid = Number(/"pid":(\d+)/.exec(said)![1]);
  return {
    port,
    pid,
    async stop() {
      child!.kill('SIGTERM');
      await ended;
    },
  };
}

interface Clock {
  readonly status: string;
  readonly detail: string;
  readonly next?: string;
}

async function clockOf({ port }: UpNode): Promise<Clock> {
  const answer = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as {
    data: { checks: (Clock & { name: string })[] };
  };
  return answer.data.checks.find(({ name }) => name === 'clock')!;
}

const uncertain = async ({ port }: UpNode): Promise<string | undefined> =>
  /^lb_clock_uncertain (\d)$/m.exec(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())?.[1];

test('a node that is up with a clock a day ahead says so everywhere, seals nothing, and goes on when it is confirmed', async () => {
  const up = await upWith(movable(30 * HOUR_MS, 0, 'wall clock'));
  try {
    expect(await clockOf(up)).toMatchObject({
      status: 'failed',
      next: expect.stringContaining('trust_clock'),
    });
    expect(await uncertain(up)).toBe('1');
    const before = await heightOf();
    const refused = await lb(['publish-claim', '--text', 'from tomorrow'], { env: right });
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain('lb trust-clock');
    expect(await heightOf()).toBe(before);
    const info = await lb(['info', '--json'], { env: right });
    expect(JSON.parse(info.stdout)).toMatchObject({ data: { clock: { code: 'clock_jumped' } } });
    const shown = await lb(['info'], { env: right });
    expect(shown.stdout + shown.stderr).toContain('lb trust-clock');
    const doctor = await lb(['doctor'], { env: right });
    expect(doctor.stdout).toContain('clock_jumped');
    expect(doctor.stdout).toContain('lb trust-clock');
    expect((await lb(['trust-clock'], { env: right })).code).toBe(0);
    expect(await clockOf(up)).toMatchObject({ status: 'ok' });
    expect(await uncertain(up)).toBe('0');
    expect((await lb(['publish-claim', '--text', 'confirmed'], { env: right })).code).toBe(0);
  } finally {
    await up.stop();
  }
  expect((await lb(['correct-time', '--yes'], { env: right })).code).toBe(0);
});

test('a clock that is set while the node is up stops the sealing, and a machine that slept does not', async () => {
  const set = await upWith(movable(0, HOUR_MS, 'wall clock'));
  try {
    expect((await lb(['publish-claim', '--text', 'before'], { env: right })).code).toBe(0);
    process.kill(set.pid, 'SIGUSR2');
    await vi.waitFor(async () => expect(await clockOf(set)).toMatchObject({ status: 'failed' }), 20_000);
    const refused = await lb(['publish-claim', '--text', 'an hour on'], { env: right });
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain('lb trust-clock');
  } finally {
    await set.stop();
  }
  const slept = await upWith(movable(0, HOUR_MS, 'sleep'));
  try {
    expect((await lb(['publish-claim', '--text', 'before sleep'], { env: right })).code).toBe(0);
    process.kill(slept.pid, 'SIGUSR2');
    expect((await lb(['publish-claim', '--text', 'after sleep'], { env: right })).code).toBe(0);
    expect(await clockOf(slept)).toMatchObject({ status: 'ok' });
    expect(await uncertain(slept)).toBe('0');
  } finally {
    await slept.stop();
  }
});
