/**
 * One MCP client at the other end of a terminal: its messages come in by the line, and what it asked for goes out.
 *
 * A client that closes its end asks for nothing more, and still reads: scripts write their requests and end. So what
 * was asked is answered first; what waits for something to happen answers with what there is.
 */
import type { JSONRPCMessage, ProtocolEra, Transport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Terminal } from '../cli/terminal.ts';
import { withShortError } from './error-text.ts';
import { type Id, incomingIn } from './incoming.ts';
import { linesOf } from './lines.ts';
import { inOlderCodes } from './older-codes.ts';
import { isPlain, PlainCalls } from './plain.ts';
import { createServer } from './server.ts';
import type { Session } from './session.ts';
import { tellChanges } from './subscriptions.ts';
import { TaskSubscriptions } from './task-subscriptions.ts';

/** Longer than this no call takes that does not wait for others; where none has ended for as long, none will. */
const LEAVING_MS_MAX = 60_000;

/** Serves until the client has closed its end and is answered, or `signal` is aborted. */
export async function serveTerminal(
  session: Session,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const leaving = new AbortController();
  const own: Session = { ...session, leaving: leaving.signal };
  const wire = new Wire(terminal, own, () => leaving.abort());
  const handle = serveStdio(
    async ({ era }) => {
      wire.era = era;
      const made = await createServer(own, era);
      const telling = tellChanges(session.node, made, era);
      made.server.onclose = () => telling[Symbol.dispose]();
      return made.server;
    },
    { transport: wire, onerror: () => {} },
  );
  // It says how subscriptions ended, too.
  const end = (): void => void handle.close();
  signal.addEventListener('abort', end, { once: true });
  await Promise.race([wire.answered, wire.closed]);
  signal.removeEventListener('abort', end);
  await handle.close();
}

/** The connection to the client. A slow reader slows whoever writes; one that is gone ends it. */
class Wire implements Transport {
  onmessage?: NonNullable<Transport['onmessage']>;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  /** Which era the client is of, once that is known. */
  era: ProtocolEra | undefined;
  private readonly terminal: Terminal;
  private readonly tasks: TaskSubscriptions;
  private readonly plain: PlainCalls;
  private readonly onleaving: () => void;
  /** Requests without an answer. */
  private readonly open = new Set<Id>();
  private isLeaving = false;
  private isClosed = false;
  private patience: NodeJS.Timeout | undefined;
  private readonly answering = Promise.withResolvers<void>();
  private readonly closing = Promise.withResolvers<void>();
  /** Nothing more comes in, and what came is answered. */
  readonly answered: Promise<void> = this.answering.promise;
  readonly closed: Promise<void> = this.closing.promise;

  constructor(terminal: Terminal, session: Session, onleaving: () => void) {
    this.terminal = terminal;
    this.tasks = new TaskSubscriptions(session);
    this.plain = new PlainCalls(
      session,
      (message) => this.send(message),
      () => this.settle(),
    );
    this.onleaving = onleaving;
  }

  async start(): Promise<void> {
    void this.read().then(
      () => this.leave(),
      (error: unknown) => {
        this.onerror?.(error as Error);
        this.leave();
      },
    );
  }

  private async read(): Promise<void> {
    for await (const line of linesOf(this.terminal.input())) {
      if (this.isClosed) return;
      const { messages, answers } = incomingIn(line);
      for (const answer of answers) await this.write(answer);
      for (const message of messages) this.take(message);
    }
  }

  private take(message: JSONRPCMessage): void {
    const { id, method, params } = message as { id?: Id; method?: string; params?: { requestId?: Id } };
    // A subscription is answered when it ends.
    if (id !== undefined && method !== undefined && method !== 'subscriptions/listen') this.open.add(id);
    // A request that was taken back gets no answer.
    if (method === 'notifications/cancelled' && params?.requestId !== undefined) {
      this.open.delete(params.requestId);
      this.plain.cancel(params.requestId);
    }
    if (isPlain(message)) this.plain.take(message);
    else this.onmessage?.(this.tasks.incoming(message));
  }

  private leave(): void {
    if (this.isClosed) return;
    this.isLeaving = true;
    this.onleaving();
    this.settle();
  }

  /** Something has ended: all is answered, or the wait for the rest of it begins. */
  private settle(): void {
    if (!this.isLeaving || this.isClosed) return;
    clearTimeout(this.patience);
    if (this.open.size === 0 && this.plain.isIdle) this.answering.resolve();
    else this.patience = setTimeout(() => this.answering.resolve(), LEAVING_MS_MAX);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.isClosed) throw new Error('the connection is closed');
    for (const one of this.tasks.outgoing(message)) await this.write(one);
    const { id, method } = message as { id?: Id; method?: string };
    if (id === undefined || method !== undefined) return;
    this.open.delete(id);
    this.settle();
  }

  private async write(message: JSONRPCMessage): Promise<void> {
    const told = withShortError(this.era === 'modern' ? message : inOlderCodes(message));
    try {
      this.terminal.writeOut(`${JSON.stringify(told)}\n`);
      await this.terminal.flush();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.patience);
    this.plain.close();
    this.onclose?.();
    this.closing.resolve();
  }
}
