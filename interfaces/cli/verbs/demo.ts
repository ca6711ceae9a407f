/** `demo`: what a node does, shown on this machine with real documents. `npm start` runs it. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { NotFoundError } from '../../../actors/errors.ts';
import { PasswordRequiredError } from '../../../crypto/keystore-errors.ts';
import type { BatteryNode } from '../../../node.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { installedPackages } from '../demo/documents.ts';
import { printSummary } from '../demo/summary.ts';
import { givenPassword } from '../password.ts';

interface DemoVerbOptions {
  readonly docs?: string;
}

/** The demo does not wait for a node that runs: it says so at once. */
const OWNER_WAIT_MS = 500;

export function registerDemo(program: Command, context: CliContext): void {
  verb<DemoVerbOptions>(
    program,
    context,
    {
      usage: 'demo',
      summary: 'Watch three agents share knowledge, tasks and a trade.',
      heading: 'Start here',
      example: 'lb demo --data ./lb-data',
      details:
        'Makes a node in the data directory if there is none, with a group of three agents, and imports the documentation of the packages installed beside it. Every run is a new round in the same group; an interrupted round is gone on with.',
    },
    (command) => command.option('--docs <folder>', 'import this folder with Markdown files instead'),
    demo,
  );
}

async function demo(run: Run<DemoVerbOptions>): Promise<void> {
  const docs = run.options.docs === undefined ? installedPackages() : run.path(run.options.docs);
  // Before anything is made: a mistyped folder leaves no trace.
  if (!existsSync(docs)) throw new NotFoundError(`there is no folder ${docs}`);
  const { runDemo } = await import('../demo/run-demo.ts');
  const node = await openNode(run);
  const { out, json: isSilent, signal } = run;
  if (!isSilent) out.line(`A node in ${run.path(run.data)}`);
  const summary = await runDemo({ node, docs, out, isSilent, signal });
  run.print(summary, () => printSummary(out, summary));
  const here = run.options.data === undefined ? '' : ` --data ${run.data}`;
  const looks = ['info', 'list-tasks', 'audit'].map((name) => `\n  lb ${name}${here}`);
  run.hint(`\nrun it again for another round, or look around:${looks.join('')}`);
}

/** Unlike other verbs the demo makes the node where there is none. */
async function openNode(run: Run<DemoVerbOptions>): Promise<BatteryNode> {
  if (run.isUpHere) return run.node();
  // Loaded late, as everywhere: help needs no database.
  const { BatteryNode } = await import('../../../node.ts');
  const password = await givenPassword(run.terminal, run.options.passwordFile, run.env);
  const node = await BatteryNode.openOrInit({
    data: run.path(run.data),
    waitMs: OWNER_WAIT_MS,
    ...(password === undefined ? {} : { password }),
  });
  run.onEnd(() => node.close());
  if (node.isLocked) throw new PasswordRequiredError();
  return node;
}
