/**
 * Keeps one host connected while nodes come and go.
 *
 * The process that a host starts does not serve it itself where a node is up already: it hands the messages on. Nodes
 * end, though: `lb up` is restarted, and where another host's process owned the directory, that host goes away. The
 * host here shall not notice. So messages are watched as they pass, and when a node is gone, the next one is told what
 * a new connection needs (the handshake, the subscriptions), is asked again what only reads, and for what would
 * change something the host gets an error that says what is known: it may have been done, or not.
 */
import type { Terminal } from '../cli/terminal.ts';
import { operationNamed } from '../operations/registry.ts';
import { type Id, isId, tooLong } from './incoming.ts';
import { linesOf } from './lines.ts';

/** Lines that may wait while no node takes them; then the host is not read on. */
const LINES_WAITING_MAX = 1_000;
/** Nodes that are asked for what is open after the host has closed its end: one that ends just then is not the last. */
const LAST_NODES_MAX = 3;

interface Message {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly uri?: string; readonly requestId?: Id };
}

export class Relay {
  private readonly terminal: Terminal;
  /** Lines that no node has been given yet. */
  private waiting: string[] = [];
  /** Requests without an answer, by their id. */
  private readonly open = new Map<Id, string>();
  /** What a connection of the older era begins with. */
  private handshake: string[] = [];
  private readonly subscriptions = new Map<string, string>();
  /** Ids of requests that the host does not know were sent again. */
  private readonly silent = new Set<Id>();
  /** Whether the host has closed its end; what it asked before is answered. */
  private hasEnded = false;
  /** Whether this process was told to end: then nothing is answered any more. */
  private isStopped = false;
  /** Nodes that served to their end after the host's. */
  private lastNodes = 0;
  private wakeNode: () => void = () => {};
  private wakeHost: () => void = () => {};

