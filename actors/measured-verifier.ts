/** A verifier that tells how much it is asked, and how long its answers take. */
import type { SignatureJob, Verdicts, Verifier } from '../crypto/verifier.ts';
import type { Telemetry } from './telemetry.ts';

export class MeasuredVerifier implements Verifier {
  readonly #delegate: Verifier;
  readonly #telemetry: Telemetry;

  constructor(delegate: Verifier, telemetry: Telemetry) {
    this.#delegate = delegate;
    this.#telemetry = telemetry;
  }

  async verify(prefix: Uint8Array, jobs: readonly SignatureJob[]): Promise<Verdicts> {
    const startMs = performance.now();
    let invalid: number | undefined;
    this.#telemetry.verifyStarted(jobs.length);
    try {
      const verdicts = await this.#delegate.verify(prefix, jobs);
      invalid = 0;
      for (const isValid of verdicts.valid) if (!isValid) invalid++;
      return verdicts;
    } finally {
      this.#telemetry.verifyEnded(jobs.length, performance.now() - startMs, invalid);
    }
  }

  close(): Promise<void> {
    return this.#delegate.close();
  }
}
