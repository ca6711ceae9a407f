/**
 * Membership: who belongs, in which role, by whose word; invites; names; the sealer.
 *
 * A member's record outlives the membership, with no role, so that the faucet pays once in the group's life. What an
 * admin has begun (an invite, a hand-over of the sealing) falls with their being an admin.
 */
import { concatBytes, fromHex, type Hex32, utf8 } from '../events/bytes.ts';
import type { Role } from '../events/effects.ts';
import { PROOF_WEIGHT, SEALERS_MAX, SEALERS_MIN } from '../events/limits.ts';
import type { MembershipOperation } from '../events/operations/membership.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import { reward } from './ledger.ts';
import { lacksRole, roleOf } from './roles.ts';
import type { StateView } from './state.ts';
import {
  adminsTable,
  handOverTable,
  type InviteRecord,
  inviteTable,
  memberTable,
  policyTable,
  profileTable,
  sealersTable,
} from './tables.ts';
import { returnTasksOf } from './tasks.ts';

const INVITE_PREFIX = utf8('lb/invite/1\0');

/** What an invite key signs to let `joiner` in: domain prefix, group, joiner. */
export function inviteProofMessage(groupId: Hex32, joiner: Hex32): Uint8Array {
  return concatBytes(INVITE_PREFIX, fromHex(groupId), fromHex(joiner));
}

/** Makes somebody a member, or gives a member another role; the faucet pays at the first time. */
export function admit(
  context: RuleContext,
  member: Hex32,
  role: Role,
  addedBy: Hex32,
  invite: Hex32 | undefined,
): void {
  const { state, nowMs } = context;
  const known = state.get(memberTable, member);
  countAdmins(state, known?.role, role);
  if (known?.role === 'admin' && role !== 'admin') dropHandOver(state, member);
  const joinedMs = known?.role === undefined ? nowMs : known.joinedMs;
  state.put(memberTable, member, { role, joinedMs, addedBy });
  context.emit({ kind: 'member.changed', member, role, ...(invite === undefined ? {} : { invite }) });
  if (known === undefined) reward(context, 'faucet', member, state.get(policyTable, '')!.faucet_amount);
}

function countAdmins(state: StateView, before: Role | undefined, after: Role | undefined): void {
  const difference = Number(after === 'admin') - Number(before === 'admin');
  if (difference !== 0) state.put(adminsTable, '', { count: state.get(adminsTable, '')!.count + difference });
}

/** A hand-over ends when the admin who proposed it, or one who was to seal, is an admin no more. */
function dropHandOver(state: StateView, member: Hex32): void {
  const open = state.get(handOverTable, '');
  if (open !== undefined && (open.by === member || open.sealers.includes(member)))
    state.delete(handOverTable, '');
}

/** Refuses when `member` must remain an admin: nobody else governs, or they seal. */
function mustStayAdmin(state: StateView, member: Hex32): Refusal | undefined {
  const isLast = roleOf(state, member) === 'admin' && state.get(adminsTable, '')!.count === 1;
  if (isLast) return refuse('last_admin', { member });
  return state.get(sealersTable, '')!.includes(member) ? refuse('member_is_sealer', { member }) : undefined;
}

function memberAdd(operation: OperationOf<'member_add'>, context: RuleContext): Refusal | undefined {
  const { member, role } = operation;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  const present = roleOf(context.state, member);
  if (present === role) return refuse('role_unchanged', { member, role });
  if (present !== undefined && role !== 'admin') {
    const needed = mustStayAdmin(context.state, member);
    if (needed !== undefined) return needed;
  }
  admit(context, member, role, context.author, undefined);
  // Whoever may no longer act keeps no work.
  if (role === 'viewer') returnTasksOf(context, member);
  return undefined;
}

function memberRemove(operation: OperationOf<'member_remove'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const { member } = operation;
  const refused = lacksRole(context, author === member ? 'viewer' : 'admin');
  if (refused !== undefined) return refused;
  const record = state.get(memberTable, member);
  if (record?.role === undefined) return refuse('member_unknown', { member });
  const needed = mustStayAdmin(state, member);
  if (needed !== undefined) return needed;
  countAdmins(state, record.role, undefined);
  if (record.role === 'admin') dropHandOver(state, member);
  state.put(memberTable, member, { ...record, role: undefined });
  context.emit({ kind: 'member.changed', member, role: 'none' });
  returnTasksOf(context, member);
  return undefined;
}

