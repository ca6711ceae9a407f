/** The thread that reads documents, seen from the thread that asks it. */
import { Worker } from 'node:worker_threads';
import type { Credit, ReadRequest, Told } from './reading-protocol.ts';

/** The same file runs from source and from the built package. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './reading-thread.ts' : './reading-thread.js',
  import.meta.url,
);

export class Reader {
  private readonly worker: Worker;
  private readonly told: Told[] = [];
  private wake: (() => void) | undefined;
  private failure: { readonly error: unknown } | undefined;
  private isEnded = false;

  /** @param signal ends the waiting for what is still to be told */
  constructor(signal?: AbortSignal) {
    signal?.addEventListener('abort', () => this.fail(signal.reason), { once: true });
    this.worker = new Worker(THREAD_FILE, { name: 'import', execArgv: [] });
    this.worker.on('message', (message: Told) => {
      this.told.push(message);
      this.wake?.();
    });
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => {
      if (!this.isEnded) this.fail(new Error('the thread that reads documents ended'));
    });
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.wake?.();
  }

  /** Asks for a document; the answers come in the order of the requests. */
  ask(request: ReadRequest): void {
    this.worker.postMessage(request);
  }

  /** The next thing that is told. */
  async next(): Promise<Told> {
    for (;;) {
      const told = this.told.shift();
      if (told !== undefined) return told;
      if (this.failure !== undefined) throw this.failure.error;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** The batch that was told is dealt with: one more may come. */
  taken(): void {
    this.worker.postMessage({ kind: 'credit' } satisfies Credit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isEnded = true;
    await this.worker.terminate();
  }
}
