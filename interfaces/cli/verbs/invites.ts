/** `invite` and `join`: membership by a code that can be pasted, instead of keys carried by hand. */
import type { Command } from 'commander';
import type { Group } from '../../../actors/group.ts';
import type { Invite } from '../../../actors/group-view.ts';
import { type InviteCode, type PeerHint, parseInviteCode } from '../../../actors/invites.ts';
import { PendingError } from '../../../actors/outbox.ts';
import { INVITE_USES_MAX } from '../../../events/limits.ts';
import type { JoinOptions } from '../../../protocol/membership.ts';
import { looksNearby } from '../../../protocol/network-types.ts';
import { ALL_HOSTS } from '../../../protocol/reasons.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { lookingNearby, namedPeers, networkOf, type PeerFlags, peerOption } from '../network.ts';
import { isOpenInvite } from '../open-invites.ts';
import { parseCount, parseFutureTime, parseWord } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { inviteId } from '../resolve.ts';
import { type Column, printTable } from '../table.ts';
import { formatTime, shortId, withArticle } from '../text.ts';
import { ownName } from '../verb-run.ts';
import { introduce } from './admit.ts';
import { ROLES } from './members.ts';
import { showingProgress } from './sync.ts';

const heading = 'Groups and members';

interface InviteOptions {
  readonly role: string;
  readonly maxUses: string;
  readonly expires: string;
}

export function registerInvites(program: Command, context: CliContext): void {
  const invite = family(program, 'invite', 'Make, list and revoke join codes.', heading);
  verb<InviteOptions>(
    invite,
    context,
    {
      usage: 'create',
      summary: 'Make a join code (admin). Whoever has it may join.',
      heading,
      example: 'lb invite create --role member --max-uses 5 --expires 24h',
      details: 'The code is shown once and stored nowhere.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .option('--role <role>', ROLES.join(', '), 'member')
        .option('--max-uses <count>', 'how many may join by it', '1')
        .option('--expires <when>', 'a span such as 24h, or a time', '24h'),
    create,
  );
  verb(
    invite,
    context,
    {
      usage: 'list',
      summary: 'List the invites of the group.',
      heading,
      example: 'lb invite list',
      inGroup: true,
      at: true,
      isDefault: true,
    },
    (command) => command,
    list,
  );
  verb(
    invite,
    context,
    {
      usage: 'revoke',
      summary: 'Close an invite (admin).',
      heading,
      example: 'lb invite revoke INVITE',
      inGroup: true,
      signs: true,
    },
    (command) => command.argument('<invite>', 'id of the invite'),
    async (run) => {
      const id = inviteId((await run.group()).now, run.args[0]!);
      printReceipt(run, await (await run.agent()).revokeInvite(id), 'The invite is closed', { invite: id });
    },
  );
  verb<PeerFlags>(
    program,
    context,
    {
      usage: 'join',
      summary: 'Join a group by a code, on this node or through the network.',
      heading,
      example: 'lb join CODE --as carol',
      details:
        'Where no address of the code leads to a member, members are looked for on the local network (mDNS), by their keys: so a code works on a cable between two machines, too, whose addresses nobody else could use.',
      signs: true,
    },
    (command) => peerOption(command.argument('<code>', 'the code, as an admin handed it out')),
    join,
  );
}

async function create(run: Run<InviteOptions>): Promise<void> {
  const { options } = run;
  const role = parseWord(options.role, '--role', ROLES);
  const maxUses = parseCount(options.maxUses, '--max-uses', 1, INVITE_USES_MAX);
  const expiresMs = parseFutureTime(options.expires, '--expires', Date.now());
  const agent = await run.agent();
  const { invite, code, ...receipt } = await agent.createInvite({ role, maxUses, expiresMs });
  await tellReach(run, parseInviteCode(code).peers);
  printReceipt(
    run,
    receipt,
    `Whoever has this code may join as ${withArticle(role)} until ${formatTime(expiresMs)}`,
    {
      code,
      invite,
    },
  );
}

/** Says so where a code does not lead here from everywhere. */
async function tellReach(run: Run, peers: readonly PeerHint[]): Promise<void> {
  if (peers.length === 0)
    return run.warn(
      'the code names no address, since this node is not on the network: whoever joins with it must be on one local network with a member who is up, or name one with --peer; to make a code that works by itself, start the node with lb up first',
    );
  const { network } = await run.node();
  if (
    network === undefined ||
    !looksNearby(network.options) ||
    !ALL_HOSTS.includes(network.options.listen?.host ?? '')
  )
    return;
  const { isLoopback } = await import('../../../protocol/addresses.ts');
  if (peers.every(({ addresses }) => addresses.every(isLoopback)))
    run.hint(
      'this machine has no address that others could be told: whoever joins must be on the same cable or local network, where this node is found by its key',
    );
}

function stateOf(invite: Invite, nowMs: number): string {
  if (invite.revoked) return 'revoked';
  if (invite.expiresMs <= nowMs) return 'expired';
  return isOpenInvite(invite, nowMs) ? 'open' : 'used up';
}

async function list(run: Run): Promise<void> {
  const view = await run.view();
  const nowMs = run.timeOf(view);
  const rows = view.invites().map((invite) => ({ ...invite, status: stateOf(invite, nowMs) }));
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'invite', value: ({ invite }) => shortId(invite), plain: ({ invite }) => invite },
    { header: 'role', value: ({ role }) => role },
    { header: 'status', value: ({ status }) => status },
    { header: 'uses', value: ({ uses, maxUses }) => `${uses}/${maxUses}`, align: 'right' },
    { header: 'expires', value: ({ expiresMs }) => formatTime(expiresMs), isFlexible: true },
  ];
  run.print({ height: view.height, invites: rows }, () =>
    printTable(run.out, columns, rows, 'no invites; make one with: lb invite create'),
  );
}

