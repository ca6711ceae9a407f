/** What only a pool can do wrong: threads that die, hang, do not start, or keep a process alive. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { PoolVerifier } from '../../../crypto/pool-verifier.ts';
import { type SignatureJob, VerifierClosedError, VerifierThreadError } from '../../../crypto/verifier.ts';
import { utf8 } from '../../../events/bytes.ts';
import { goodJobs, mixedJobs, PREFIX } from './fixtures/jobs.ts';

const fixture = (name: string): URL => new URL(`./fixtures/${name}`, import.meta.url);
const run = promisify(execFile);

/** A batch that makes the breaking worker do what the command says. */
const command = (text: string, count = 2): SignatureJob[] =>
  goodJobs(count).map((job) => ({ ...job, payload: utf8(text) }));

const open: PoolVerifier[] = [];
function pool(worker: string, threads = 2): PoolVerifier {
  const verifier = new PoolVerifier({
    threads,
    inlineBelowJobs: 1,
    chunkJobsMax: 8,
    worker: fixture(worker),
  });
  open.push(verifier);
  return verifier;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((verifier) => verifier.close()));
});

async function reasonsOf(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => (result.status === 'rejected' ? result.reason : 'fulfilled'));
}

describe('a pool whose threads break', () => {
  it('rejects the batch of a thread that exits, and goes on', async () => {
    const verifier = pool('breaking-worker.ts');
    const { jobs, expected } = mixedJobs(40);
    expect(await verifier.verify(PREFIX, jobs)).toEqual(expected);
    for (let round = 0; round < 3; round++) {
      const error = await verifier.verify(PREFIX, command('!exit')).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(VerifierThreadError);
      expect(error).toMatchObject({ code: 'verifier_thread_died' });
      expect(await verifier.verify(PREFIX, jobs)).toEqual(expected);
    }
  });

  it('settles everything when all threads exit while more is queued', async () => {
    const verifier = pool('breaking-worker.ts');
    const dying = Array.from({ length: 12 }, () => verifier.verify(PREFIX, command('!exit')));
    const honest = verifier.verify(PREFIX, goodJobs(100));
    // All of them from the start: the honest batch may share a thread with the first that dies.
    const reasons = await reasonsOf([...dying, honest]);
    const outcome = reasons.pop();
    for (const reason of reasons) expect(reason).toBeInstanceOf(VerifierThreadError);
    if (outcome !== 'fulfilled') expect(outcome).toBeInstanceOf(VerifierThreadError);
    const { jobs, expected } = mixedJobs(30);
    expect(await verifier.verify(PREFIX, jobs)).toEqual(expected);
  });

  it('leaves no rejection that nobody handles, which would end the process', async () => {
    const program = fileURLToPath(fixture('dying-pool.ts'));
    const { stdout } = await run(process.execPath, [program], { timeout: 30_000 });
    expect(JSON.parse(stdout)).toEqual({ died: 15, closed: 5, unhandled: [] });
  });

  it('rejects a task that throws, and keeps its thread', async () => {
    const verifier = pool('breaking-worker.ts', 1);
    await expect(verifier.verify(PREFIX, command('!throw'))).rejects.toBeInstanceOf(VerifierThreadError);
    const { jobs, expected } = mixedJobs(30);
    expect(await verifier.verify(PREFIX, jobs)).toEqual(expected);
  });

  it('close does not wait for threads that hang, and leaves no promise behind', async () => {
    const verifier = pool('breaking-worker.ts');
    // Two threads with eight chunks of 8 jobs each hold 128: the first batches are in flight or beside a thread,
    // the last ones wait for a place, and one waits in the middle of being handed out.
    const batches = [command('!hang', 8), command('!hang', 8), command('!hang', 200), command('!hang', 8)];
    const pending = reasonsOf(batches.map((jobs) => verifier.verify(PREFIX, jobs)));
    const started = performance.now();
    await verifier.close();
    for (const reason of await pending) expect(reason).toBeInstanceOf(VerifierClosedError);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('close while the pool is still starting settles everything', async () => {
    const verifier = pool('breaking-worker.ts');
    const pending = reasonsOf([verifier.verify(PREFIX, goodJobs(500))]);
    await verifier.close();
    expect(await pending).toEqual([expect.any(VerifierClosedError)]);
  });

  it('rejects when its threads cannot start, each time, and does not hang', async () => {
    const verifier = pool('failing-worker.ts');
    for (let round = 0; round < 2; round++) {
      const pending = Array.from({ length: 6 }, () => verifier.verify(PREFIX, goodJobs(30)));
      for (const reason of await reasonsOf(pending)) expect(reason).toBeInstanceOf(VerifierThreadError);
    }
  });

  it('starts no thread for a batch that is not worth one', async () => {
    const verifier = new PoolVerifier({ threads: 2, worker: fixture('failing-worker.ts') });
    open.push(verifier);
    const { jobs, expected } = mixedJobs(11);
    expect(await verifier.verify(PREFIX, jobs)).toEqual(expected);
    await expect(verifier.verify(PREFIX, goodJobs(12))).rejects.toBeInstanceOf(VerifierThreadError);
  });

  it('refuses to have no threads', () => {
    expect(() => new PoolVerifier({ threads: 0 })).toThrow(RangeError);
    expect(() => new PoolVerifier({ threads: Number.NaN })).toThrow(RangeError);
  });
});

describe('an idle pool', () => {
  it.each([2, 200])('lets its process end after %i jobs, though nobody closed it', async (count) => {
    const program = fileURLToPath(fixture('idle-pool.ts'));
    const { stdout } = await run(process.execPath, [program, String(count)], { timeout: 15_000 });
    expect(stdout).toBe('true');
  });
});
