/** The terminal of a verb that runs in the node that is up: its person sits at the other end of a socket. */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import {
  INPUT_BYTES_MAX,
  InterruptedError,
  inputTooLong,
  OutputClosedError,
  type Terminal,
} from '../cli/terminal.ts';
import {
  bytePieces,
  type ClientFrame,
  encodeFrame,
  type NodeFrame,
  type RunRequest,
  textPieces,
} from './frames.ts';

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export class RemoteTerminal implements Terminal {
  readonly isOutTerminal: boolean;
  readonly isErrTerminal: boolean;
  readonly isInteractive: boolean;
  readonly columns: number | undefined;
  readonly cwd: string;
  private readonly socket: Socket;
  private answer: Waiter<string> | undefined;
  private wholeInput: Waiter<Uint8Array> | undefined;
  private liveInput: Readable | undefined;
  private readonly inputChunks: Buffer[] = [];
  private inputBytes = 0;

  constructor(socket: Socket, request: RunRequest) {
    this.socket = socket;
    this.isOutTerminal = request.isOutTerminal;
    this.isErrTerminal = request.isErrTerminal;
    this.isInteractive = request.isInteractive;
    this.columns = request.columns;
    this.cwd = request.cwd;
  }

  send(frame: NodeFrame): void {
    if (this.socket.writable) this.socket.write(encodeFrame(frame));
  }

  writeOut(chunk: string | Uint8Array): void {
    if (!this.socket.writable) throw new OutputClosedError();
    for (const frame of outFrames(chunk)) this.send(frame);
  }

  writeErr(text: string): void {
    for (const piece of textPieces(text)) this.send({ kind: 'err', text: piece });
  }

  /** Waits until the client has taken what was written: a slow reader slows whoever writes on and on. */
  async flush(): Promise<void> {
    if (this.socket.writableLength === 0 || this.socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      this.socket.on('drain', done);
      this.socket.on('close', done);
      // What is below the high-water mark never "drains"; an empty write is called back when all is gone.
      this.socket.write('', done);
    });
  }

  ask(question: string, { isShown, signal }: { isShown: boolean; signal: AbortSignal }): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const onAbort = (): void => reject(new InterruptedError());
    signal.addEventListener('abort', onAbort, { once: true });
    this.answer = { resolve, reject };
    this.send({ kind: 'ask', question, isShown });
    return promise.finally(() => {
      this.answer = undefined;
      signal.removeEventListener('abort', onAbort);
    });
  }

  readInput(): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.wholeInput = { resolve, reject };
    this.send({ kind: 'want_input', asItComes: false });
    return promise;
  }

  /** What is not read yet waits at the client: a reader that is behind stops the socket. */
  input(): AsyncIterable<Uint8Array> {
    this.liveInput = new Readable({ read: () => void this.socket.resume() });
    this.send({ kind: 'want_input', asItComes: true });
    return this.liveInput;
  }

  /** Takes what the client sent. */
  receive(frame: ClientFrame): void {
    if (frame.kind === 'answer') this.answer?.resolve(frame.text);
    else if (frame.kind === 'input') this.receiveInput(Buffer.from(frame.base64, 'base64'), frame.end);
  }

  private receiveInput(bytes: Buffer, isEnd: boolean): void {
    if (this.liveInput !== undefined) {
      if (bytes.length > 0 && !this.liveInput.push(bytes)) this.socket.pause();
      if (isEnd) this.endLiveInput();
      return;
    }
    this.inputBytes += bytes.length;
    if (this.inputBytes > INPUT_BYTES_MAX) {
      this.inputChunks.length = 0;
      this.wholeInput?.reject(inputTooLong());
      return;
    }
    this.inputChunks.push(bytes);
    if (isEnd) this.wholeInput?.resolve(Buffer.concat(this.inputChunks));
  }

  /** The client is gone: nothing that waits for it will come. */
  hangUp(): void {
    this.answer?.reject(new InterruptedError());
    this.wholeInput?.reject(new InterruptedError());
    this.endLiveInput();
  }

  private endLiveInput(): void {
    this.liveInput?.push(null);
    this.liveInput = undefined;
  }
}

function* outFrames(chunk: string | Uint8Array): Generator<NodeFrame> {
  if (typeof chunk === 'string') for (const text of textPieces(chunk)) yield { kind: 'out', text };
  else for (const base64 of bytePieces(chunk)) yield { kind: 'out_bytes', base64 };
}