async function join(run: Run<PeerFlags>): Promise<void> {
  const code = run.args[0]!;
  const invite = parseInviteCode(code);
  const { groupId } = invite;
  const node = await run.node();
  const name = run.options.as ?? ownName(node);
  if (!node.groupIds().includes(groupId)) return joinElsewhere(run, invite, name, await namedPeers(run));
  const group = node.group(groupId);
  const agent = group.as(name);
  const receipt = await agent.acceptInvite(code);
  await introduce(group, agent);
  const role = group.now.roleOf(agent.publicKey);
  printReceipt(run, receipt, `${agent.name} joined ${group.info().name}`, { member: agent.publicKey, role });
}

/** The name goes to the sealer with the first words; who is not reached now gets it later, from the outbox. */
async function introducedOrLater(run: Run, group: Group, name: string): Promise<void> {
  try {
    await introduce(group, group.as(name));
  } catch (error) {
    if (!(error instanceof PendingError)) throw error;
    run.hint(`the name ${name} is on its way to the sealer`);
  }
}

/** Joins where the code leads; where that is nowhere, by whoever is nearby. */
async function joinAnywhere(run: Run, invite: InviteCode, options: JoinOptions): Promise<void> {
  const { join: joinGroup } = await import('../../../protocol/membership.ts');
  const { NetworkError } = await import('../../../protocol/errors.ts');
  try {
    await joinGroup(await networkOf(run), invite, options);
  } catch (error) {
    if (!(error instanceof NetworkError) || error.code !== 'peer_unreachable') throw error;
    const network = await lookingNearby(run);
    if (network === undefined) throw error;
    run.hint('no address leads to a member; looking on the local network');
    await joinGroup(network, invite, options);
  }
}

/** A group that is not here: its node is called, and from then on the group is followed. */
export async function joinElsewhere(
  run: Run,
  invite: InviteCode,
  name: string,
  peers: readonly PeerHint[],
): Promise<void> {
  const { groupId } = invite;
  const node = await run.node();
  const { networkPort } = node;
  const signer = networkPort.signers().find(({ publicKey }) => publicKey === node.identity(name).publicKey)!;
  await showingProgress(run, node.bus.moment$, () => joinAnywhere(run, invite, { signer, peers }));
  const group = node.group(groupId);
  const member = signer.publicKey;
  const role = group.now.roleOf(member);
  await introducedOrLater(run, group, name);
  const { height } = group.head;
  run.print({ groupId, member, role, height }, () =>
    run.out.line(
      run.out.style(
        'green',
        `${name} joined ${group.info().name} as ${role}; it is here up to height ${height}`,
      ),
    ),
  );
}
