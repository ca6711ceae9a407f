/** What every verifier promises, whichever way it works. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InlineVerifier } from '../../../crypto/inline-verifier.ts';
import { PoolVerifier } from '../../../crypto/pool-verifier.ts';
import { RecordingVerifier, type Verifier, VerifierClosedError } from '../../../crypto/verifier.ts';
import { concatBytes, utf8 } from '../../../events/bytes.ts';
import { goodJob, goodJobs, mixedJobs, PREFIX } from './fixtures/jobs.ts';

const adapters: Record<string, () => Verifier> = {
  inline: () => new InlineVerifier(),
  pool: () => new PoolVerifier({ threads: 2 }),
  'pool in tiny chunks': () => new PoolVerifier({ threads: 2, inlineBelowJobs: 1, chunkJobsMax: 3 }),
  'pool of one thread': () => new PoolVerifier({ threads: 1, inlineBelowJobs: 1 }),
  recording: () => new RecordingVerifier(new InlineVerifier()),
};

describe.each(Object.entries(adapters))('verifier contract: %s', (_, create) => {
  // Threads take a tenth of a second to start, so most tests share a verifier, as a program does.
  let shared: Verifier;
  beforeAll(() => {
    shared = create();
  });
  afterAll(() => shared.close());

  it('answers nothing for nothing', async () => {
    expect(await shared.verify(PREFIX, [])).toEqual({ ids: [], valid: [] });
  });

  it.each([1, 2, 7, 12, 33, 300])('answers %i jobs in order, good and bad', async (count) => {
    const { jobs, expected } = mixedJobs(count);
    expect(await shared.verify(PREFIX, jobs)).toEqual(expected);
  });

  it('takes the prefix as part of what is signed and not of what is identified', async () => {
    const job = goodJob(0);
    const moved = { ...job, payload: concatBytes(PREFIX, job.payload) };
    const right = await shared.verify(PREFIX, [job]);
    const other = await shared.verify(utf8('lb/block/1\0'), [job]);
    const shifted = await shared.verify(new Uint8Array(0), [moved]);
    expect([right.valid, other.valid, shifted.valid]).toEqual([[true], [false], [true]]);
    expect(other.ids).toEqual(right.ids);
    expect(shifted.ids).not.toEqual(right.ids);
  });

  it('handles empty and large payloads', async () => {
    const jobs = [0, 1, 131_072].map((length) => ({ ...goodJob(1), payload: new Uint8Array(length) }));
    const { ids, valid } = await shared.verify(PREFIX, jobs);
    expect(ids.map((id) => id.length)).toEqual([32, 32, 32]);
    expect(valid).toEqual([false, false, false]);
  });

  it('leaves the jobs as they were', async () => {
    const jobs = goodJobs(20);
    await shared.verify(PREFIX, jobs);
    expect(jobs).toEqual(goodJobs(20));
  });

  it('answers many batches at once', async () => {
    const batches = [150, 3, 40, 0, 12, 90, 1].map(mixedJobs);
    const answers = await Promise.all(batches.map(({ jobs }) => shared.verify(PREFIX, jobs)));
    expect(answers).toEqual(batches.map(({ expected }) => expected));
  });

  it('close rejects what is in flight, buffered and queued, and all that comes later', async () => {
    const verifier = create();
    await verifier.verify(PREFIX, goodJobs(20)); // threads, if any, are running
    const jobs = goodJobs(1000);
    const pending = Array.from({ length: 5 }, () => verifier.verify(PREFIX, jobs));
    const settled = Promise.allSettled(pending);
    await verifier.close();
    for (const result of await settled) {
      expect(result.status).toBe('rejected');
      expect((result as PromiseRejectedResult).reason).toBeInstanceOf(VerifierClosedError);
    }
    await expect(verifier.verify(PREFIX, jobs)).rejects.toBeInstanceOf(VerifierClosedError);
    await expect(verifier.verify(PREFIX, [])).rejects.toBeInstanceOf(VerifierClosedError);
    await verifier.close();
  });

  it('close before anything started is fine', async () => {
    await create().close();
  });
});

describe('the recording verifier', () => {
  it('keeps copies of what it was asked', async () => {
    const verifier = new RecordingVerifier(new InlineVerifier());
    const jobs = goodJobs(2);
    const payload = Uint8Array.from(jobs[0]!.payload);
    await verifier.verify(PREFIX, jobs);
    jobs[0]!.payload.fill(0);
    expect(verifier.batches).toHaveLength(1);
    expect(verifier.batches[0]!.prefix).toEqual(PREFIX);
    expect(verifier.batches[0]!.jobs.map((job) => job.payload)).toEqual([payload, jobs[1]!.payload]);
  });
});
