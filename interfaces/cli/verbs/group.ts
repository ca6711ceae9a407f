/** `create-group`, `list-groups`, `group-info`, `policy`, `sealer`: a group and how it is governed. */
import type { Command } from 'commander';
import { NotFoundError, UsageError } from '../../../actors/errors.ts';
import { groupOperations, type Policy } from '../../../events/operations/group.ts';
import type { BatteryNode } from '../../../node.ts';
import { type ConfirmOptions, confirmMember, confirmOption } from '../confirm.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkOptional, checkText } from '../fields.ts';
import { newSealerWarning } from '../new-sealer.ts';
import { collect, formatPolicyValue, POLICY_HELP, POLICY_KEYS, parsePolicy } from '../policy.ts';
import { removalInWords } from '../refusals/removal.ts';
import { plainSay } from '../refusals/say.ts';
import { printReceipt } from '../report.ts';
import { memberKey, subjectOf } from '../resolve.ts';
import { type Field, printFields, printSentence, printTable } from '../table.ts';
import { formatMoment, formatTime } from '../text.ts';
import { ownName } from '../verb-run.ts';
import { introduce } from './admit.ts';
import { GROUP_COLUMNS, haltedGroups, printHalted, summarize, summarizeReadable } from './node.ts';

const heading = 'Groups and members';

interface CreateOptions {
  readonly name?: string;
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
        .argument('[name]', 'name of the group')
        .option('--name <name>', 'the same as a flag')
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
  verb<SealerOptions>(
    program,
    context,
    {
      usage: 'sealer',
      summary: 'Show who seals the group, propose who seals next (admin), or take the sealing over.',
      heading,
      example: 'lb sealer\nlb sealer bob --yes-i-mean=bob\nlb sealer --accept --as bob',
      details: [
        'Nothing changes until the one who was proposed accepts, on the node that is to seal from then on. Until then',
        'another admin may be proposed instead, or nobody, by naming the present sealer. Once they have accepted, only',
        'they can hand the sealing on.',
      ].join('\n'),
      inGroup: true,
      signs: ({ accept }, args) => accept === true || args.length > 0,
      at: true,
    },
    (command) =>
      confirmOption(
        command
          .argument('[member]', 'the next sealer: an admin')
          .option('--accept', 'take over the sealing that was proposed to you'),
      ),
    sealer,
  );
}

async function createGroup(run: Run<CreateOptions>): Promise<void> {
  const { as } = run.options;
  const { fields } = groupOperations.genesis;
  const name = checkText(subjectOf('name', run.options.name, run.args[0]), 'the name', fields.name);
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
  await introduce(group, group.as(as ?? ownName(node)));
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
      ...sealerFields(summary),
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

/** When somebody else's sealer was last heard, and the end of a membership. */
function sealerFields({ isSealedHere, sealerHeardMs, removal }: ReturnType<typeof summarize>): Field[] {
  const nowMs = Date.now();
  const heard = sealerHeardMs === undefined ? 'never' : formatMoment(sealerHeardMs, nowMs);
  return [
    ...(isSealedHere ? [] : [['last heard', heard] as const]),
    ...(removal === undefined ? [] : [['you', removalInWords(removal, plainSay(nowMs))] as const]),
  ];
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

interface SealerOptions extends ConfirmOptions {
  accept?: boolean;
}

async function sealer(run: Run<SealerOptions>): Promise<void> {
  const [given] = run.args;
  const { accept = false } = run.options;
  if (accept && given !== undefined)
    throw new UsageError('either propose somebody or accept: leave --accept or the member out');
  if (accept) return acceptSealing(run);
  return given === undefined ? showSealer(run) : proposeSealer(run, given);
}

async function showSealer(run: Run): Promise<void> {
  const view = await run.view();
  const name = await run.namer(view);
  const sealers = view.sealers();
  const { sealers: proposed = [], by } = view.handOver() ?? {};
  run.print({ sealers, proposed, ...(by === undefined ? {} : { by }) }, () => {
    for (const one of sealers) run.out.line(`${name(one)}\t${one}`);
    for (const one of proposed)
      run.out.line(`${name(one)}\t${one}\tproposed by ${name(by!)}; takes over with: lb sealer --accept`);
  });
}

async function acceptSealing(run: Run): Promise<void> {
  run.refuseAt('a new sealer');
  const agent = await run.agent();
  const receipt = await agent.acceptSealing();
  printReceipt(run, receipt, `${agent.name} seals from now on: keep this node up`, {
    sealer: agent.publicKey,
  });
}

/** Proposes the next sealer; naming the present one withdraws what was proposed. */
async function proposeSealer(run: Run<SealerOptions>, given: string): Promise<void> {
  run.refuseAt('a new sealer');
  const node = await run.node();
  const view = await run.view();
  const key = memberKey(node, view, given);
  const identity = node.identities().find(({ publicKey }) => publicKey === key);
  const isPresent = view.sealers().includes(key);
  const warning = isPresent
    ? undefined
    : newSealerWarning(node, await run.group(), key, (await run.namer(view))(key));
  if (warning !== undefined) run.warn(warning);
  if (!isPresent)
    await confirmMember(
      run,
      `this lets somebody else take over the sealing of ${view.group().name}, for good`,
      {
        key,
        names: [identity?.name, view.nameOf(key)],
      },
    );
  const receipt = await (await run.agent()).setSealers([key]);
  const name = (await run.namer(view))(key);
  const accepted = 'lb sealer --accept';
  const sentence = isPresent
    ? `${name} goes on sealing, and nobody is proposed any more`
    : `Proposed ${name} as the sealer; they take over, on the node that shall seal, with: ${accepted}`;
  printReceipt(run, receipt, sentence, isPresent ? { sealer: key } : { proposed: key });
}
