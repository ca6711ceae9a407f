/** `call`: any operation by its name, with its parameters as JSON: what agents call as tools, for scripts and tests. */
import type { Command } from 'commander';
import { type CliContext, verb } from '../context.ts';
import type { CallOptions } from '../operation-call.ts';

export function registerCall(program: Command, context: CliContext): void {
  verb<CallOptions>(
    program,
    context,
    {
      usage: 'call',
      summary: 'Call an operation as agents do, with its parameters as JSON.',
      heading: 'Operation',
      example: `lb call\nlb call list_tasks '{"status":"open"}'\nlb call publish_claim '{"text":"Said by a script."}' --as bob`,
      details:
        'Without a name: lists all operations. What they take is what their tools and HTTP paths take; a JSON of - is read from standard input.',
      signs: async (_, [name]) => (await import('../operation-call.ts')).isSigned(name),
    },
    (command) =>
      command
        .argument('[operation]', 'its name, such as list_tasks')
        .argument('[json]', 'its parameters, an object (default: {})')
        .option('--key <key>', 'the same when you send the same call again: it is done once'),
    async (run) => (await import('../operation-call.ts')).callOperation(run),
  );
}
