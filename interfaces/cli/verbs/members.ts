/** `add-member`, `remove-member`, `members`, `profile`: who belongs to a group. */
import type { Command } from 'commander';
import { NotFoundError } from '../../../actors/errors.ts';
import type { GroupView } from '../../../actors/group-view.ts';
import { membershipOperations } from '../../../events/operations/membership.ts';
import type { BatteryNode } from '../../../node.ts';
import { type ConfirmOptions, confirmMember, confirmOption } from '../confirm.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkText } from '../fields.ts';
import { openInvitesWarning } from '../open-invites.ts';
import { parseWord } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { givenOf, memberKey, subjectOf } from '../resolve.ts';
import { type Column, printTable } from '../table.ts';
import { formatTime, shortId, withArticle } from '../text.ts';

const heading = 'Groups and members';
export const ROLES = ['viewer', 'member', 'admin'] as const;

export function registerMembers(program: Command, context: CliContext): void {
  verb<{ pub?: string; role?: string }>(
    program,
    context,
    {
      usage: 'add-member',
      summary: 'Add a member or change their role (admin).',
      heading,
      example: 'lb add-member bob\nlb add-member KEY viewer',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('[member]', 'public key (see: lb info), or the name of an identity of this node')
        .argument('[role]', `${ROLES.join(', ')} (default: member)`)
        .option('--pub <key>', 'the same as a flag')
        .option('--role <role>', 'the same as a flag'),
    addMember,
  );
  verb<ConfirmOptions & { pub?: string }>(
    program,
    context,
    {
      usage: 'remove-member',
      summary: 'Remove a member (admin, or oneself).',
      heading,
      example: 'lb remove-member carol --yes-i-mean=carol',
      details: 'Their assigned and running tasks return to pending. Their balance and claims stay.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      confirmOption(
        command
          .argument('[member]', 'key, short key, or the name of an identity of this node')
          .option('--pub <key>', 'the same as a flag'),
      ),
    removeMember,
  );
  verb(
    program,
    context,
    {
      usage: 'members',
      summary: 'List the members.',
      heading,
      example: 'lb members\nlb members --at 0',
      inGroup: true,
      at: true,
    },
    (command) => command,
    members,
  );
  verb<{ name?: string }>(
    program,
    context,
    {
      usage: 'profile',
      summary: 'Set the name that others see for you.',
      heading,
      example: 'lb profile "Ada, security research" --as node',
      inGroup: true,
      signs: true,
    },
    (command) => command.argument('[name]', 'the name').option('--name <name>', 'the same as a flag'),
    async (run) => {
      const { name: field } = membershipOperations.profile_set.fields;
      const name = checkText(subjectOf('name', run.options.name, run.args[0]), 'the name', field);
      printReceipt(run, await (await run.agent()).setProfile(name), `You are ${name} now`);
    },
  );
}

async function addMember(run: Run<{ pub?: string; role?: string }>): Promise<void> {
  const said = givenOf(run, ['pub', 'role']);
  const role = parseWord(said.role ?? 'member', '--role', ROLES);
  const node = await run.node();
  const group = await run.group();
  const member = memberKey(node, group.now, subjectOf('member', said.pub, undefined));
  const receipt = await (await run.agent()).addMember(member, role);
  printReceipt(run, receipt, `${(await run.namer(group.now))(member)} is ${withArticle(role)} now`, {
    member,
    role,
  });
}

/** Every name that this member has here, for the question whether they are the one meant. */
function namesOf(node: BatteryNode, view: GroupView, key: string): (string | undefined)[] {
  return [node.identities().find(({ publicKey }) => publicKey === key)?.name, view.nameOf(key)];
}

async function removeMember(run: Run<ConfirmOptions & { pub?: string }>): Promise<void> {
  const given = subjectOf('member', run.options.pub, run.args[0]);
  const node = await run.node();
  const view = (await run.group()).now;
  const member = memberKey(node, view, given);
  if (view.roleOf(member) === undefined)
    throw new NotFoundError(`${given} is not a member of ${view.group().name}`);
  const name = (await run.namer(view))(member);
  await confirmMember(run, `this removes a member from ${view.group().name}`, {
    key: member,
    names: namesOf(node, view, member),
  });
  const receipt = await (await run.agent()).removeMember(member);
  const warning = openInvitesWarning((await run.group()).now, Date.now());
  if (warning !== undefined) run.warn(`${warning} (lb invite revoke INVITE)`);
  printReceipt(run, receipt, `${name} is no member any more`, { member });
}

async function members(run: Run): Promise<void> {
  const view = await run.view();
  const node = await run.node();
  const identities = new Map(node.identities().map(({ publicKey, name }) => [publicKey, name]));
  const sealers = view.sealers();
  const rows = view.members().map((member) => ({
    ...member,
    identity: identities.get(member.member),
    isSealer: sealers.includes(member.member),
    balance: view.balance(member.member),
  }));
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'member', value: ({ member }) => shortId(member), plain: ({ member }) => member },
    { header: 'identity', value: ({ identity }) => identity ?? '' },
    { header: 'name', value: ({ name }) => name ?? '', isFlexible: true },
    { header: 'role', value: ({ role, isSealer }) => (isSealer ? `${role}, sealer` : role) },
    { header: 'balance', value: ({ balance }) => String(balance), align: 'right' },
    { header: 'joined', value: ({ joinedMs }) => formatTime(joinedMs).slice(0, 16), isFlexible: true },
  ];
  run.print({ height: view.height, members: rows }, () => printTable(run.out, columns, rows));
}
