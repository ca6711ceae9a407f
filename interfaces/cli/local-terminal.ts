/** The terminal of this process: its three standard streams. */
import { OutputFailedError } from './errors.ts';
import {
  INPUT_BYTES_MAX,
  InterruptedError,
  inputTooLong,
  OutputClosedError,
  type Terminal,
} from './terminal.ts';

export class LocalTerminal implements Terminal {
  readonly isOutTerminal = process.stdout.isTTY === true;
  readonly isErrTerminal = process.stderr.isTTY === true;
  readonly isInteractive = process.stdin.isTTY === true;
  readonly columns: number | undefined = process.stdout.columns;
  readonly cwd = process.cwd();
  private ended: OutputClosedError | OutputFailedError | undefined;
  /** What was typed after a line's end, for the next question: pasted answers arrive together. */
  private early = '';

  constructor() {
    process.stdout.on('error', (error) => this.end(error));
    // Messages that nobody reads are no reason to fail either.
    process.stderr.on('error', () => {});
  }

  writeOut(chunk: string | Uint8Array): void {
    if (this.ended !== undefined) throw this.ended;
    // A stream that ends with the process may not get to emit its error: the callback is told in any case.
    process.stdout.write(chunk, (error) => {
      if (error) this.end(error);
    });
  }

  /** Why not all of the output arrived, where somebody wanted it. */
  get failure(): OutputFailedError | undefined {
    return this.ended instanceof OutputFailedError ? this.ended : undefined;
  }

  /** The first error of standard output counts; those that follow only say that there was one. */
  private end(error: NodeJS.ErrnoException): void {
    this.ended ??= error.code === 'EPIPE' ? new OutputClosedError() : new OutputFailedError(error);
  }

  writeErr(text: string): void {
    process.stderr.write(text);
  }

  async flush(): Promise<void> {
    for (const stream of [process.stdout, process.stderr])
      await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }

  async readInput(): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > INPUT_BYTES_MAX) throw inputTooLong();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  input(): AsyncIterable<Uint8Array> {
    return process.stdin;
  }

  /** Raw mode takes the echo away before the question appears, so that nothing typed early is shown. */
  ask(question: string, { isShown, signal }: { isShown: boolean; signal: AbortSignal }): Promise<string> {
    const { stdin } = process;
    const line = new TypedLine(isShown);
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        stdin.off('data', onData);
        signal.removeEventListener('abort', onAbort);
        stdin.setRawMode(false);
        stdin.pause();
        process.stderr.write('\n');
        settle();
      };
      const onAbort = (): void => finish(() => reject(new InterruptedError()));
      const onData = (chunk: string): void => {
        const { state, rest } = line.feed(chunk);
        this.early = rest;
        if (state === 'interrupted') onAbort();
        else if (state === 'done') finish(() => resolve(line.text));
      };
      stdin.setRawMode(true);
      stdin.setEncoding('utf8');
      process.stderr.write(question);
      signal.addEventListener('abort', onAbort, { once: true });
      stdin.on('data', onData);
      stdin.resume();
      if (this.early !== '') onData(this.early);
    });
  }
}

interface Fed {
  readonly state: 'more' | 'done' | 'interrupted';
  /** What came behind the line's end. */
  readonly rest: string;
}

/** A line as it is typed, key by key. */
class TypedLine {
  text = '';
  private readonly isShown: boolean;

  constructor(isShown: boolean) {
    this.isShown = isShown;
  }

  feed(chunk: string): Fed {
    const characters = Array.from(chunk);
    for (const [at, character] of characters.entries()) {
      if (character === '\u0003') return { state: 'interrupted', rest: '' };
      if (character === '\r' || character === '\n' || character === '\u0004')
        return { state: 'done', rest: characters.slice(at + 1).join('') };
      this.take(character);
    }
    return { state: 'more', rest: '' };
  }

  private take(character: string): void {
    if (character === '\u007f' || character === '\b') {
      if (this.isShown && this.text !== '') process.stderr.write('\b \b');
      this.text = Array.from(this.text).slice(0, -1).join('');
    } else if (character >= ' ') {
      this.text += character;
      if (this.isShown) process.stderr.write(character);
    }
  }
}
