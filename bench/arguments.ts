/** The command line of a benchmark: its flags, or its help. What it does not know is one line, and no stack trace. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/**
 * Reads the flags, as `parseArgs` does. `--help` prints `help` and ends the process with 0; a flag that is unknown or
 * makes no sense ends it with 2.
 */
export function readArguments<C extends ParseArgsConfig>(help: string, config: C) {
  if (process.argv.slice(2).some((one) => one === '--help' || one === '-h')) {
    process.stdout.write(`${help.trim()}\n`);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return refuseArguments((error as Error).message.split('. ')[0]!);
  }
}

/** Ends the process with a line that says what is wrong. */
export function refuseArguments(why: string): never {
  process.stderr.write(`${why}; --help shows what there is\n`);
  process.exit(2);
}
