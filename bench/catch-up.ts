/** A new peer that fetches a whole group over loopback, as a share of the rate at which blocks are validated. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeBlocks } from './block-file.ts';
import type { CatchUp, Source } from './catch-up-target.ts';
import type { Row } from './row.ts';
import { ONE } from './validation.ts';
import { buildWorkload } from './workload.ts';

/** A process, and the first line that it prints, read as data. */
async function startChild<T>(
  name: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<{ child: ChildProcessWithoutNullStreams; line: T }> {
  // As a node runs for its users: without the flags of the benchmark.
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, name), ...args]);
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`${name} ended before it said anything`);
  return { child, line: JSON.parse(first.value) as T };
}

function end(child: ChildProcessWithoutNullStreams): Promise<unknown> {
  child.stdin.end();
  return new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(0)));
}

/** What a process prints that ends by itself. */
async function answerOf<T>(name: string, args: readonly string[], flags?: readonly string[]): Promise<T> {
  const { child, line } = await startChild<T>(name, args, flags);
  await end(child);
  return line;
}

interface Chain {
  readonly groupId: string;
  readonly file: string;
  readonly threads: number;
}

/** Blocks are fetched by a process of its own from another: both share the cores, as neighbours would. */
async function catchUp(directory: string, { groupId, file, threads }: Chain): Promise<[CatchUp, CatchUp]> {
  const source = await startChild<Omit<Source, 'groupId'>>('catch-up-source.ts', [
    join(directory, 'source'),
    file,
  ]);
  const told = JSON.stringify({ groupId, ...source.line } satisfies Source);
  const target = (name: string, flags: readonly string[]): Promise<CatchUp> =>
    answerOf('catch-up-target.ts', [join(directory, name), String(threads), told], flags);
  try {
    // Watching the memory takes time: another run is timed.
    return [await target('timed', []), await target('watched', ['--expose-gc'])];
  } finally {
    await end(source.child);
  }
}

/** Fewer are there before the memory has been looked at twice. */
const TRANSACTIONS_MIN = 2_000;

export async function measureCatchUp(scale: number, threads: number): Promise<Row[]> {
  const shape = { ...ONE, transactions: Math.max(TRANSACTIONS_MIN, Math.ceil(100_000 * scale)) };
  const { groupId, blocks, transactions } = buildWorkload(shape);
  const directory = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const file = join(directory, 'blocks');
  const validate = (): Promise<number> => answerOf('catch-up-validation.ts', [file, String(threads)]);
  try {
    writeBlocks(file, blocks);
    const before = await validate();
    const [{ seconds, secondsWithTexts }, { growthMb = Number.NaN }] = await catchUp(directory, {
      groupId,
      file,
      threads,
    });
    const validation = (before + (await validate())) / 2;
    return [
      {
        what: 'validation of the same blocks by a new process',
        value: transactions / validation,
        unit: 'tx/s',
      },
      {
        what: `catch-up of ${transactions.toLocaleString('en-US')} transactions over loopback`,
        value: transactions / seconds,
        unit: 'tx/s',
        against: { what: 'validation', share: validation / seconds },
        bar: '70 % of validation',
      },
      { what: '  until the texts of its claims are there as well', value: secondsWithTexts, unit: 's' },
      { what: '  growth of memory in use, first half to second', value: growthMb, unit: 'MB' },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
