/**
 * Verbs for scripts: what `lb` does, called from a program that need not know whether a node is up.
 *
 * Where one is up, the verb runs there: in this very process, or through its socket. Else the directory is opened for
 * it and closed again. Either way it does the same, and gives back what `lb VERB --json` prints.
 */
import { resolve } from 'node:path';
import { openedHere } from '../actors/node/opened-here.ts';
import type { BatteryNode } from '../node.ts';
import { execute } from './cli/execute.ts';
import { Output } from './cli/output.ts';
import { InterruptedError, type Terminal } from './cli/terminal.ts';
import { forward } from './socket/client.ts';

export interface ScriptOptions {
  /** The data directory. */
  readonly data: string;
  /** What the verb reads from standard input. */
  readonly input?: string | Uint8Array;
  /** Where relative paths begin; the directory of the process, if not given. */
  readonly cwd?: string;
  /** `LB_PASSWORD` and others; the environment of the process, if not given. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** A verb failed. `code` and `exitCode` are those of docs/CLI.md; `details` is the whole line of the error. */
export class VerbError extends Error {
  override readonly name = 'VerbError';
  readonly code: string;
  readonly exitCode: number;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(exitCode: number, details: Readonly<Record<string, unknown>>) {
    super(typeof details.message === 'string' ? details.message : `the verb ended with ${exitCode}`);
    this.exitCode = exitCode;
    this.code = typeof details.code === 'string' ? details.code : 'unknown';
    this.details = details;
  }
}

/**
 * Runs one verb, such as `['publish-claim', '--text', 'Water is wet.']`, and resolves to its data: keys in
 * snake_case, amounts as decimal strings, bytes as hex.
 * @throws VerbError
 */
export async function runVerb(args: readonly string[], options: ScriptOptions): Promise<unknown> {
  const { data, env = process.env, signal = new AbortController().signal } = options;
  const terminal = new ScriptTerminal(options);
  const upNode = openedHere<BatteryNode>(resolve(terminal.cwd, data));
  const line = [...args, '--json', '--data', data];
  const exitCode = await execute(
    {
      out: new Output(terminal, env),
      env,
      signal,
      terminal,
      runs: new Set(),
      ...(upNode === undefined
        ? { forward: (at, other) => forward({ data: at, args: line, env, terminal, signal, ...other }) }
        : { upNode }),
    },
    line,
    () => undefined,
  );
  if (exitCode !== 0) throw new VerbError(exitCode, parseLine(terminal.err) ?? {});
  return parseLine(terminal.out)?.data;
}

/** The last line that is JSON: a warning may stand before the error. */
function parseLine(text: string): Record<string, unknown> | undefined {
  const line = text
    .split('\n')
    .filter((one) => one.startsWith('{'))
    .at(-1);
  return line === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>);
}

/** Nobody to see and nobody to ask: what is written is collected. */
class ScriptTerminal implements Terminal {
  readonly isOutTerminal = false;
  readonly isErrTerminal = false;
  readonly isInteractive = false;
  readonly columns = undefined;
  readonly cwd: string;
  out = '';
  err = '';
  private readonly piped: string | Uint8Array;
  private readonly decoder = new TextDecoder();

  constructor({ cwd = process.cwd(), input = '' }: ScriptOptions) {
    this.cwd = cwd;
    this.piped = input;
  }

  writeOut(chunk: string | Uint8Array): void {
    this.out += typeof chunk === 'string' ? chunk : this.decoder.decode(chunk, { stream: true });
  }

  writeErr(text: string): void {
    this.err += text;
  }

  async flush(): Promise<void> {}

  async ask(): Promise<string> {
    throw new InterruptedError();
  }

  async readInput(): Promise<Uint8Array> {
    return typeof this.piped === 'string' ? new TextEncoder().encode(this.piped) : this.piped;
  }

  async *input(): AsyncGenerator<Uint8Array> {
    yield await this.readInput();
  }
}
