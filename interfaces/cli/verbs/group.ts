/** `create-group`, `list-groups`, `group-info`, `policy`, `sealer`: a group and how it is governed. */
import type { Command } from 'commander';
import { NotFoundError } from '../../../actors/errors.ts';
import { groupOperations, type Policy } from '../../../events/operations/group.ts';
import type { BatteryNode } from '../../../node.ts';
import { type ConfirmOptions, confirmMember, confirmOption } from '../confirm.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkOptional, checkText } from '../fields.ts';
import { collect, formatPolicyValue, POLICY_HELP, POLICY_KEYS, parsePolicy } from '../policy.ts';
import { printReceipt } from '../report.ts';
import { memberKey } from '../resolve.ts';
import { printFields, printSentence, printTable } from '../table.ts';
import { formatTime } from '../text.ts';
import { GROUP_COLUMNS, haltedGroups, printHalted, summarize, summarizeReadable } from './node.ts';

const heading = 'Groups and members';

interface CreateOptions {
  readonly name: string;
  readonly currency?: string;
  readonly policy?: string[];
}

export function registerGroup(program: Command, context: CliContext): void {
  verb<CreateOptions>(
    program,
    context,
    {
      usage: 'create-group',
      summary: 'Found a group; the founder becomes its admin and sealer.',
      heading,
      example: 'lb create-group --name domain:research --policy faucet_amount=100',
      details: `Keys of the policy: ${POLICY_HELP}.`,
      signs: true,
    },
    (command) =>
      command
        .requiredOption('--name <name>', 'name of the group')
        .option('--currency <name>', 'name of its tokens (default: LB)')
        .option('--policy <key=value>', 'part of the policy; may be given several times', collect),
    createGroup,
  );
  verb(
    program,
    context,
    { usage: 'list-groups', summary: 'List the groups on this node.', heading, example: 'lb list-groups' },
    (command) => command,
    async (run) => {
      const node = await run.node();
      const held = node.groups();
      const groups = summarizeReadable(node, held);
      const halted = haltedGroups(held);
      run.print({ groups, halted }, () => {
        printTable(
          run.out,
          GROUP_COLUMNS,
          groups,
          'no groups yet; make one with: lb create-group --name NAME, or join one with: lb join CODE',
        );
        printHalted(run, halted);
      });
    },
  );
  verb(
    program,
    context,
    {
      usage: 'group-info',
      summary: 'Show a group: head, sealer, counts, money.',
      heading,
      example: 'lb group-info --group domain:research\nlb group-info --at 0',
      inGroup: true,
      at: true,
    },
    (command) => command,
    groupInfo,
  );
  registerGovernance(program, context);
}

function registerGovernance(program: Command, context: CliContext): void {
  verb<{ set?: string[] }>(
    program,
    context,
    {
      usage: 'policy',
      summary: 'Show the policy, or change parts of it (admin).',
      heading,
      example: 'lb policy\nlb policy --set transfer_fee_bps=250 --set max_total_supply=none',
      details: `Keys: ${POLICY_HELP}.`,
      inGroup: true,
      signs: ({ set }) => set !== undefined,
      at: true,
    },
    (command) => command.option('--set <key=value>', 'a change; may be given several times', collect),
    policy,
  );
  verb<ConfirmOptions>(
    program,
    context,
    {
      usage: 'sealer',
      summary: 'Show who seals the group, or hand the sealing over (admin).',
      heading,
      example: 'lb sealer\nlb sealer bob --yes-i-mean=bob',
      details: 'Handing over cannot be taken back from here: only the new sealer can seal that.',
      inGroup: true,
      signs: (_options, args) => args.length > 0,
      at: true,
    },
    (command) => confirmOption(command.argument('[member]', 'the new sealer: an admin')),
    sealer,
  );
}

