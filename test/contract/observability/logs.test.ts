/** Log files: they rotate, are the owner's alone, work in a worker, and never take the node down with them. */
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../interfaces/config/errors.ts';
import { type LogSettings, openLog } from '../../../interfaces/observability/logger.ts';
import { readLogs, temporaryFolder, watchedNode } from './support.ts';

const settings = (log_dir: string | undefined, more: Partial<LogSettings> = {}): LogSettings => ({
  log_level: 'info',
  log_dir,
  log_json: true,
  log_file_bytes_max: 2_000,
  log_files_max: 3,
  ...more,
});

test('files rotate by size, old ones go, and no line is lost or torn in between', async () => {
  const folder = join(temporaryFolder(), 'made', 'as needed');
  const { logger, close } = await openLog(settings(folder));
  for (let line = 0; line < 200; line++) {
    logger.info({ line }, 'a line of some length');
    await turn();
  }
  await close();
  const names = readdirSync(folder);
  expect(names.length).toBeLessThanOrEqual(3);
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) {
    expect(statSync(join(folder, name)).size).toBeLessThan(3_000);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  }
  const lines = readLogs(folder)
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { line: number }).line);
  expect(lines).toEqual(Array.from({ length: lines.length }, (_, at) => 200 - lines.length + at));
});

test('a level keeps out what is below it, and text is for people', async () => {
  const folder = temporaryFolder();
  const { logger, close } = await openLog(settings(folder, { log_level: 'warn', log_json: false }));
  logger.info('not this');
  logger.warn({ height: 3 }, 'but this');
  await close();
  logger.warn('nor this, which comes too late');
  expect(readLogs(folder)).toMatch(
    /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\] WARN: but this \{"height":3\}\n$/,
  );
});

test.each([true, false])(
  'what others wrote moves no cursor and makes no line of its own (JSON: %s)',
  async (log_json) => {
    const folder = temporaryFolder();
    const { logger, close } = await openLog(settings(folder, { log_json }));
    const text = `a\u001b[2J\u009b31m\u202eb\n[2026-01-01] INFO: all is well\u{e0041}`;
    logger.warn({ name: text, nested: { text: [text] } }, text);
    logger.error(new Error(text));
    logger.child({ text }).warn('of a child');
    await close();
    const lines = readLogs(folder);
    expect(lines).not.toMatch(/[[\p{Cc}\p{Cf}]--\n]/v);
    expect(lines.split('\n').filter((line) => line.startsWith('[2026-01-01]'))).toEqual([]);
  },
);

test('a folder that cannot be one is a clear line', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'below')]) {
    const error = await openLog(settings(folder)).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe('log_dir_unwritable');
    expect((error as ConfigError).message).toMatch(/^log_dir: .*(is|part of its path is) a file.*; \w/);
    expect((error as ConfigError).message).not.toMatch(/\bE[A-Z]{4,}/);
  }
});

test('a full disk costs lines, which are counted, and not the node', async () => {
  const log_dir = temporaryFolder();
  mkdirSync(log_dir, { recursive: true });
  symlinkSync('/dev/full', join(log_dir, 'battery-node.1.log'));
  const { node, observability, close } = await watchedNode({ log_dir, log_level: 'trace' });
  const group = await node.createGroup({ name: 'full' });
  await group.as('node').publishClaim({ text: 'The disk of the log is full; that of the node is not.' });
  expect(group.head.height).toBe(1);
  const failed = /^lb_log_failed_writes (\d+)$/m.exec(await observability.metrics!.text());
  expect(Number(failed![1])).toBeGreaterThan(0);
  await close();
});

test('logs can be written from a worker', async () => {
  const folder = temporaryFolder();
  const module = new URL('../../../interfaces/observability/logger.ts', import.meta.url).href;
  const code = `
    import(${JSON.stringify(module)}).then(async ({ openLog }) => {
      const { logger, close } = await openLog(${JSON.stringify(settings(folder))});
      logger.info({ password: 'p' }, 'from a worker');
      await close();
    });`;
  const worker = new Worker(code, { eval: true });
  const exitCode = await new Promise((resolve, reject) => {
    worker.on('exit', resolve);
    worker.on('error', reject);
  });
  expect(exitCode).toBe(0);
  expect(JSON.parse(readLogs(folder))).toMatchObject({ msg: 'from a worker', password: '[redacted]' });
});
