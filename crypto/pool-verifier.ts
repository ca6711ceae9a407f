/**
 * The verifier that uses every core: batches are cut into chunks, and chunks are checked on threads.
 *
 * Threads start with the first batch that is worth one, so a command that checks two signatures never
 * starts any; they do not keep a process alive while they are idle. Each thread has a few chunks, one that
 * it checks and those that wait there, so that it never idles while this thread is busy. All further chunks
 * wait here, unpacked, and `verify` is simply not settled yet: that is the backpressure, and the memory
 * that packed chunks take is bounded however many batches are asked for at once.
 *
 * Who settles a promise: each chunk under way is a `Chunk` in `#active`, each batch that still wants a
 * place is in `#waiting`. `close()` and the end of a thread reject exactly those. A thread that dies fails
 * the chunks it held and no others; it is replaced, unless it died while starting, when the whole pool
 * is dropped and the next batch starts a new one.
 */
import { availableParallelism } from 'node:os';
import type { Piscina } from 'piscina';
import { InlineVerifier } from './inline-verifier.ts';
import { packBatch, unpackAnswer } from './packed-batch.ts';
import {
  type SignatureJob,
  type Verdicts,
  type Verifier,
  VerifierClosedError,
  type VerifierError,
  VerifierThreadError,
} from './verifier.ts';

export interface PoolOptions {
  /** How many threads check. Default: as many as the machine can run at once. */
  readonly threads?: number;
  /** Batches with fewer jobs than this are checked on the caller's thread. */
  readonly inlineBelowJobs?: number;
  /** How many jobs go to a thread at once, at most. */
  readonly chunkJobsMax?: number;
  /** The module that runs on the threads. Default: the one beside this file. */
  readonly worker?: URL;
}

/**
 * Measured on two threads, microseconds for a batch of 200-byte payloads (threads, caller's own): 4 jobs
 * 338 and 205; 8 jobs 533 and 429; 12 jobs 592 and 620; 16 jobs 637 and 837; 64 jobs 1,895 and 3,378.
 */
const INLINE_BELOW_JOBS = 12;
/**
 * Checks a second on two threads by chunk: 32 jobs 34,200; 64 jobs 35,300; 128 jobs 35,700; 256 jobs
 * 36,100; 512 jobs 36,200. The curve is flat from 64 on, and small chunks share the threads more fairly.
 */
const CHUNK_JOBS_MAX = 128;
/** Smaller pieces cost more in messages than another core gains. */
const CHUNK_JOBS_MIN = 8;
/**
 * Seven wait at a thread while it checks one: 60 ms of work, so that it has some left when this thread has judged a
 * block of a thousand transactions and looks again. Validation by this number, as a share of what the threads could
 * check: 2 chunks 79 %, 4 chunks 80 %, 6 and 8 chunks 83 %, 12 chunks 80 %. What cannot wait so long is small, and
 * is checked by the caller.
 */
const CHUNKS_PER_THREAD = 8;

/** `.ts` in a checkout, `.js` once built: the worker has the extension that this file has. */
function workerBesideThisFile(): URL {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  return new URL(`./verify-worker${extension}`, import.meta.url);
}

/** A chunk that a thread has, or that waits for its pool to start. */
interface Chunk {
  readonly reject: (error: VerifierError) => void;
}

/** A batch that wants a place among the chunks under way. */
interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: VerifierError) => void;
}

export class PoolVerifier implements Verifier {
  readonly #threads: number;
  readonly #inlineBelowJobs: number;
  readonly #chunkJobsMax: number;
  readonly #worker: URL;
  readonly #inline = new InlineVerifier();
  readonly #active = new Set<Chunk>();
  readonly #waiting: Waiter[] = [];
  #places: number;
  #pool: Promise<Piscina> | undefined;
  #closed = false;