async function createGroup(run: Run<CreateOptions>): Promise<void> {
  const { as } = run.options;
  const { fields } = groupOperations.genesis;
  const name = checkText(run.options.name, '--name', fields.name);
  const currency = checkOptional(run.options.currency, '--currency', fields.currency);
  const policy = parsePolicy(run.options.policy ?? [], '--policy');
  const node = await run.node();
  if (isNameTaken(node, name))
    run.warn(`this node has another group called ${name} already; tell the two apart by their ids`);
  await run.readyToSeal();
  const group = await node.createGroup({
    name,
    policy,
    ...(currency === undefined ? {} : { currency }),
    ...(as === undefined ? {} : { as }),
  });
  const info = group.info();
  const nameOf = await run.namer(group.now);
  run.print(summarize(node, group), () => {
    printSentence(run.out, `Founded the group ${info.name}`);
    printFields(
      run.out,
      [
        ['group', info.groupId],
        ['currency', info.currency],
        ['sealer', group.now.sealers().map(nameOf).join(', ')],
      ],
      '  ',
    );
  });
}

function isNameTaken(node: BatteryNode, name: string): boolean {
  try {
    node.group(name);
    return true;
  } catch (error) {
    // Several go by it, or the one that does is damaged: the name is taken all the same.
    return !(error instanceof NotFoundError);
  }
}

async function groupInfo(run: Run): Promise<void> {
  const node = await run.node();
  const group = await run.group();
  const view = await run.view();
  const summary = summarize(node, group, view);
  const name = await run.namer(view);
  const { creator, createdMs, rulesVersion } = view.group();
  const { supply, treasury } = view.money();
  run.print({ ...summary, creator, createdMs, rulesVersion, supply, treasury, policy: view.policy() }, () =>
    printFields(run.out, [
      ['group', summary.groupId],
      ['name', summary.name],
      ['status', summary.haltReason === undefined ? summary.status : `halted: ${summary.haltReason}`],
      ['height', `${summary.height} (${formatTime(summary.tsMs)})`],
      ['head', summary.blockId],
      ['sealer', view.sealers().map(name).join(', ')],
      ['founded', `${formatTime(createdMs)} by ${name(creator)}, rules version ${rulesVersion}`],
      ['members', String(summary.counts.members)],
      ['claims', String(summary.counts.claims)],
      ['tasks', `${summary.counts.tasks} (${summary.counts.openTasks} open)`],
      ['offers', String(summary.counts.offers)],
      ['supply', `${supply} ${summary.currency}`],
      ['treasury', `${treasury} ${summary.currency}`],
    ]),
  );
}

async function policy(run: Run<{ set?: string[] }>): Promise<void> {
  const { set } = run.options;
  if (set !== undefined) {
    run.refuseAt('--set');
    const changes = parsePolicy(set, '--set');
    const agent = await run.agent();
    const receipt = await agent.updatePolicy(changes);
    printReceipt(run, receipt, `Changed ${Object.keys(changes).join(', ')}`);
    return;
  }
  const policy: Policy = (await run.view()).policy();
  run.print({ policy }, () =>
    printFields(
      run.out,
      POLICY_KEYS.map((key) => [key, formatPolicyValue(key, policy[key])]),
    ),
  );
}

async function sealer(run: Run<ConfirmOptions>): Promise<void> {
  const given = run.args[0];
  if (given === undefined) {
    const view = await run.view();
    const name = await run.namer(view);
    const sealers = view.sealers();
    run.print({ sealers }, () => {
      for (const one of sealers) run.out.line(`${name(one)}\t${one}`);
    });
    return;
  }
  run.refuseAt('a new sealer');
  const node = await run.node();
  const view = await run.view();
  const key = memberKey(node, view, given);
  const identity = node.identities().find(({ publicKey }) => publicKey === key);
  await confirmMember(run, `this hands the sealing of ${view.group().name} over, for good`, {
    key,
    names: [identity?.name, view.nameOf(key)],
  });
  const receipt = await (await run.agent()).setSealers([key]);
  printReceipt(run, receipt, `${(await run.namer(view))(key)} seals from now on`, { sealer: key });
}
