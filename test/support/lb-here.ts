/**
 * A command line of `lb` in this process, in a pipe or on a terminal: what it prints and ends with, without the second
 * that starting a process takes. Where a node is up on the directory, the verb runs there, as it does from a shell.
 */
import type { Forward } from '../../interfaces/cli/context.ts';
import { execute } from '../../interfaces/cli/execute.ts';
import { Output } from '../../interfaces/cli/output.ts';
import { forward } from '../../interfaces/socket/client.ts';
import { LOOPBACK } from './loopback.ts';
import { RecordingTerminal } from './terminal.ts';

export interface HereOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What is piped in. */
  readonly input?: string | Uint8Array;
  /** Columns of the terminal that both outputs go to; nobody is asked anything there. Else they go into pipes. */
  readonly columns?: number;
}

/** Runs `lb` with `args`, in an environment that has nothing but `env` and where programs are. */
export async function lbHere(
  args: readonly string[],
  { env: given = {}, cwd = '/', input = '', columns }: HereOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { PATH, HOME, TMPDIR } = process.env;
  const env = { PATH, HOME, TMPDIR, ...LOOPBACK, ...given };
  const terminal = new RecordingTerminal(cwd, input, columns);
  const { signal } = new AbortController();
  const elsewhere: Forward = (data, other) => forward({ data, args, env, terminal, signal, ...other });
  const out = new Output(terminal, env);
  const context = { out, env, signal, terminal, runs: new Set<never>(), forward: elsewhere };
  const code = await execute(context, args, () => undefined);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}