  constructor(options: PoolOptions = {}) {
    this.#threads = options.threads ?? availableParallelism();
    // No thread would mean no place, and batches that wait for ever.
    if (!(this.#threads >= 1)) throw new RangeError('a pool needs at least one thread');
    this.#inlineBelowJobs = options.inlineBelowJobs ?? INLINE_BELOW_JOBS;
    this.#chunkJobsMax = options.chunkJobsMax ?? CHUNK_JOBS_MAX;
    this.#worker = options.worker ?? workerBesideThisFile();
    this.#places = this.#threads * CHUNKS_PER_THREAD;
  }

  async verify(prefix: Uint8Array, jobs: readonly SignatureJob[]): Promise<Verdicts> {
    if (this.#closed) throw new VerifierClosedError();
    if (jobs.length < this.#inlineBelowJobs) return this.#inline.verify(prefix, jobs);
    const size = this.#chunkSize(jobs.length);
    const answers: Promise<ArrayBuffer>[] = [];
    try {
      for (let start = 0; start < jobs.length; start += size) {
        await this.#takePlace();
        const end = Math.min(start + size, jobs.length);
        answers.push(this.#check(() => packBatch(prefix, jobs, start, end)));
      }
    } catch (error) {
      // Closed while this batch waited: `close` has rejected its chunks as well, and nobody else looks.
      await Promise.allSettled(answers);
      throw error;
    }
    const verdicts: Verdicts = { ids: [], valid: [] };
    for (const answer of await Promise.all(answers)) unpackAnswer(answer, verdicts);
    return verdicts;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#inline.close();
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new VerifierClosedError());
    for (const chunk of this.#active) chunk.reject(new VerifierClosedError());
    await this.#dropPool();
  }

  /** Equal chunks that give every thread its share of a small batch, and bounded ones of a large batch. */
  #chunkSize(jobCount: number): number {
    const share = Math.ceil(jobCount / this.#threads);
    return Math.min(this.#chunkJobsMax, Math.max(CHUNK_JOBS_MIN, share));
  }

  async #takePlace(): Promise<void> {
    if (this.#closed) throw new VerifierClosedError();
    if (this.#places > 0) {
      this.#places--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ resolve, reject });
    await promise;
  }

  /** Hands the place to whoever waits longest, or puts it back. */
  #givePlace(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#places++;
    else next.resolve();
  }

  /** Checks one chunk on a thread. Settles when the thread answers, when it dies, or on `close`. */
  #check(pack: () => ArrayBuffer): Promise<ArrayBuffer> {
    const { promise, resolve, reject } = Promise.withResolvers<ArrayBuffer>();
    const chunk: Chunk = { reject };
    this.#active.add(chunk);
    this.#run(pack)
      .then(resolve, (error: unknown) => reject(new VerifierThreadError(error)))
      .finally(() => {
        this.#active.delete(chunk);
        this.#givePlace();
      });
    // A batch looks at its chunks one after the other; one that fails meanwhile is not unhandled.
    promise.catch(() => {});
    return promise;
  }

  async #run(pack: () => ArrayBuffer): Promise<ArrayBuffer> {
    this.#pool ??= this.#startPool();
    const pool = await this.#pool;
    if (this.#closed) throw new VerifierClosedError();
    const request = pack();
    return pool.run(request, { transferList: [request] });
  }

  async #startPool(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const pool: Piscina = new Piscina({
      filename: this.#worker.href,
      minThreads: this.#threads,
      maxThreads: this.#threads,
      concurrentTasksPerWorker: CHUNKS_PER_THREAD,
      recordTiming: false,
    });
    // Emitted for a thread that fails with nothing to do, above all while starting: Piscina replaces
    // threads that died at work, but not those, and would then queue tasks for nobody.
    pool.on('error', (error: unknown) => {
      if (pool.threads.length === 0) this.#abandon(pool, error);
    });
    return pool;
  }

  #abandon(pool: Piscina, error: unknown): void {
    for (const chunk of this.#active) chunk.reject(new VerifierThreadError(error));
    this.#pool = undefined;
    pool.destroy().catch(() => {});
  }

  async #dropPool(): Promise<void> {
    const starting = this.#pool;
    this.#pool = undefined;
    const pool = await starting?.catch(() => undefined);
    await pool?.destroy();
  }
}
