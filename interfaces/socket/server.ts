/**
 * The node's end of the local socket: takes command lines and runs them on the node that is up.
 *
 * Bound: so many verbs run at once, and later callers wait for their turn in order. Nobody is dropped for
 * being many.
 */
import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileError } from '../../storage/errors.ts';
import {
  type ClientFrame,
  decodeClientFrame,
  LineReader,
  type RunRequest,
  SOCKET_PROTOCOL,
} from './frames.ts';
import { RemoteTerminal } from './remote-terminal.ts';

/** Verbs that run at once. Each is short; what follows events waits without working. */
const RUNS_MAX = 1_024;
/** When the node stops, verbs get this long to end; then they are told to. */
const GRACE_MS = 1_500;
/** And this long after they were told. */
const ABORT_MS = 1_500;

/** Runs one command line for the client; resolves to its exit code and never rejects. */
export type RunVerb = (request: RunRequest, terminal: RemoteTerminal, signal: AbortSignal) => Promise<number>;

interface Session {
  readonly socket: Socket;
  readonly abort: () => void;
  readonly ended: Promise<void>;
}

export class SocketServer {
  private readonly server: Server;
  private readonly path: string;
  private readonly runVerb: RunVerb;
  private readonly clear: () => void;
  private readonly sessions = new Set<Session>();
  private running = 0;
  private readonly turns: (() => void)[] = [];

  private constructor(path: string, runVerb: RunVerb, clear: () => void) {
    this.path = path;
    this.clear = clear;
    this.runVerb = runVerb;
    this.server = createServer((socket) => this.accept(socket));
  }

  /**
   * Listens at `path`. The caller owns the data directory, so a socket that is there already is left from a crash.
   * @param clear takes away what was made for the socket, at the end
   * @throws StorageError
   */
  static async listen(path: string, runVerb: RunVerb, clear: () => void = () => {}): Promise<SocketServer> {
    const server = new SocketServer(path, runVerb, clear);
    try {
      rmSync(path, { force: true });
      server.server.listen(path);
      await once(server.server, 'listening');
      // Where a connection cannot be taken, its client is told by the system; the node and all others go on.
      server.server.on('error', () => {});
      chmodSync(path, 0o600);
    } catch (error) {
      throw fileError(error, 'make', path);
    }
    return server;
  }

  /**
   * Takes no more command lines, lets those under way end, and then ends them.
   * @param graceMs how long they get to end by themselves
   */
  async close(graceMs = GRACE_MS): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    // Node removes the file when the server has closed; others should not find it for so long.
    rmSync(this.path, { force: true });
    const ended = (): Promise<unknown> => Promise.all([...this.sessions].map((session) => session.ended));
    await Promise.race([ended(), delay(graceMs, undefined, { ref: false })]);
    for (const session of this.sessions) session.abort();
    await Promise.race([ended(), delay(ABORT_MS, undefined, { ref: false })]);
    for (const session of this.sessions) session.socket.destroy();
    await closed;
    this.clear();
  }

  /** Resolves as soon as nobody is served, or `signal` is aborted. */
  async idle(signal: AbortSignal): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (this.sessions.size > 0 && !signal.aborted)
      await Promise.race([gone, ...[...this.sessions].map((session) => session.ended)]);
  }

  /** How many clients there are, and how many of them wait for their turn. */
  get load(): { readonly clients: number; readonly waiting: number } {
    return { clients: this.sessions.size, waiting: this.turns.length };
  }

  private accept(socket: Socket): void {
    const interruption = new AbortController();
    const lines = new LineReader();
    let terminal: RemoteTerminal | undefined;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const session: Session = { socket, abort: () => interruption.abort(), ended };
    this.sessions.add(session);
    const receive = (frame: ClientFrame): void => {
      if (frame.kind === 'abort') interruption.abort();
      else if (frame.kind !== 'run') terminal?.receive(frame);
      else if (terminal === undefined) {
        terminal = new RemoteTerminal(socket, frame);
        void this.serve(frame, terminal, interruption.signal).finally(() => socket.end());
      }
    };
    socket.on('data', (chunk) => {
      try {
        for (const line of lines.push(chunk)) receive(decodeClientFrame(line));
      } catch {
        // No client of ours; there is nobody to tell.
        socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      terminal?.hangUp();
      interruption.abort();
      this.sessions.delete(session);
      end();
    });
  }

  private async serve(request: RunRequest, terminal: RemoteTerminal, signal: AbortSignal): Promise<void> {
    if (request.protocol !== SOCKET_PROTOCOL) {
      terminal.send({ kind: 'other_protocol', protocol: SOCKET_PROTOCOL });
      return;
    }
    await this.takeTurn();
    try {
      const code = signal.aborted ? 130 : await this.runVerb(request, terminal, signal);
      terminal.send({ kind: 'exit', code });
    } finally {
      this.giveTurn();
    }
  }

  private async takeTurn(): Promise<void> {
    if (this.running < RUNS_MAX) {
      this.running++;
      return;
    }
    await new Promise<void>((resolve) => this.turns.push(resolve));
  }

  private giveTurn(): void {
    const next = this.turns.shift();
    if (next === undefined) this.running--;
    else next();
  }
}
