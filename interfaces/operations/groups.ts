/** Groups themselves: founded, joined, governed. */
import { NotFoundError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import { type InviteCode, parseInviteCode } from '../../actors/invites.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Policy } from '../../events/operations/group.ts';
import { groupOperations } from '../../events/operations/group.ts';
import { membershipOperations } from '../../events/operations/membership.ts';
import { looksNearby } from '../../protocol/network-types.ts';
import { newSealerWarning } from '../cli/new-sealer.ts';
import { openInvitesWarning } from '../cli/open-invites.ts';
import { parsePolicy } from '../cli/policy.ts';
import { inviteId, memberKey } from '../cli/resolve.ts';
import { act } from './act.ts';
import {
  agentIn,
  cursor,
  given,
  groupId,
  groupOf,
  IdentityRequiredError,
  idOf,
  limit,
  member,
  namesIn,
  ownKey,
  sealed,
} from './call.ts';
import { notice, noticeFor } from './claims.ts';
import { CODE_CHARACTERS_MAX } from './limits.ts';
import { networkOf } from './network.ts';
import { type Call, define, type Operation } from './operation.ts';
import { describedPage } from './room.ts';
import {
  field,
  flag,
  free,
  input,
  list,
  longText,
  number,
  optional,
  output,
  pointOut,
  span,
  text,
} from './schema.ts';

const { member_add, invite_create, profile_set } = membershipOperations;
const { genesis } = groupOperations;
const HOUR_MS = 3_600_000;
const EXPIRY_MS_DEFAULT = 24 * HOUR_MS;
const EXPIRY_MS_MAX = 365 * 24 * HOUR_MS;

/** Parts of a policy as JSON has them; null is no cap. @throws UsageError */
function policyFrom(given: Readonly<Record<string, unknown>>): Partial<Policy> {
  return parsePolicy(
    Object.entries(given).map(([key, value]) => `${key}=${value ?? 'none'}`),
    'policy',
  );
}

/** When the sealer was last heard, where somebody else seals; and when the caller was removed, where that is so. */
function signsOf(group: Group, own: Hex32 | undefined): { sealer_heard_ms?: number; removed_ms?: number } {
  const { sealerHeardMs } = group.info();
  const removedMs = own === undefined ? undefined : group.removalOf(own)?.tsMs;
  return {
    ...(sealerHeardMs === undefined ? {} : { sealer_heard_ms: sealerHeardMs }),
    ...(removedMs === undefined ? {} : { removed_ms: removedMs }),
  };
}

const listGroups = define({
  name: 'list_groups',
  title: 'List groups',
  description: 'The groups of this node, with your role in each.',
  toolset: 'groups',
  effect: 'reads',
  isNodeWide: false,
  input: input({ limit: limit(50), cursor }),
  output: output({
    groups: list(
      output({
        group_id: text(),
        name: text(),
        status: text(),
        role: optional(text()),
        sealer_heard_ms: optional(number()),
        removed_ms: optional(number()),
      }),
    ),
    next_cursor: optional(text()),
    notice,
  }),
  run(call, { limit = 50, cursor }) {
    const own = ownKey(call);
    const ids = [...call.node.groupIds()].sort();
    const describe = (id: string) => {
      const group = call.node.group(id);
      const { name, status } = group.standing();
      const role = own === undefined || status === 'halted' ? undefined : group.now.roleOf(own);
      const signs = status === 'halted' ? {} : signsOf(group, own);
      return { group_id: id, name, status, ...(role === undefined ? {} : { role }), ...signs };
    };
    const { page: groups, next } = describedPage(call, ids, { keyOf: (id) => id, describe, cursor, limit });
    return { groups, ...next, ...noticeFor(groups.map(() => ({ is_own: false }))) };
  },
});

const groupInfo = define({
  name: 'group_info',
  title: 'Describe a group',
  description: 'Name, currency, policy, sealers and head of a group.',
  toolset: 'groups',
  effect: 'reads',
  input: input({ group_id: groupId }),
  output: output({
    group_id: text(),
    name: text(),
    currency: text(),
    status: text(),
    height: number(),
    head: text(),
    created_ms: pointOut(),
    members: number(),
    sealers: list(text()),
    proposed_sealers: optional(list(text())),
    policy: free(),
    role: optional(text()),
    sealer_heard_ms: optional(number()),
    removed_ms: optional(number()),
  }),
  run(call, { group_id }) {
    const group = groupOf(call, group_id);
    const view = group.now;
    const { name, currency, status, head } = group.info();
    const own = ownKey(call);
    const role = own === undefined ? undefined : view.roleOf(own);
    const proposed = view.handOver()?.sealers;
    return {
      group_id: group.groupId,
      name,
      currency,
      status,
      height: head.height,
      head: head.blockId,
      created_ms: view.group().createdMs,
      members: view.members().length,
      sealers: [...view.sealers()],
      ...given({ proposed_sealers: proposed && [...proposed] }),
      policy: Object.fromEntries(
        Object.entries(view.policy()).map(([key, value]) => [
          key,
          typeof value === 'bigint' ? value.toString() : value,
        ]),
      ),
      ...(role === undefined ? {} : { role }),
      ...signsOf(group, own),
    };
  },
});

const listMembers = define({
  name: 'list_members',
  title: 'List members',
  description: 'Members of the group with their roles.',
  toolset: 'groups',
  effect: 'reads',
  input: input({ group_id: groupId, limit: limit(100), cursor }),
  output: output({
    members: list(
      output({ member: text(), name: text(), is_own: flag(), role: text(), joined_ms: pointOut() }),
    ),
    next_cursor: optional(text()),
    notice,
  }),
  run(call, { group_id, limit = 100, cursor }) {
    const group = groupOf(call, group_id);
    const nameOf = namesIn(call, group);
    const own = ownKey(call);
    const { page: members, next } = describedPage(call, group.now.members(), {
      keyOf: ({ member }) => member,
      describe: ({ member, role, joinedMs }) => ({
        member,
        name: nameOf(member),
        is_own: member === own,
        role,
        joined_ms: joinedMs,
      }),
      cursor,
      limit,
    });
    return { members, ...next, ...noticeFor(members) };
  },
});

const createGroup = define({
  name: 'create_group',
  title: 'Found a group',
  description: 'Founds a group on this node; you become its admin and sealer.',
  toolset: 'groups',
  effect: 'adds',
  input: input({
    name: field(genesis.fields.name),
    currency: optional(field(genesis.fields.currency)),
    policy: optional(free('parts of the policy, as group_info shows it')),
  }),
  output: output({ group_id: text(), name: text() }),
  async run({ node, identity }, { name, currency, policy }) {
    if (identity === undefined) throw new IdentityRequiredError();
    const group = await node.createGroup({
      name,
      as: identity,
      ...(currency === undefined ? {} : { currency }),
      ...(policy === undefined ? {} : { policy: policyFrom(policy) }),
    });
    return { group_id: group.groupId, name };
  },
  again(_, { name }, { sealed }) {
    return sealed && { group_id: sealed.group.groupId, name };
  },
});

const joinGroup = define({
  name: 'join_group',
  title: 'Join a group',
  description: 'Joins a group by a code that an admin handed out, here or on another node.',
  toolset: 'groups',
  effect: 'sets',
  isOpenWorld: true,
  input: input({ code: longText(CODE_CHARACTERS_MAX, 'join code of an admin') }),
  output: output({ group_id: text(), name: text(), role: text() }),
  async run(call, { code }) {
    const invite = parseInviteCode(code);
    const { groupId } = invite;
    if (call.node.groupIds().includes(groupId))
      await agentIn(call, call.node.group(groupId)).acceptInvite(code);
    else await joinElsewhere(call, invite);
    const group = call.node.group(groupId);
    return joined(call, group);
  },
  again: (call, _, { sealed }) => sealed && joined(call, sealed.group),
});

function joined(call: Call, group: Group) {
  const role = group.now.roleOf(ownKey(call)!) ?? 'none';
  return { group_id: group.groupId, name: group.standing().name, role };
}

/** A group that is not here: its node is called, and from then on the group is followed. */
async function joinElsewhere(call: Call, invite: InviteCode): Promise<void> {
  if (call.identity === undefined) throw new IdentityRequiredError();
  const network = networkOf(call);
  if (invite.peers.length === 0 && !looksNearby(network.options))
    throw new NotFoundError(
      `the code is for group ${invite.groupId.slice(0, 12)}, which this node does not have, and names no peer to ask`,
    );
  const own = ownKey(call);
  const signer = network.port.signers().find(({ publicKey }) => publicKey === own)!;
  const { join } = await import('../../protocol/membership.ts');
  await join(network, invite, { signer });
}

const createInvite = define({
  name: 'create_invite',
  title: 'Invite somebody',
  description: 'Makes a code; whoever has it may join (admin). Hand it only to those who shall.',
  toolset: 'groups',
  effect: 'adds',
  input: input({
    group_id: groupId,
    role: optional(field(invite_create.fields.role)),
    max_uses: optional(field(invite_create.fields.maxUses, 'how many may join with it; 1 if left out')),
    expires_in_ms: optional(
      span(1_000, EXPIRY_MS_MAX, {
        default: EXPIRY_MS_DEFAULT,
        description: 'span in milliseconds from now until it expires',
      }),
    ),
  }),
  output: output({
    code: text(),
    invite_id: text(),
    tx_id: text(),
    height: number(),
    note: optional(text()),
  }),
  async run(call, { group_id, role = 'member', max_uses = 1, expires_in_ms = EXPIRY_MS_DEFAULT }) {
    const agent = agentIn(call, groupOf(call, group_id));
    const { invite, code, ...receipt } = await agent.createInvite({
      role,
      maxUses: max_uses,
      expiresMs: Date.now() + expires_in_ms,
    });
    return { code, invite_id: invite, ...sealed(receipt), ...noteOn(code) };
  },
  again(_, __, { sealed: before, noted: { code } }) {
    const invite = before?.effects.find(({ kind }) => kind === 'invite.changed');
    if (before === undefined || code === undefined || invite?.kind !== 'invite.changed') return undefined;
    return { code, invite_id: invite.invite, ...sealed(before), ...noteOn(code) };
  },
});

/** Whoever gets a code without an address cannot know where to go with it. */
function noteOn(code: string): { note?: string } {
  if (parseInviteCode(code).peers.length > 0) return {};
  return {
    note: 'the code names no address, since this node is not on the network: it works only for somebody on the same local network as a member who is up',
  };
}

export const groupDesk: readonly Operation[] = [
  listGroups,
  groupInfo,
  listMembers,
  createGroup,
  joinGroup,
  createInvite,
  act('groups', {
    name: 'revoke_invite',
    title: 'Close an invite',
    description: 'Ends an invite: its code lets nobody in any more (admin).',
    effect: 'ends',
    properties: { invite_id: idOf('an invite') },
    act: ({ agent, view }, { invite_id }) => agent.revokeInvite(inviteId(view, invite_id)),
  }),
  act('groups', {
    name: 'add_member',
    title: 'Add a member',
    description: 'Adds a member or changes their role (admin).',
    effect: 'sets',
    properties: { member, role: field(member_add.fields.role) },
    act: ({ agent, view, call }, { member, role }) =>
      agent.addMember(memberKey(call.node, view, member), role),
  }),
  act('groups', {
    name: 'remove_member',
    title: 'Remove a member',
    description:
      'Removes a member, or yourself; their open tasks return to the board. A note names invites that are still open.',
    effect: 'ends',
    properties: { member },
    async act({ agent, view, call, group }, { member }) {
      const receipt = await agent.removeMember(memberKey(call.node, view, member));
      return { ...receipt, ...given({ note: openInvitesWarning(group.now, Date.now()) }) };
    },
  }),
  act('groups', {
    name: 'propose_sealer',
    title: 'Propose the next sealer',
    description:
      'Proposes an admin as the sealer of the group (admin); nothing changes until they call accept_sealing. A note warns if their node is not up. Naming the present sealer withdraws it.',
    effect: 'sets',
    properties: { member },
    async act({ agent, view, call, group }, { member }) {
      const key = memberKey(call.node, view, member);
      const note = view.sealers().includes(key)
        ? undefined
        : newSealerWarning(call.node, group, key, view.nameOf(key) ?? key.slice(0, 12));
      return { ...(await agent.setSealers([key])), ...given({ note }) };
    },
  }),
  act('groups', {
    name: 'accept_sealing',
    title: 'Take the sealing over',
    description:
      'Makes you the sealer, where an admin has proposed you: this node must be up from then on, and only you can hand the sealing on.',
    effect: 'ends',
    properties: {},
    act: ({ agent }) => agent.acceptSealing(),
  }),
  act('groups', {
    name: 'set_profile',
    title: 'Say what you are called',
    description: 'Sets the name that others see for you.',
    effect: 'sets',
    properties: { name: field(profile_set.fields.name) },
    act: ({ agent }, { name }) => agent.setProfile(name),
  }),
  act('groups', {
    name: 'update_policy',
    title: 'Change the policy',
    description: 'Changes parts of the policy (admin); null takes a cap away.',
    effect: 'sets',
    properties: { changes: free('keys as group_info shows them') },
    act: ({ agent }, { changes }) => agent.updatePolicy(policyFrom(changes)),
  }),
  act('groups', {
    name: 'correct_time',
    title: "Set the group's time back",
    description:
      "Sets the group's time back to the sealer's clock, where its last block came from a clock that was ahead (admin). The history stays.",
    effect: 'sets',
    properties: {},
    act: ({ agent }) => agent.correctTime(),
  }),
];
