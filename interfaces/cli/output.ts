/**
 * Where a verb prints: standard output for results, standard error for everything else.
 *
 * On a terminal there are colours and tables that fit its width; into a pipe or a file goes plain text, so that
 * other programs can cut it. A reader that goes away (`| head`) is no failure: the verb ends, quietly.
 */
import { styleText } from 'node:util';
import { OutputFailedError } from './errors.ts';

/** Thrown by `write` once nobody reads any more. Ends the verb with success. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
}

export type Style = Parameters<typeof styleText>[0];

const WIDTH_DEFAULT = 80;
const WIDTH_MIN = 20;

export class Output {
  /** Whether results go to a person. */
  readonly isTerminal: boolean;
  /** Whether messages go to a person. */
  readonly isErrorTerminal: boolean;
  /** Columns to fit into. */
  readonly width: number;
  private readonly hasColour: boolean;
  private ended: OutputClosedError | OutputFailedError | undefined;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.isTerminal = process.stdout.isTTY === true;
    this.isErrorTerminal = process.stderr.isTTY === true;
    const columns = Number(env.COLUMNS) || process.stdout.columns || WIDTH_DEFAULT;
    this.width = Math.max(WIDTH_MIN, Math.floor(columns));
    const isForced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
    const isForbidden = env.NO_COLOR !== undefined && env.NO_COLOR !== '';
    this.hasColour = !isForbidden && (isForced || (this.isTerminal && env.TERM !== 'dumb'));
    process.stdout.on('error', (error) => this.end(error));
    // Messages that nobody reads are no reason to fail either.
    process.stderr.on('error', () => {});
  }

  /** Text in a style, where there are colours. */
  style(style: Style, text: string): string {
    return this.hasColour ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Why not all of the output arrived, where somebody wanted it. */
  get failure(): OutputFailedError | undefined {
    return this.ended instanceof OutputFailedError ? this.ended : undefined;
  }

  /** The first error of standard output counts; those that follow only say that there was one. */
  private end(error: NodeJS.ErrnoException): void {
    this.ended ??= error.code === 'EPIPE' ? new OutputClosedError() : new OutputFailedError(error);
  }

  /** Writes to standard output as it is. @throws OutputClosedError, OutputFailedError */
  write(chunk: string | Uint8Array): void {
    if (this.ended !== undefined) throw this.ended;
    // A stream that ends with the process may not get to emit its error: the callback is told in any case.
    process.stdout.write(chunk, (error) => {
      if (error) this.end(error);
    });
  }

  /** One line on standard output. @throws OutputClosedError, OutputFailedError */
  line(text = ''): void {
    this.write(`${text}\n`);
  }

  /** One line for people on standard error: a hint, a warning. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Overwrites the last line of a terminal; does nothing elsewhere. */
  status(text: string): void {
    if (this.isErrorTerminal) process.stderr.write(`\r\u001b[2K${text.slice(0, this.width - 1)}`);
  }

  /** Resolves when everything has been handed to the system, or refused by it. */
  async flush(): Promise<void> {
    for (const stream of [process.stdout, process.stderr])
      await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
}
