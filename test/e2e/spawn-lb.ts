/** The command line as a user runs it: a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { LOOPBACK } from '../support/loopback.ts';

const MAIN = join(import.meta.dirname, '../../interfaces/cli/main.ts');

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly data: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Kills the process with SIGKILL as soon as it has printed this. */
  readonly killAt?: string;
  /** Told of the process, to stop it or to type into it. */
  readonly onStart?: (child: ChildProcessWithoutNullStreams) => void;
}

/** Runs `lb` with these arguments to its end. */
export function lb(args: readonly string[], options: RunOptions): Promise<Ended> {
  const { data, env = {}, killAt, onStart } = options;
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...LOOPBACK, NO_COLOR: '1', LB_DATA: data, ...env },
  });
  onStart?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    if (killAt !== undefined && stdout.includes(killAt)) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
}

/** The data of a `--json` run that succeeded. */
export async function lbJson<T>(args: readonly string[], options: RunOptions): Promise<T> {
  const { exitCode, stdout, stderr } = await lb([...args, '--json'], options);
  if (exitCode !== 0) throw new Error(`lb ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  return (JSON.parse(stdout) as { data: T }).data;
}
