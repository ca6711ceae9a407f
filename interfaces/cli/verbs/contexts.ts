/** `context`: names for nodes. Only the names are kept and taken away; a data directory is never touched. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { assertContextName, contextDirectory, readContexts, writeContexts } from '../contexts.ts';
import { printTable } from '../table.ts';

const heading = 'Operation';

export function registerContexts(program: Command, context: CliContext): void {
  const contexts = family(program, 'context', 'Name data directories, and choose one.', heading);
  verb<{ data?: string }>(
    contexts,
    context,
    {
      usage: 'add',
      summary: 'Give a data directory a name.',
      heading,
      runsHere: true,
      example: 'lb context add work --data ./mynode\nlb info --context work',
      details: 'A name that is there already gets the new directory.',
    },
    (command) => command.argument('<name>', 'the name'),
    add,
  );
  verb(
    contexts,
    context,
    {
      usage: 'use',
      summary: 'Choose the node that verbs mean where neither --data nor LB_DATA is given.',
      heading,
      runsHere: true,
      example: 'lb context use work',
    },
    (command) => command.argument('<name>', 'a context'),
    use,
  );
  verb(
    contexts,
    context,
    {
      usage: 'list',
      summary: 'List the contexts.',
      heading,
      runsHere: true,
      example: 'lb context list',
      isDefault: true,
    },
    (command) => command,
    list,
  );
  verb(
    contexts,
    context,
    {
      usage: 'remove',
      summary: 'Forget a name. The node itself stays.',
      heading,
      runsHere: true,
      example: 'lb context remove work',
    },
    (command) => command.argument('<name>', 'a context'),
    remove,
  );
}

function add(run: Run<{ data?: string }>): void {
  const name = run.args[0]!;
  assertContextName(name);
  if (run.options.data === undefined) throw new UsageError('which directory? give it with --data');
  const data = run.path(run.options.data);
  const { current, directories } = readContexts(run.env);
  writeContexts(run.env, { current, directories: new Map([...directories, [name, data]]) });
  run.print({ name, data, isCurrent: name === current }, () => run.out.line(`${name} is ${data}`));
}

function use(run: Run): void {
  const name = run.args[0]!;
  const contexts = readContexts(run.env);
  const data = contextDirectory(contexts, name);
  writeContexts(run.env, { ...contexts, current: name });
  run.print({ name, data, isCurrent: true }, () => run.out.line(`Using ${name}: ${data}`));
  if (run.env.LB_DATA) run.hint(`note: LB_DATA is set (${run.env.LB_DATA}) and counts before the context`);
}

function list(run: Run): void {
  const { current, directories } = readContexts(run.env);
  const rows = Array.from(directories, ([name, data]) => ({ name, data, isCurrent: name === current }));
  run.print({ contexts: rows }, () =>
    printTable(
      run.out,
      [
        { header: 'in use', value: ({ isCurrent }) => (isCurrent ? '*' : '') },
        { header: 'context', value: ({ name }) => name },
        { header: 'data', value: ({ data }) => data, isFlexible: true },
      ],
      rows,
      'no contexts yet',
    ),
  );
}

function remove(run: Run): void {
  const name = run.args[0]!;
  const contexts = readContexts(run.env);
  const data = contextDirectory(contexts, name);
  const directories = new Map([...contexts.directories].filter(([one]) => one !== name));
  const current = contexts.current === name ? undefined : contexts.current;
  writeContexts(run.env, { current, directories });
  run.print({ name, data }, () => run.out.line(`Forgot ${name}; the node in ${data} stays as it is`));
}
