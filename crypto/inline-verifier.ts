/**
 * The verifier that needs no thread: for command-line verbs, for small batches and for tests.
 *
 * It works on the caller's thread, in slices, and lets other work run between them.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { concatBytes } from '../events/bytes.ts';
import { sha256 } from './hash.ts';
import { type SignatureJob, type Verdicts, type Verifier, VerifierClosedError } from './verifier.ts';
import { verifySignature } from './verify.ts';

/** About 1.7 ms of libsodium at a time: a timer or a socket waits no longer than that. */
const JOBS_PER_TURN = 32;

export class InlineVerifier implements Verifier {
  #closed = false;

  async verify(prefix: Uint8Array, jobs: readonly SignatureJob[]): Promise<Verdicts> {
    const verdicts: Verdicts = { ids: [], valid: [] };
    for (let start = 0; ; start += JOBS_PER_TURN) {
      if (this.#closed) throw new VerifierClosedError();
      for (const { payload, publicKey, signature } of jobs.slice(start, start + JOBS_PER_TURN)) {
        verdicts.ids.push(sha256(payload));
        verdicts.valid.push(verifySignature(publicKey, concatBytes(prefix, payload), signature));
      }
      if (start + JOBS_PER_TURN >= jobs.length) return verdicts;
      await nextTurn();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
