/** What programs do through the API and people seldom: operations as they are, artifacts, and care of a group. */
import type { Command } from 'commander';
import { unwrap } from '../../../actors/agent.ts';
import { NotFoundError, UsageError } from '../../../actors/errors.ts';
import { resolveId } from '../../../actors/ids.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { operationsFromJson } from '../operation-json.ts';
import { contentOf, parseCount, textOf } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { count } from '../text.ts';

interface ContentOptions {
  readonly text?: string;
  readonly file?: string;
}

export function registerAdvanced(program: Command, context: CliContext): void {
  verb<ContentOptions>(
    program,
    context,
    {
      usage: 'submit',
      summary: 'Sign any operations as one transaction: all of them apply, or none.',
      heading: 'History',
      example: `lb submit --text '[{"type":"presence","status":"idle"}]'\nlb submit --file operations.json --as bob`,
      details:
        'A JSON list of up to 256 operations, in the form in which "lb show" prints them with --json. Operations that bring a text or a file along have verbs of their own.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('[operations]', 'the operations; - reads them from standard input')
        .option('--text <json>', 'the operations')
        .option('--file <file>', 'file with the operations'),
    submit,
  );
  verb<ContentOptions>(
    program,
    context,
    {
      usage: 'record-experience',
      summary: "Keep the record of an agent's run, any bytes.",
      heading: 'Knowledge',
      example: 'lb record-experience --file run.log --as bob',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('[-]', 'read the record from standard input')
        .option('--text <text>', 'the record')
        .option('--file <file>', 'file with the record'),
    recordExperience,
  );
  verb(
    program,
    context,
    {
      usage: 'artifact',
      summary: 'Print the bytes of a claim or an experience, as they are hashed.',
      heading: 'Knowledge',
      example: 'lb artifact 3f9c2a11 > claim.bin',
      inGroup: true,
    },
    (command) => command.argument('<id>', 'a claim or an experience'),
    artifact,
  );
  registerCare(program, context);
}

function registerCare(program: Command, context: CliContext): void {
  verb(
    program,
    context,
    {
      usage: 'upgrade-rules',
      summary: 'Activate a later version of the rules (admin).',
      heading: 'Groups and members',
      example: 'lb upgrade-rules 2',
      details:
        'Every node of the group must know that version by then. What was sealed before keeps its own rules.',
      inGroup: true,
      signs: true,
    },
    (command) => command.argument('<version>', 'the version'),
    async (run) => {
      const version = parseCount(run.args[0]!, 'version');
      const receipt = await (await run.agent()).upgradeRules(version);
      printReceipt(run, receipt, `The rules are version ${version} from now on`);
    },
  );
  verb(
    program,
    context,
    {
      usage: 'reload',
      summary: 'Load a halted group again, once its reason is put right.',
      heading: 'Operation',
      example: 'lb reload --group domain:research',
      details: 'A node that is started anew loads its groups by itself; this is for one that stays up.',
      inGroup: true,
    },
    (command) => command,
    async (run) => {
      const group = await run.group();
      await group.reload();
      const { name, status, haltReason, head } = group.info();
      run.print({ groupId: group.groupId, status, haltReason, height: head.height }, () =>
        run.out.line(`${name} is ${haltReason === undefined ? status : `halted: ${haltReason}`}`),
      );
    },
  );
  verb(
    program,
    context,
    {
      usage: 'trust-clock',
      summary: 'Say that the clock of this machine is right, where nothing else does.',
      heading: 'Operation',
      example: 'lb trust-clock',
      details:
        'A node does not seal by a clock that jumped, nor by one that shows a much later time than any that it knows, until a peer or you say that it is right. Look at the clock first: a block from a clock that is ahead keeps others from writing.',
    },
    (command) => command,
    async (run) => {
      (await run.node()).trustClock();
      const now = new Date().toISOString();
      run.print({ clock: now }, () => run.out.line(`The clock is taken as right: ${now}`));
    },
  );
  verb(
    program,
    context,
    {
      usage: 'correct-time',
      summary: "Set a group's time back after a block from a clock that was ahead (admin).",
      heading: 'Operation',
      example: 'lb correct-time --yes',
      details:
        'The way out for a group whose last block is of a later time than now: what members sign is too old for it, and its deadlines stand still. To be given where the group is sealed. Nothing that was sealed is lost or changed; one more block says that time went back, and from which time. Deadlines that were counted from the wrong time keep the points in time that they have.',
      inGroup: true,
      signs: true,
    },
    (command) => command,
    correctTime,
  );
}

async function correctTime(run: Run): Promise<void> {
  const group = await run.group();
  const { tsMs } = group.head;
  const nowMs = Date.now();
  const [groupTime, clock] = [new Date(tsMs).toISOString(), new Date(nowMs).toISOString()];
  if (tsMs <= nowMs)
    throw new UsageError(
      `the last block is of ${groupTime}, and the clock here shows ${clock}: the group's time is not ahead`,
    );
  const what = `the last block is of ${groupTime}, and the clock here shows ${clock}; the group's time goes back to that`;
  if (run.options.yes !== true) {
    if (!run.terminal.isInteractive)
      throw new UsageError(`${what}; if the clock is right, give the command again with --yes`);
    const answer = await run.terminal.ask(`${what}. Is the clock right? [y/N] `, {
      isShown: true,
      signal: run.signal,
    });
    if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('nothing was changed');
  }
  const receipt = await (await run.agent()).correctTime();
  printReceipt(run, receipt, `The group's time is ${new Date(receipt.tsMs).toISOString()} again`);
}

async function submit(run: Run<ContentOptions>): Promise<void> {
  const operations = operationsFromJson(await textOf(run.terminal, run.options, run.args[0]));
  const receipt = unwrap(await (await run.agent()).submit(operations));
  printReceipt(run, receipt, `Applied ${count(operations.length, 'operation')}`);
}

async function recordExperience(run: Run<ContentOptions>): Promise<void> {
  const bytes = await contentOf(run.terminal, run.options, run.args[0]);
  const { artifact, ...receipt } = await (await run.agent()).recordExperience(bytes);
  printReceipt(run, receipt, `Recorded ${count(bytes.length, 'byte')}`, { artifact });
}

async function artifact(run: Run): Promise<void> {
  const group = await run.group();
  const view = group.now;
  const prefix = run.args[0]!.toLowerCase();
  const id = resolveId('claim or experience', prefix, [
    ...view.claimIds(prefix),
    ...view.experienceIds(prefix),
  ]);
  const bytes = group.artifact(id);
  if (bytes === undefined) throw new NotFoundError(`the bytes of ${id} are not on this node`);
  run.print({ artifact: id, bytes: bytes.length, base64: Buffer.from(bytes).toString('base64') }, () =>
    run.out.write(bytes),
  );
}
