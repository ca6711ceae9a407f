/** One MCP client at the other end of a terminal: its messages come in by the line, and what it asked for goes out. */
import { Readable, Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Terminal } from '../cli/terminal.ts';
import { withShortError } from './error-text.ts';
import { createServer } from './server.ts';
import type { Session } from './session.ts';
import { tellChanges } from './subscriptions.ts';
import { TaskSubscriptions } from './task-subscriptions.ts';

/** A longer message ends the connection: nothing that an operation takes is as long. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

/** Serves until the client closes its end, or `signal` is aborted. */
export async function serveTerminal(
  session: Session,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const wire = new Wire(Readable.from(buffers(terminal.input())), outputOf(terminal), {
    maxBufferSize: MESSAGE_BYTES_MAX,
  });
  const handle = serveStdio(
    async ({ era }) => {
      const made = await createServer(session, era);
      const telling = tellChanges(session.node, made, era);
      made.server.onclose = () => telling[Symbol.dispose]();
      return made.server;
    },
    // What a client sends that is no message of the protocol is its own affair; it gets no answer.
    { transport: withTasks(wire, new TaskSubscriptions(session)), onerror: () => {} },
  );
  const end = (): void => void handle.close();
  signal.addEventListener('abort', end, { once: true });
  await wire.closed;
  signal.removeEventListener('abort', end);
  await handle.close();
}

/** The same connection, on which handles of tasks can be listened to. */
function withTasks(wire: Wire, tasks: TaskSubscriptions): Transport {
  const outer: Transport = {
    start() {
      wire.onmessage = (message) => outer.onmessage?.(tasks.incoming(message));
      wire.onclose = () => outer.onclose?.();
      wire.onerror = (error) => outer.onerror?.(error);
      return wire.start();
    },
    async send(message) {
      for (const one of tasks.outgoing(message)) await wire.send(withShortError(one));
    },
    close: () => wire.close(),
  };
  return outer;
}

/** The SDK reads text out of what it gets in the way of a `Buffer`. */
async function* buffers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const { buffer, byteOffset, byteLength } of chunks)
    yield Buffer.from(buffer, byteOffset, byteLength);
}

/** The SDK's transport, which can be waited for. */
class Wire extends StdioServerTransport {
  private readonly ending = Promise.withResolvers<void>();
  readonly closed: Promise<void> = this.ending.promise;

  override async close(): Promise<void> {
    await super.close();
    this.ending.resolve();
  }
}

/** A slow reader slows whoever writes; one that is gone ends the connection. */
function outputOf(terminal: Terminal): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _, done) {
      try {
        terminal.writeOut(chunk);
      } catch (error) {
        done(error as Error);
        return;
      }
      terminal.flush().then(() => done(), done);
    },
  });
}
