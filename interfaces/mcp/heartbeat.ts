/**
 * The beginning of a stream, and its quiet times. Whoever opens one waits for the first bytes of the answer, which
 * would otherwise come with the first thing that happens; and what lies between closes connections on which nothing
 * does.
 */

/** A comment this often keeps what lies between from closing a quiet connection. */
const HEARTBEAT_MS = 15_000;
const COMMENT = new TextEncoder().encode(': \n\n');

/** A stream that says at once that it is there, and goes on saying so: each chunk of it is an event of its own. */
export function withHeartbeat(): TransformStream<Uint8Array, Uint8Array> {
  let heart: NodeJS.Timeout | undefined;
  const stop = (): void => clearInterval(heart);
  const transformer = {
    start(controller: TransformStreamDefaultController<Uint8Array>) {
      controller.enqueue(COMMENT);
      heart = setInterval(() => {
        // Whoever does not read is told nothing more.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(COMMENT);
      }, HEARTBEAT_MS);
      heart.unref();
    },
    flush: stop,
    // The reader has gone.
    cancel: stop,
  };
  return new TransformStream(transformer);
}
