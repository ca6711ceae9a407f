/**
 * Where a verb prints: standard output for results, standard error for everything else.
 *
 * On a terminal there are colours and tables that fit its width; into a pipe or a file goes plain text, so that
 * other programs can cut it. A reader that goes away (`| head`) is no failure: the verb ends, quietly.
 */
import { styleText } from 'node:util';

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
  private isClosed = false;
  private hasStatus = false;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.isTerminal = process.stdout.isTTY === true;
    this.isErrorTerminal = process.stderr.isTTY === true;
    const columns = Number(env.COLUMNS) || process.stdout.columns || WIDTH_DEFAULT;
    this.width = Math.max(WIDTH_MIN, Math.floor(columns));
    const isForced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
    const isForbidden = env.NO_COLOR !== undefined && env.NO_COLOR !== '';
    this.hasColour = !isForbidden && (isForced || (this.isTerminal && env.TERM !== 'dumb'));
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.isClosed = true;
    });
    // Messages that nobody reads are no reason to fail either.
    process.stderr.on('error', () => {});
  }

  /** Text in a style, where there are colours. */
  style(style: Style, text: string): string {
    return this.hasColour ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Writes to standard output as it is. @throws OutputClosedError */
  write(chunk: string | Uint8Array): void {
    if (this.isClosed) throw new OutputClosedError();
    process.stdout.write(chunk);
  }

  /** One line on standard output. @throws OutputClosedError */
  line(text = ''): void {
    this.write(`${text}\n`);
  }

  /** For people, on standard error: a hint, a warning, an error. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Overwrites the last line of a terminal; does nothing elsewhere. */
  status(text: string): void {
    if (!this.isErrorTerminal) return;
    process.stderr.write(`\r\u001b[2K${text.slice(0, this.width - 1)}`);
    this.hasStatus = text !== '';
  }

  /** Leaves the status where it is and goes on below it: whatever comes next begins a line of its own. */
  keepStatus(): void {
    if (this.hasStatus) process.stderr.write('\n');
    this.hasStatus = false;
  }

  /** Resolves when everything has been handed to the system. */
  async flush(): Promise<void> {
    for (const stream of [process.stdout, process.stderr])
      if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
}
