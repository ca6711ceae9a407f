/**
 * The client's end of the local socket: hands a whole command line to the node that is up, and is its terminal.
 *
 * So a verb does the same whether it opened the directory itself or not: it is the same verb, in another process.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { layoutOf } from '../../storage/directory.ts';
import { readOwner } from '../../storage/lock.ts';
import type { Terminal } from '../cli/terminal.ts';
import { InterruptedError } from '../cli/terminal.ts';
import {
  bytePieces,
  type ClientFrame,
  decodeNodeFrame,
  encodeFrame,
  LineReader,
  type NodeFrame,
  NodeGoneError,
  SOCKET_PROTOCOL,
  SocketProtocolError,
} from './frames.ts';
import { findSocket } from './place.ts';

/** How long to wait for a process that has the directory: it may be a node that is starting. */
const OWNER_WAIT_MS = 5_000;
const POLL_MS = 50;
/** The part of the environment that a verb looks at. */
const ENV_NAMES = /^(LB_.*|NO_COLOR|FORCE_COLOR|COLUMNS|TERM|TZ|LANG|LC_.*|XDG_.*|HOME)$/;

export interface Forwarding {
  /** The data directory. */
  readonly data: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * Runs `args` in the node that is up in the data directory. Resolves to the exit code, or to nothing where no node
 * is up.
 * @throws SocketProtocolError when the node speaks another version or goes away
 */
export async function forward(forwarding: Forwarding): Promise<number | undefined> {
  const socket = await findNode(forwarding.data, forwarding.signal);
  return socket === undefined ? undefined : converse(socket, forwarding);
}

/** A connection to the node that is up, if one is. Waits a little for one that is just starting. */
async function findNode(data: string, signal: AbortSignal): Promise<Socket | undefined> {
  const { root } = layoutOf(data);
  const deadline = performance.now() + OWNER_WAIT_MS;
  for (;;) {
    // Asked for each time: a node that is starting says where its socket is when it has one.
    const path = findSocket(data);
    const socket = path === undefined ? undefined : await connected(path);
    if (socket !== undefined) return socket;
    if (!isOwned(root) || signal.aborted || performance.now() >= deadline) return undefined;
    await delay(POLL_MS);
  }
}

function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    // No socket, nobody behind it, or a path that is none: whoever opens the directory will say what is wrong.
    socket.once('error', () => resolve(undefined));
  });
}

/** Whether a living process has the directory. Only a hint: the lock decides. */
function isOwned(root: string): boolean {
  const { pid } = readOwner(root);
  if (pid === undefined || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function converse(socket: Socket, { args, env, terminal, signal }: Forwarding): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const send = (frame: ClientFrame): void => {
    if (socket.writable) socket.write(encodeFrame(frame));
  };
  const drained = async (): Promise<void> => {
    if (!socket.writableNeedDrain || socket.destroyed) return;
    await new Promise<void>((taken) => {
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        taken();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  };
  const fail = (error: unknown): void => {
    reject(error as Error);
    socket.destroy();
  };
  const onAbort = (): void => send({ kind: 'abort' });
  const lines = new LineReader();
  socket.on('data', (chunk) => {
    try {
      for (const line of lines.push(chunk))
        receive(decodeNodeFrame(line), { terminal, signal, send, drained, resolve, fail });
    } catch (error) {
      fail(error);
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => fail(new NodeGoneError()));
  signal.addEventListener('abort', onAbort, { once: true });
  send(runRequest(args, env, terminal));
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  });
}

function runRequest(args: readonly string[], env: NodeJS.ProcessEnv, terminal: Terminal): ClientFrame {
  const known = Object.entries(env).filter(
    (entry): entry is [string, string] => ENV_NAMES.test(entry[0]) && entry[1] !== undefined,
  );
  const { isOutTerminal, isErrTerminal, isInteractive, columns, cwd } = terminal;
  return {
    kind: 'run',
    protocol: SOCKET_PROTOCOL,
    args,
    cwd,
    env: Object.fromEntries(known),
    isOutTerminal,
    isErrTerminal,
    isInteractive,
    ...(columns === undefined ? {} : { columns }),
  };
}

interface Conversation {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly send: (frame: ClientFrame) => void;
  /** Resolves when the node has taken what was sent, or is gone. */
  readonly drained: () => Promise<void>;
  readonly resolve: (exitCode: number) => void;
  readonly fail: (error: unknown) => void;
}

function receive(frame: NodeFrame, { terminal, signal, send, drained, resolve, fail }: Conversation): void {
  switch (frame.kind) {
    case 'out':
      terminal.writeOut(frame.text);
      return;
    case 'out_bytes':
      terminal.writeOut(Buffer.from(frame.base64, 'base64'));
      return;
    case 'err':
      terminal.writeErr(frame.text);
      return;
    case 'ask':
      terminal.ask(frame.question, { isShown: frame.isShown, signal }).then(
        (text) => send({ kind: 'answer', text }),
        (error: unknown) => (error instanceof InterruptedError ? send({ kind: 'abort' }) : fail(error)),
      );
      return;
    case 'want_input':
      if (frame.asItComes) streamInput(terminal, send, drained).catch(fail);
      else terminal.readInput().then((bytes) => sendInput(bytes, send), fail);
      return;
    case 'other_protocol':
      fail(
        new SocketProtocolError(
          `the node that is up speaks version ${frame.protocol} of the socket and this program speaks ${SOCKET_PROTOCOL}; use the program that started it, or start the node again with this one`,
        ),
      );
      return;
    case 'exit':
      resolve(frame.code);
  }
}

/** Hands on what is piped in as it comes, no faster than the node takes it. */
async function streamInput(
  terminal: Terminal,
  send: (frame: ClientFrame) => void,
  drained: () => Promise<void>,
): Promise<void> {
  for await (const bytes of terminal.input()) {
    for (const base64 of bytePieces(bytes)) send({ kind: 'input', base64, end: false });
    await drained();
  }
  send({ kind: 'input', base64: '', end: true });
}

function sendInput(bytes: Uint8Array, send: (frame: ClientFrame) => void): void {
  for (const base64 of bytePieces(bytes)) send({ kind: 'input', base64, end: false });
  send({ kind: 'input', base64: '', end: true });
}
