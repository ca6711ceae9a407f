/**
 * The process of `lb`: runs one command line, here or where the node is up, and ends with its exit code. Whatever
 * happens, the node is closed, and nobody sees a stack trace that they did not ask for.
 */
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { forward } from '../socket/client.ts';
import type { Forward } from './context.ts';
import { execute, reportFailure } from './execute.ts';
import { EXIT } from './exit-codes.ts';
import { failureOf, formatFailure } from './failures.ts';
import { LocalTerminal } from './local-terminal.ts';
import { Output } from './output.ts';

/** The same Ctrl-C may arrive twice (from the terminal, and from a parent that passes it on). */
const SECOND_SIGNAL_MS = 300;
/** What a verb that heeds the signal gets to end by itself. */
const OWN_END_MS = 300;
/** The node seals what waits and gives the directory back; a disk that hangs is not waited for. */
const CLOSE_MS_MAX = 10_000;

interface Closable {
  close(): Promise<void>;
}

const { env } = process;
const args = process.argv.slice(2);

// Before anything else, since even the terminal can fail: it stands in a folder that may be gone.
process.on('uncaughtException', (error) => {
  const failure = failureOf(error);
  if (failure !== undefined) process.stderr.write(`${formatFailure(failure, args.includes('--json'))}\n`);
  if (env.LB_LOG_LEVEL?.toLowerCase() === 'debug') process.stderr.write(`${error.stack}\n`);
  process.exit(failure?.exitCode ?? EXIT.bug);
});

const terminal = new LocalTerminal();
const out = new Output(terminal, env);
const interruption = new AbortController();
const { signal } = interruption;
const context = {
  out,
  env,
  signal,
  terminal,
  runs: new Set<Closable>(),
  forward: ((data, other) => forward({ data, args, env, terminal, signal, ...other })) satisfies Forward,
};
let interruptedBy: { readonly signal: NodeJS.Signals; readonly atMs: number } | undefined;

function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

function onSignal(signal: NodeJS.Signals): void {
  if (interruptedBy === undefined) {
    interruptedBy = { signal, atMs: performance.now() };
    interruption.abort();
  } else if (performance.now() - interruptedBy.atMs > SECOND_SIGNAL_MS) {
    out.keepStatus();
    process.exit(exitCodeOf(signal));
  }
}

const interrupted = (): number | undefined => interruptedBy && exitCodeOf(interruptedBy.signal);

/** A result that did not arrive is a failure, also where the verb was done before that showed. */
function reportLost(): number {
  return terminal.failure === undefined ? EXIT.ok : reportFailure(context, args, terminal.failure);
}

/** After a signal: time for the verb to end in its own way, then the node is closed under it. */
async function interruptVerb(): Promise<number> {
  await once(context.signal, 'abort');
  await delay(OWN_END_MS);
  const closed = Promise.allSettled([...context.runs].map((run) => run.close()));
  await Promise.race([closed, delay(CLOSE_MS_MAX)]);
  // A verb that ended well under the signal has its own exit code, and says it now.
  await turn();
  return interrupted()!;
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
// What an old Node runs is a launcher, our parent. Where it is killed, nobody is left who could end us: we go too.
if (env.BATTERY_NODE_LAUNCHER !== undefined) {
  delete env.BATTERY_NODE_LAUNCHER;
  process.once('disconnect', () => onSignal('SIGTERM'));
  process.channel?.unref();
}
const exitCode = await Promise.race([execute(context, args, interrupted), interruptVerb()]);
// After Ctrl-C a progress line may be left, and the shell's prompt belongs below it.
out.keepStatus();
await out.flush();
process.exit(exitCode === EXIT.ok ? reportLost() : exitCode);
