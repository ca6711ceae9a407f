/**
 * Bytes that must not be shown.
 *
 * Secrets leak by accident: a log line, an error's properties, a message to a worker. A `Secret` can be
 * passed around and printed freely; only `expose()`, which is easy to search for, gives the bytes. They
 * live in a private field, which neither `JSON.stringify`, nor `util.inspect`, nor a structured clone sees.
 */
const REDACTED = '[redacted]';

export class Secret {
  readonly #bytes: Uint8Array;
  #wiped = false;

  /** Takes over `bytes`: the caller should keep no other use for that array, since `wipe()` clears it. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, not a copy. Throws once they are wiped: using a dead key is a bug. */
  expose(): Uint8Array {
    if (this.#wiped) throw new Error('this secret has been wiped');
    return this.#bytes;
  }

  /**
   * Overwrites the bytes with zeros, as often as one likes.
   *
   * It shortens the time that a secret is in memory; it promises no more, because JavaScript engines move
   * and copy memory as they please.
   */
  wipe(): void {
    this.#bytes.fill(0);
    this.#wiped = true;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  /** What `console.log` and `util.inspect` print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
