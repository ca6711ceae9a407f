/** `help`: the list of verbs, or the help of one. */
import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { type CliContext, verb } from '../context.ts';
import { noSuchVerb } from '../suggest.ts';

export function registerHelp(program: Command, context: CliContext): void {
  verb(
    program,
    context,
    {
      usage: 'help',
      summary: 'List the verbs, or show the help of one.',
      heading: 'Start here',
      example: 'lb help\nlb help create-task\nlb help invite create',
    },
    (command) => command.argument('[verb...]', 'the verb'),
    (run) => {
      const text = helpText(find(program, run.args));
      run.print({ verb: run.args.join(' ') || undefined, text: stripVTControlCharacters(text) }, () =>
        run.out.write(text),
      );
    },
  );
}

/** The command that goes by these words. */
function find(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) throw noSuchVerb(command, word);
    command = next;
  }
  return command;
}

function helpText(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (chunk) => (text += chunk) });
  command.outputHelp();
  return text;
}
