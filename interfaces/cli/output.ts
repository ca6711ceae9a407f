/**
 * Where a verb prints: standard output for results, standard error for everything else.
 *
 * On a terminal there are colours and tables that fit its width; into a pipe or a file goes plain text, so that
 * other programs can cut it. A reader that goes away (`| head`) is no failure: the verb ends, quietly.
 */
import { styleText } from 'node:util';
import type { Terminal } from './terminal.ts';

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
  private readonly terminal: Terminal;
  private hasStatus = false;

  constructor(terminal: Terminal, env: NodeJS.ProcessEnv) {
    this.terminal = terminal;
    this.isTerminal = terminal.isOutTerminal;
    this.isErrorTerminal = terminal.isErrTerminal;
    const columns = Number(env.COLUMNS) || terminal.columns || WIDTH_DEFAULT;
    this.width = Math.max(WIDTH_MIN, Math.floor(columns));
    const isForced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
    const isForbidden = env.NO_COLOR !== undefined && env.NO_COLOR !== '';
    this.hasColour = !isForbidden && (isForced || (this.isTerminal && env.TERM !== 'dumb'));
  }

  /** Text in a style, where there are colours. */
  style(style: Style, text: string): string {
    return this.hasColour ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Writes to standard output as it is. @throws OutputClosedError, OutputFailedError */
  write(chunk: string | Uint8Array): void {
    this.terminal.writeOut(chunk);
  }

  /** One line on standard output. @throws OutputClosedError, OutputFailedError */
  line(text = ''): void {
    this.write(`${text}\n`);
  }

  /** For people, on standard error: a hint, a warning, an error. */
  note(text: string): void {
    this.terminal.writeErr(`${text}\n`);
  }

  /** Overwrites the last line of a terminal; does nothing elsewhere. */
  status(text: string): void {
    if (!this.isErrorTerminal) return;
    this.terminal.writeErr(`\r\u001b[2K${text.slice(0, this.width - 1)}`);
    this.hasStatus = text !== '';
  }

  /** Leaves the status where it is and goes on below it: whatever comes next begins a line of its own. */
  keepStatus(): void {
    if (this.hasStatus) this.terminal.writeErr('\n');
    this.hasStatus = false;
  }

  /** Resolves when everything has been handed on; a long stream of lines waits here for a slow reader. */
  flush(): Promise<void> {
    return this.terminal.flush();
  }
}
