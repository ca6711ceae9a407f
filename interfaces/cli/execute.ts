/** One run of the program, from its arguments to its exit code. Whatever happens, a failure is one line. */

import { type CliContext, VerbExit } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { failureOf, formatFailure } from './failures.ts';
import { assertArguments } from './parse.ts';
import { buildProgram } from './program.ts';
import { InterruptedError, OutputClosedError } from './terminal.ts';

/**
 * Runs a command line and resolves to its exit code; never rejects.
 * @param interrupted the exit code that an interruption asks for, once there was one
 */
export async function execute(
  context: CliContext,
  args: readonly string[],
  interrupted: () => number | undefined,
): Promise<number> {
  try {
    assertArguments(args);
    await buildProgram(context).parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' });
  } catch (error) {
    if (error instanceof VerbExit) return error.exitCode;
    return interrupted() ?? exitCodeOf(context, args, error);
  }
  return interrupted() ?? EXIT.ok;
}

function exitCodeOf(context: CliContext, args: readonly string[], error: unknown): number {
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof OutputClosedError) return EXIT.ok;
  return reportFailure(context, args, error);
}

/** Says what went wrong in one line, and gives its exit code. */
export function reportFailure({ out, env }: CliContext, args: readonly string[], error: unknown): number {
  const failure = failureOf(error);
  if (failure === undefined) return EXIT.ok;
  out.status('');
  out.note(formatFailure(failure, args.includes('--json')));
  const isDebugging = env.LB_LOG_LEVEL?.toLowerCase() === 'debug';
  if (isDebugging && error instanceof Error) out.note(error.stack ?? '');
  return failure.exitCode;
}
