/** Events to a client as they come. What fails before the first of them is an ordinary answer. */
import type { FastifyReply } from 'fastify';

/** A comment this often keeps what lies between from closing a quiet connection. */
const HEARTBEAT_MS = 15_000;

export interface Failed {
  readonly status: number;
  readonly body: object;
}

export async function sendStream<T>(
  reply: FastifyReply,
  events: AsyncGenerator<T, unknown>,
  signal: AbortSignal,
  toJson: (event: T) => unknown,
  failed: (error: unknown) => Failed,
): Promise<FastifyReply> {
  let first: IteratorResult<T, unknown>;
  try {
    first = await events.next();
  } catch (error) {
    const { status, body } = failed(error);
    return reply.code(status).type('application/json').send(JSON.stringify(body));
  }
  reply.hijack();
  const { raw } = reply;
  raw.on('error', () => {});
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  });
  const heart = setInterval(() => raw.write(': \n\n'), HEARTBEAT_MS);
  try {
    for (let next = first; !next.done && !signal.aborted; next = await events.next())
      // One event at a time: the log waits for a slow client, and nothing heaps up here.
      if (!raw.write(`data: ${JSON.stringify(toJson(next.value))}\n\n`)) await drained(raw, signal);
  } catch (error) {
    raw.write(`event: error\ndata: ${JSON.stringify(failed(error).body)}\n\n`);
  } finally {
    clearInterval(heart);
    await events.return(undefined);
    raw.end();
  }
  return reply;
}

async function drained(raw: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      raw.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    raw.on('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
