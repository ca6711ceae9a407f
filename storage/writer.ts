/**
 * The store's end of the writer thread: hands over packed writes and settles their promises.
 *
 * The thread starts with the first write, so that opening a store to read costs nothing, and it does not keep the
 * process alive while it is idle. Every promise is owned here: it is settled by an answer, or by the thread's end.
 */
import { Worker } from 'node:worker_threads';
import { closedError, type EnvironmentOptions } from './environment.ts';
import { StorageError, storageErrorOf } from './errors.ts';
import type { PackedWrites } from './packed-writes.ts';
import { newGate, shutAtExit } from './writer-gate.ts';
import { type FromWriter, NODE_GROUP, type ToWriter, type WriterData } from './writer-protocol.ts';

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: StorageError) => void;
}

/** The same file runs from source and from the built package. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js',
  import.meta.url,
);

/** Writes in order, acknowledged when durable. */
export class Writer {
  readonly #options: EnvironmentOptions;
  readonly #beforeResolve: () => void;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #lastSeq = 0;
  #closing: Promise<void> | undefined;
  #broken: StorageError | undefined;

  /** `beforeResolve` runs once before the promises of one flush resolve: the reader renews its view there. */
  constructor(options: EnvironmentOptions, beforeResolve: () => void) {
    this.#options = options;
    this.#beforeResolve = beforeResolve;
  }

  /**
   * Sends `writes` and resolves when they are durable.
   * @throws StorageError (as a rejection)
   */
  submit(writes: PackedWrites, group: number = NODE_GROUP, epoch = 0): Promise<void> {
    if (this.#closing) return Promise.reject(closedError());
    if (this.#broken) return Promise.reject(this.#broken);
    const worker = this.#worker ?? this.#start();
    const seq = ++this.#lastSeq;
    const { count } = writes;
    const packed = writes.take();
    return new Promise((resolve, reject) => {
      this.#pending.set(seq, { resolve, reject });
      worker.ref();
      const message: ToWriter = { kind: 'commit', seq, group, epoch, count, writes: packed };
      worker.postMessage(message, [packed]);
    });
  }

  /** Whether `close` was called: nothing more is taken. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Waits for the writes in flight and ends the thread. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    if (!this.#worker) return;
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'close' } satisfies ToWriter);
    await this.#exited;
  }

  #start(): Worker {
    const gate = newGate();
    const forget = shutAtExit(gate);
    const workerData: WriterData = { ...this.#options, gate };
    const worker = new Worker(THREAD_FILE, { workerData, name: 'storage writer', execArgv: [] });
    this.#worker = worker;
    worker.on('message', (message: FromWriter) => this.#answered(message));
    let reason: unknown;
    worker.on('error', (error) => {
      reason = error;
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        forget();
        this.#abandon(reason);
        resolve();
      });
    });
    return worker;
  }

  #answered(message: FromWriter): void {
    this.#beforeResolve();
    if (message.kind === 'committed') {
      for (let seq = message.first; seq <= message.last; seq++)
        this.#settle(seq, (pending) => pending.resolve());
    } else {
      const error = storageErrorOf(message.errno, message.detail);
      for (const seq of message.seqs) this.#settle(seq, (pending) => pending.reject(error));
    }
    if (this.#pending.size === 0 && !this.#closing) this.#worker?.unref();
  }

  #settle(seq: number, use: (pending: Pending) => void): void {
    const pending = this.#pending.get(seq);
    this.#pending.delete(seq);
    if (pending) use(pending);
  }

  #abandon(reason: unknown): void {
    const detail = reason instanceof Error ? reason.message : 'without a reason';
    const error = new StorageError('io', `the writer thread ended (${detail}); open the store again`, {
      cause: reason,
    });
    if (!this.#closing) this.#broken = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
