/**
 * The port through which signatures are checked in batches, and its errors.
 *
 * A batch is plain data (who signed, what, with which signature), so that it can be checked here, on
 * another thread, or by a test that only records it. The answer holds the id of each payload as well as
 * its verdict: the thread that reads a payload to check it can hash it while it is in its cache.
 */
import { concatBytes } from '../events/bytes.ts';

/** One signature to check. The bytes are read, never kept. */
export interface SignatureJob {
  /** What is identified: the id is SHA-256 of exactly these bytes. */
  readonly payload: Uint8Array;
  /** 64 bytes; another length is an invalid signature, not an error. */
  readonly signature: Uint8Array;
  /** 32 bytes; another length is an invalid signature, not an error. */
  readonly publicKey: Uint8Array;
}

/** The answers, in the order of the jobs. */
export interface Verdicts {
  /** SHA-256 of each payload, 32 bytes. */
  readonly ids: Uint8Array[];
  /** Whether each signature over `prefix || payload` is valid by ZIP 215. */
  readonly valid: boolean[];
}

export interface Verifier {
  /**
   * Checks signatures over `prefix || payload`. The prefix is the domain, such as `lb/tx/1` and a zero
   * byte, and keeps a signature made for one purpose from being used for another.
   *
   * Waits when too much is under way already. Rejects with a `VerifierError` and nothing else.
   */
  verify(prefix: Uint8Array, jobs: readonly SignatureJob[]): Promise<Verdicts>;
  /** Rejects what is still under way with `VerifierClosedError` and frees all threads. Twice is fine. */
  close(): Promise<void>;
}

export type VerifierErrorCode = 'verifier_closed' | 'verifier_thread_died';

/** A failure of the environment: it says nothing about any signature. */
export class VerifierError extends Error {
  readonly code: VerifierErrorCode;

  constructor(code: VerifierErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The verifier was closed before it could answer, or is closed already. */
export class VerifierClosedError extends VerifierError {
  constructor() {
    super('verifier_closed', 'the signature verifier is closed');
  }
}

/** A thread ended while it was checking. The same batch may be tried again. */
export class VerifierThreadError extends VerifierError {
  constructor(cause: unknown) {
    super('verifier_thread_died', 'a signature checking thread ended unexpectedly', { cause });
  }
}

/** What a `RecordingVerifier` was asked: copies, so that later changes by the caller do not show. */
export interface RecordedBatch {
  readonly prefix: Uint8Array;
  readonly jobs: readonly SignatureJob[];
}

/** Remembers every batch and lets another verifier answer it. For tests of what is checked, and when. */
export class RecordingVerifier implements Verifier {
  readonly batches: RecordedBatch[] = [];
  readonly #delegate: Verifier;

  constructor(delegate: Verifier) {
    this.#delegate = delegate;
  }

  verify(prefix: Uint8Array, jobs: readonly SignatureJob[]): Promise<Verdicts> {
    this.batches.push({
      prefix: concatBytes(prefix),
      jobs: jobs.map((job) => ({
        payload: concatBytes(job.payload),
        signature: concatBytes(job.signature),
        publicKey: concatBytes(job.publicKey),
      })),
    });
    return this.#delegate.verify(prefix, jobs);
  }

  close(): Promise<void> {
    return this.#delegate.close();
  }
}
