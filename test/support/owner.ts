/** A node that is up in a process of its own, and callers of its socket. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { CliContext } from '../../interfaces/cli/context.ts';
import { execute } from '../../interfaces/cli/execute.ts';
import { Output } from '../../interfaces/cli/output.ts';
import { forward } from '../../interfaces/socket/client.ts';
import { BIN } from '../e2e/bin-lb.ts';
import { LOOPBACK } from './loopback.ts';
import { RecordingTerminal } from './terminal.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  /** Whether a node that is up is looked for; without, the verb opens the directory itself. */
  readonly isForwarding: boolean;
  /** Ends with 99 instead of opening the directory where no node is up. */
  readonly isServedOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs one command line in this process, on the data directory `data`, or hands it to the node that is up there. */
export async function runVerb(args: readonly string[], data: string, options: RunOptions): Promise<Ended> {
  const terminal = new RecordingTerminal(options.cwd, options.input);
  const env = { LB_DATA: data };
  const signal = options.signal ?? new AbortController().signal;
  const context: CliContext = {
    out: new Output(terminal, env),
    env,
    signal,
    terminal,
    runs: new Set(),
    ...(options.isForwarding
      ? {
          forward: async (at, other) =>
            (await forward({ data: at, args, env, terminal, signal, ...other })) ??
            (options.isServedOnly ? 99 : undefined),
        }
      : {}),
  };
  const code = await execute(context, args, () => undefined);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

export interface UpNode {
  readonly child: ChildProcess;
  /** The node's own process, which a shim may have started. */
  readonly pid: number;
  /** Where peers connect to it, with its key. */
  readonly addresses: readonly string[];
}

/** Starts `lb up` on `data` and resolves when it is up. Whoever starts it ends it. */
export async function startNode(
  data: string,
  env: NodeJS.ProcessEnv = {},
  flags: readonly string[] = [],
): Promise<UpNode> {
  const child = spawn(BIN, ['up', '--json', ...flags], {
    env: { ...process.env, ...LOOPBACK, ...env, LB_DATA: data },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout);
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`lb up ended with ${code}`);
    }),
  ])) as [string];
  const { data: up } = JSON.parse(line) as { data: { pid: number; network?: { addresses: string[] } } };
  return { child, pid: up.pid, addresses: up.network?.addresses ?? [] };
}

/** Ends a node in the way of an operator and gives its exit code. */
export async function stopNode(
  { child }: UpNode,
  signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM',
): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}
