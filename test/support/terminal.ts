/** A terminal for programs that are built but not run, and for verbs whose output a test reads. */
import type { Command } from 'commander';
import { Output } from '../../interfaces/cli/output.ts';
import { buildProgram } from '../../interfaces/cli/program.ts';
import type { Terminal } from '../../interfaces/cli/terminal.ts';

export class RecordingTerminal implements Terminal {
  readonly isOutTerminal: boolean;
  readonly isErrTerminal: boolean;
  readonly isInteractive = false;
  readonly columns: number | undefined;
  readonly cwd: string;
  stdout = '';
  stderr = '';
  private readonly piped: string | Uint8Array;

  /**
   * @param input what is piped in
   * @param columns of the screen; without, both outputs are pipes
   */
  constructor(cwd = '/', input: string | Uint8Array = '', columns?: number) {
    this.cwd = cwd;
    this.columns = columns;
    this.isOutTerminal = columns !== undefined;
    this.isErrTerminal = columns !== undefined;
    this.piped = input;
  }

  writeOut(chunk: string | Uint8Array): void {
    this.stdout += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
  }

  writeErr(text: string): void {
    this.stderr += text;
  }

  async flush(): Promise<void> {}

  async ask(): Promise<string> {
    throw new Error('nobody is here to be asked');
  }

  async readInput(): Promise<Uint8Array> {
    return Buffer.from(this.piped as string);
  }

  async *input(): AsyncGenerator<Uint8Array> {
    yield await this.readInput();
  }
}

/** The program, to be looked at; nothing of it can run. */
export function builtProgram(env: NodeJS.ProcessEnv = {}): Command {
  const terminal = new RecordingTerminal();
  const { signal } = new AbortController();
  return buildProgram({ out: new Output(terminal, env), terminal, env, signal, runs: new Set() });
}
