/** `bin/lb` as a shell starts it, in a pipe or on a terminal of a given width. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { LOOPBACK } from '../support/loopback.ts';

export const BIN = join(import.meta.dirname, '../../bin/lb');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LbOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Standard input; closed at once, if not given. */
  readonly input?: string | Uint8Array;
  readonly onStart?: (child: ChildProcess) => void;
}

/** Nothing of the developer's own settings reaches a test. */
function cleanEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(LB_.*|NO_COLOR|FORCE_COLOR|COLUMNS)$/.test(name),
  );
  return { ...Object.fromEntries(own), ...LOOPBACK, ...extra };
}

export function lb(args: readonly string[], options: LbOptions = {}): Promise<Ended> {
  const child = spawn(BIN, args, { env: cleanEnv(options.env), cwd: options.cwd });
  return collect(child, options);
}

function collect(child: ReturnType<typeof spawn>, { input, onStart }: LbOptions): Promise<Ended> {
  onStart?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdin!.on('error', () => {});
  child.stdin!.end(input ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A line of a shell, for pipes between programs. */
export function shell(line: string, options: LbOptions = {}): Promise<Ended> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { env: cleanEnv({ LB: BIN, ...options.env }) });
  return collect(child, options);
}

/** Whether `script` of util-linux is here, which gives a program a terminal. */
export const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
);

/** `lb` on a terminal; every answer is typed when its question appears. Both outputs come together. */
export function lbOnTerminal(
  args: readonly string[],
  options: LbOptions & {
    answers?: readonly (readonly [question: string, answer: string])[];
    /** Another program than the shim. */
    program?: string;
  } = {},
): Promise<{ code: number | null; screen: string }> {
  const command = [options.program ?? BIN, ...args].map((arg) => `'${arg}'`).join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: cleanEnv({ TERM: 'xterm', ...options.env }),
  });
  const answers = [...(options.answers ?? [])];
  let screen = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
    const [next] = answers;
    if (next === undefined || !screen.slice(seen).includes(next[0])) return;
    answers.shift();
    seen = screen.length;
    child.stdin.write(next[1]);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, screen: screen.replaceAll('\r\n', '\n') }));
  });
}
