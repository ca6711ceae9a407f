/**
 * The order of system calls: an acknowledgement comes after the disk was told to keep what it acknowledges.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Durability } from '../../storage/environment.ts';
import { scratchDirectory, startChild } from './storage-harness.ts';

const CALLS = 'openat,pwrite64,pwritev,write,writev,fdatasync,fsync,msync';
const noStrace = spawnSync('strace', ['-V']).error !== undefined;
if (noStrace) console.log('skipped: strace is not installed');

/** A system call on the database, or an acknowledgement. Started and ended at these lines of the trace. */
interface Call {
  readonly kind: 'data' | 'sync' | 'meta' | 'ack';
  readonly started: number;
  readonly ended: number;
}

/** Lines such as `12 fdatasync(22) = 0`, or the same in two halves when another thread came in between. */
function callsIn(trace: string): Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, { text: string; line: number }>();
  const descriptors: Descriptors = new Map();
  trace.split('\n').forEach((text, line) => {
    const [, pid, rest] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    if (!pid || !rest) return;
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(pid, { text: rest.replace('<unfinished ...>', ''), line });
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const begun = resumed ? unfinished.get(pid) : undefined;
    const whole = begun ? begun.text + resumed![1] : rest;
    const kind = kindOf(whole, descriptors);
    if (kind) calls.push({ kind, started: begun?.line ?? line, ended: line });
  });
  return calls;
}

/** The descriptors of the database; the one that is opened O_DSYNC is for meta pages. */
type Descriptors = Map<string, 'data' | 'meta'>;

function kindOf(call: string, descriptors: Descriptors): Call['kind'] | undefined {
  const opened = /^openat\(.*data\.mdb", (\S+)[,)].*= (\d+)/.exec(call);
  if (opened) descriptors.set(opened[2]!, opened[1]!.includes('O_DSYNC') ? 'meta' : 'data');
  if (/^write\(1, "ack /.test(call)) return 'ack';
  const [, name, descriptor] = /^(\w+)\((\d+)/.exec(call) ?? [];
  if (name === 'fdatasync' || name === 'fsync' || name === 'msync')
    return / = 0$/.test(call) ? 'sync' : undefined;
  return name === 'openat' ? undefined : descriptors.get(descriptor!);
}

/** How many acknowledgements came after: all data written, then synced, then the meta page written through. */
function flushedAcks(calls: readonly Call[]): { acks: number; flushed: number } {
  let acks = 0;
  let flushed = 0;
  let from = 0;
  for (const ack of calls.filter((call) => call.kind === 'ack')) {
    const since = calls.filter((call) => call.started >= from && call.ended < ack.started);
    const data = since.findLast((call) => call.kind === 'data');
    const sync = data && since.find((call) => call.kind === 'sync' && call.started > data.ended);
    const meta = sync && since.find((call) => call.kind === 'meta' && call.started > sync.ended);
    acks++;
    if (meta) flushed++;
    from = ack.ended;
  }
  return { acks, flushed };
}

async function traceOf(durability: Durability): Promise<Call[]> {
  const dir = scratchDirectory();
  const trace = join(dir, 'trace');
  const under = ['strace', '-f', '-qq', '-e', `trace=${CALLS}`, '-o', trace];
  const child = startChild({ dir: join(dir, 'chain'), durability, commits: 10, inFlight: 1, under });
  await child.said((line) => line === 'closed');
  await child.ended;
  return callsIn(readFileSync(trace, 'utf8'));
}

test.skipIf(noStrace)('every acknowledgement comes after write, sync and the meta page', async () => {
  expect(flushedAcks(await traceOf('flush'))).toEqual({ acks: 10, flushed: 10 });
});

test.skipIf(noStrace)('canary: without the flush the same check finds none', async () => {
  expect(flushedAcks(await traceOf('commit'))).toEqual({ acks: 10, flushed: 0 });
});
