/**
 * The order of system calls: an acknowledgement comes after the disk was told to keep what it acknowledges.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Durability } from '../../storage/environment.ts';
import { type Call, callsIn, flushedAcks, TRACED_CALLS } from './flush-trace.ts';
import { scratchDirectory, startChild, startScript } from './storage-harness.ts';

const noStrace = spawnSync('strace', ['-V']).error !== undefined;
if (noStrace) console.log('skipped: strace is not installed');

async function traceOf(durability: Durability): Promise<Call[]> {
  const dir = scratchDirectory();
  const trace = join(dir, 'trace');
  const under = ['strace', '-f', '-qq', '-e', `trace=${TRACED_CALLS}`, '-o', trace];
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

test.skipIf(noStrace)("a node's receipts come after the flush as well", async () => {
  const dir = scratchDirectory();
  const trace = join(dir, 'trace');
  const under = ['strace', '-f', '-qq', '-e', `trace=${TRACED_CALLS}`, '-o', trace];
  const script = new URL('./node-child.ts', import.meta.url).pathname;
  const child = startScript(script, [join(dir, 'node'), '1', '10'], under);
  await child.said((line) => line === 'closed');
  await child.ended;
  expect(flushedAcks(callsIn(readFileSync(trace, 'utf8')))).toEqual({ acks: 10, flushed: 10 });
});