  /** Begins to read what the host sends. */
  constructor(terminal: Terminal, signal: AbortSignal) {
    this.terminal = terminal;
    const stop = (): void => {
      this.isStopped = true;
      this.end();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    void this.readHost().then(
      () => this.end(),
      () => this.end(),
    );
  }

  /** Whether the host has closed its end, and nothing that it asked is open. */
  get isOver(): boolean {
    if (this.isStopped) return true;
    if (!this.hasEnded) return false;
    return this.lastNodes >= LAST_NODES_MAX || (this.waiting.length === 0 && !this.hasOpen());
  }

  /** Whether the host waits for an answer. A subscription has one when it ends, and not before. */
  private hasOpen(): boolean {
    return [...this.open.values()].some((line) => messageIn(line)?.method !== 'subscriptions/listen');
  }

  /** Connects the host through `serve`, which is handed its terminal, until that ends. */
  async through<T>(serve: (terminal: Terminal) => Promise<T>): Promise<T> {
    this.prepareForNewNode();
    const link: Link = new Link(
      this.terminal,
      this.linesFor(() => link.isClosed),
      (line) => this.fromNode(line),
    );
    try {
      return await serve(link);
    } finally {
      link.isClosed = true;
      if (this.hasEnded) this.lastNodes++;
      this.wakeNode();
    }
  }

  // From the host.

  private async readHost(): Promise<void> {
    for await (const line of linesOf(this.terminal.input())) {
      if (line.text === undefined) this.terminal.writeOut(`${JSON.stringify(tooLong(line))}\n`);
      else this.fromHost(line.text);
      if (this.hasEnded) return;
      if (this.waiting.length > LINES_WAITING_MAX)
        await new Promise<void>((resolve) => {
          this.wakeHost = resolve;
        });
    }
  }

  private fromHost(line: string): void {
    const message = messageIn(line);
    if (message !== undefined) this.note(message, line);
    this.waiting.push(line);
    this.wakeNode();
  }

  private note({ id, method, params }: Message, line: string): void {
    if (method === 'notifications/cancelled' && params?.requestId !== undefined)
      this.open.delete(params.requestId);
    if (method === 'initialize') this.handshake = [line];
    if (method === 'notifications/initialized') this.handshake.push(line);
    if (method === 'resources/subscribe' && params?.uri !== undefined)
      this.subscriptions.set(params.uri, line);
    if (method === 'resources/unsubscribe' && params?.uri !== undefined)
      this.subscriptions.delete(params.uri);
    // What has none is answered without one, if at all.
    if (isId(id) && method !== undefined) this.open.set(id, line);
  }

  private end(): void {
    this.hasEnded = true;
    this.wakeNode();
    this.wakeHost();
  }

  // To the node.

  /** The lines for one node, until it is gone or the host is. */
  private async *linesFor(isGone: () => boolean): AsyncGenerator<Uint8Array> {
    while (!isGone()) {
      const line = this.waiting.shift();
      if (line !== undefined) yield Buffer.from(`${line}\n`);
      else if (this.hasEnded) return;
      else {
        this.wakeHost();
        await new Promise<void>((resolve) => {
          this.wakeNode = resolve;
        });
      }
    }
  }

  /** What the last node left unanswered is asked again where nothing can be done twice; the rest is an error. */
  private prepareForNewNode(): void {
    const unsent = new Set(this.waiting);
    const again: string[] = [];
    for (const [id, line] of this.open) {
      if (unsent.has(line)) continue;
      if (this.handshake.includes(line)) continue;
      if (isSafe(messageIn(line))) again.push(line);
      else this.tellLost(id);
    }
    const begun = [...this.handshake, ...this.subscriptions.values()].filter((line) => !unsent.has(line));
    for (const line of begun) {
      const { id } = messageIn(line) ?? {};
      // Where the host waits for the answer still, it gets this one.
      if (id !== undefined && !this.open.has(id)) this.silent.add(id);
    }
    this.waiting = [...begun, ...again, ...this.waiting];
  }

  private tellLost(id: Id): void {
    this.open.delete(id);
    const error = {
      code: -32603,
      message:
        'the node went away in the middle of the call, which may have been done or not; look at the result before trying again',
    };
    this.terminal.writeOut(`${JSON.stringify({ jsonrpc: '2.0', id, error })}\n`);
  }

  // From the node.

  private fromNode(line: string): void {
    const { id, method } = messageIn(line) ?? {};
    if (id !== undefined && method === undefined) {
      this.open.delete(id);
      if (this.silent.delete(id)) return;
    }
    this.terminal.writeOut(`${line}\n`);
  }
}

/** Whether a request may be asked twice. */
function isSafe(message: Message | undefined): boolean {
  const method = message?.method ?? '';
  const name = method === 'tools/call' ? (message?.params?.name ?? '') : method;
  const effect = operationNamed(name)?.effect;
  return method === 'tools/call' ? effect === 'reads' : effect === undefined || effect === 'reads';
}

/** The message in a line; nothing where it is none. */
function messageIn(line: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? (message as Message) : undefined;
  } catch {
    return undefined;
  }
}

/** The terminal that one node sees: the host's, whose lines pass through the relay. */
class Link implements Terminal {
  readonly isOutTerminal = false;
  readonly isErrTerminal: boolean;
  readonly isInteractive: boolean;
  readonly columns: number | undefined;
  readonly cwd: string;
  private readonly host: Terminal;
  private readonly lines: AsyncIterable<Uint8Array>;
  private readonly take: (line: string) => void;
  private readonly decoder = new TextDecoder();
  private rest = '';
  /** Whether the node is gone: what it says still, being slow to end, is not heard. */
  isClosed = false;

  constructor(host: Terminal, lines: AsyncIterable<Uint8Array>, take: (line: string) => void) {
    this.host = host;
    this.lines = lines;
    this.take = take;
    this.isErrTerminal = host.isErrTerminal;
    this.isInteractive = host.isInteractive;
    this.columns = host.columns;
    this.cwd = host.cwd;
  }

  writeOut(chunk: string | Uint8Array): void {
    if (this.isClosed) return;
    const text = typeof chunk === 'string' ? chunk : this.decoder.decode(chunk, { stream: true });
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    for (const line of lines) this.take(line);
  }

  writeErr(text: string): void {
    this.host.writeErr(text);
  }

  flush(): Promise<void> {
    return this.host.flush();
  }

  ask(question: string, options: Parameters<Terminal['ask']>[1]): Promise<string> {
    return this.host.ask(question, options);
  }

  readInput(): Promise<Uint8Array> {
    return this.host.readInput();
  }

  input(): AsyncIterable<Uint8Array> {
    return this.lines;
  }
}
