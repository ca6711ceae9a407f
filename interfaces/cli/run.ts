/**
 * Runs one verb and turns its end into an exit code. Whatever happens, the node is closed,
 * a failure is one line, and nobody sees a stack trace that he did not ask for.
 */
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, type Failure, failureOf, formatFailure } from './errors.ts';
import { Output, OutputClosedError } from './output.ts';
import { assertArguments } from './parse.ts';
import { InterruptedError } from './password.ts';
import { buildProgram } from './program.ts';

/** The same Ctrl-C may arrive twice (from the terminal, and from a parent that passes it on). */
const SECOND_SIGNAL_MS = 300;
/** What a verb that heeds the signal gets to end by itself. */
const OWN_END_MS = 300;
/** The node seals what waits and gives the directory back; a disk that hangs is not waited for. */
const CLOSE_MS_MAX = 5_000;

interface Closable {
  close(): Promise<void>;
}

const out = new Output();
const args = process.argv.slice(2);
const interruption = new AbortController();
const context = { out, env: process.env, signal: interruption.signal, runs: new Set<Closable>() };
let interruptedBy: { readonly signal: NodeJS.Signals; readonly atMs: number } | undefined;

function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

function onSignal(signal: NodeJS.Signals): void {
  if (interruptedBy === undefined) {
    interruptedBy = { signal, atMs: performance.now() };
    interruption.abort();
  } else if (performance.now() - interruptedBy.atMs > SECOND_SIGNAL_MS) {
    process.exit(exitCodeOf(signal));
  }
}

/** Runs the verb; resolves to the exit code. */
async function runVerb(): Promise<number> {
  try {
    assertArguments(args);
    await buildProgram(context).parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' });
  } catch (error) {
    if (interruptedBy !== undefined) return exitCodeOf(interruptedBy.signal);
    if (error instanceof InterruptedError) return EXIT.interrupted;
    if (error instanceof OutputClosedError) return EXIT.ok;
    const failure = failureOf(error);
    if (failure === undefined) return EXIT.ok;
    report(error, failure);
    return failure.exitCode;
  }
  return interruptedBy === undefined ? EXIT.ok : exitCodeOf(interruptedBy.signal);
}

function report(error: unknown, failure: Failure): void {
  out.status('');
  out.note(formatFailure(failure, args.includes('--json')));
  const isDebugging = process.env.LB_LOG_LEVEL?.toLowerCase() === 'debug';
  if (isDebugging && error instanceof Error) out.note(error.stack ?? '');
}

/** A result that did not arrive is a failure, also where the verb was done before that showed. */
function reportLost(): number {
  const failure = out.failure && failureOf(out.failure);
  if (failure === undefined) return EXIT.ok;
  report(out.failure, failure);
  return failure.exitCode;
}

/** After a signal: time for the verb to end in its own way, then the node is closed under it. */
async function interruptVerb(): Promise<number> {
  await once(context.signal, 'abort');
  await delay(OWN_END_MS);
  const closed = Promise.allSettled([...context.runs].map((run) => run.close()));
  await Promise.race([closed, delay(CLOSE_MS_MAX)]);
  return exitCodeOf(interruptedBy!.signal);
}

// What is thrown where nobody waits for it is a bug, but still one line.
process.on('uncaughtException', (error) => {
  const failure = failureOf(error);
  if (failure !== undefined) report(error, failure);
  process.exit(failure?.exitCode ?? EXIT.ok);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
const exitCode = await Promise.race([runVerb(), interruptVerb()]);
await out.flush();
process.exit(exitCode === EXIT.ok ? reportLost() : exitCode);