function inviteCreate(operation: OperationOf<'invite_create'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  const { invite, role, maxUses, expiresMs } = operation;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  if (state.get(inviteTable, invite) !== undefined) return refuse('invite_exists', { invite });
  if (maxUses === 0) return refuse('invite_uses_invalid', { maxUses });
  if (expiresMs <= nowMs) return refuse('invite_expired', { invite, expiresMs });
  state.put(inviteTable, invite, { role, createdBy: author, maxUses, uses: 0, expiresMs, revoked: false });
  context.emit({ kind: 'invite.changed', invite, status: 'open' });
  return undefined;
}

/** Refuses unless the invite can still be used: it is the word of an admin, and ends with their being one. */
function closedInvite(
  { state, nowMs }: RuleContext,
  invite: Hex32,
  record: InviteRecord,
): Refusal | undefined {
  const { expiresMs, maxUses, createdBy } = record;
  if (nowMs >= expiresMs) return refuse('invite_expired', { invite, expiresMs });
  if (record.revoked) return refuse('invite_revoked', { invite });
  if (record.uses >= maxUses) return refuse('invite_used_up', { invite, maxUses });
  return roleOf(state, createdBy) === 'admin' ? undefined : refuse('invite_orphaned', { invite, createdBy });
}

function inviteAccept(operation: OperationOf<'invite_accept'>, context: RuleContext): Refusal | undefined {
  const { state, author, crypto, groupId } = context;
  const { invite, proof } = operation;
  const record = state.get(inviteTable, invite);
  if (record === undefined) return refuse('invite_unknown', { invite });
  const closed = closedInvite(context, invite, record);
  if (closed !== undefined) return closed;
  const role = roleOf(state, author);
  if (role !== undefined) return refuse('already_member', { member: author, role });
  context.weigh(PROOF_WEIGHT);
  if (!crypto.verifySignature(fromHex(invite), inviteProofMessage(groupId, author), proof))
    return refuse('invite_proof_invalid', { invite });
  state.put(inviteTable, invite, { ...record, uses: record.uses + 1 });
  admit(context, author, record.role, record.createdBy, invite);
  return undefined;
}

function inviteRevoke(operation: OperationOf<'invite_revoke'>, context: RuleContext): Refusal | undefined {
  const { invite } = operation;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  const record = context.state.get(inviteTable, invite);
  if (record === undefined) return refuse('invite_unknown', { invite });
  if (record.revoked) return refuse('invite_revoked', { invite });
  context.state.put(inviteTable, invite, { ...record, revoked: true });
  context.emit({ kind: 'invite.changed', invite, status: 'revoked' });
  return undefined;
}

function profileSet(operation: OperationOf<'profile_set'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const { name } = operation;
  const refused = lacksRole(context, 'viewer');
  if (refused !== undefined) return refused;
  if (state.get(profileTable, author)?.name === name) return refuse('profile_unchanged', {});
  state.put(profileTable, author, { name });
  context.emit({ kind: 'profile.changed', member: author, name });
  return undefined;
}

/**
 * Proposes who seals next. Nothing changes until they accept, so that the sealing never goes to a key that nobody
 * holds. The present sealers stand for none: that withdraws what was proposed.
 */
function sealerSet(operation: OperationOf<'sealer_set'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const { sealers } = operation;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  if (sealers.length < SEALERS_MIN || sealers.length > SEALERS_MAX)
    return refuse('sealer_count', { count: sealers.length, min: SEALERS_MIN, max: SEALERS_MAX });
  const stranger = sealers.find((sealer) => roleOf(state, sealer) !== 'admin');
  if (stranger !== undefined) return refuse('sealer_not_admin', { sealer: stranger });
  const present = state.get(sealersTable, '')!;
  const proposed = state.get(handOverTable, '')?.sealers ?? present;
  if (sealers.every((sealer) => proposed.includes(sealer))) return refuse('sealers_unchanged', {});
  if (sealers.every((sealer) => present.includes(sealer))) state.delete(handOverTable, '');
  else state.put(handOverTable, '', { sealers, by: author });
  context.emit({ kind: 'sealers.proposed', sealers, by: author });
  return undefined;
}

/** The word of the key that was proposed: only now does the sealing change hands, with the next block. */
function sealerAccept(_: OperationOf<'sealer_accept'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  const open = state.get(handOverTable, '');
  if (open === undefined || !open.sealers.includes(author))
    return refuse('hand_over_none', { sealer: author });
  const { sealers } = open;
  state.delete(handOverTable, '');
  state.put(sealersTable, '', sealers);
  context.emit({ kind: 'sealers.changed', sealers });
  return undefined;
}

export const membershipRules: Rules<MembershipOperation> = {
  member_add: memberAdd,
  member_remove: memberRemove,
  invite_create: inviteCreate,
  invite_accept: inviteAccept,
  invite_revoke: inviteRevoke,
  profile_set: profileSet,
  sealer_set: sealerSet,
  sealer_accept: sealerAccept,
};
