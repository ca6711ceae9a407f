/** Operations with everything filled in that a test does not care about. */

import { encode } from '../../events/codec.ts';
import type { Policy, PolicyValue } from '../../events/operations/group.ts';
import {
  type Operation,
  type OperationOf,
  type OperationType,
  operationCodec,
} from '../../events/registry.ts';
import { inviteProofMessage } from '../../machines/membership.ts';
import { hashOf, type Person } from './people.ts';

/** Everything of an operation but its type, all of it optional. */
type Some<T extends OperationType> = Partial<Omit<OperationOf<T>, 'type'>>;
type Role = 'viewer' | 'member' | 'admin';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** One operation alone, in its bytes. */
export const encodeOperation = (operation: Operation): Uint8Array => encode(operationCodec, operation);

/** What `opened()` founds the group with: no automatic money and no fee, so that tests add up by eye. */
export const POLICY: Policy = {
  faucet_amount: 0n,
  claim_reward_amount: 0n,
  transfer_fee_bps: 0,
  max_total_supply: undefined,
  max_account_balance: undefined,
  grant_window_ms: HOUR_MS,
  dispute_window_ms: 2 * HOUR_MS,
  discoverable: false,
};

/** The windows of `POLICY`, as a buyer names them. */
export const WINDOWS = { grantWindowMs: POLICY.grant_window_ms, disputeWindowMs: POLICY.dispute_window_ms };

export const genesis = (policy: Partial<Policy> = {}, rest: Some<'genesis'> = {}): Operation => ({
  type: 'genesis',
  rulesVersion: 1,
  name: 'group',
  currency: 'watt',
  policy: { ...POLICY, ...policy },
  ...rest,
});
export const policyUpdate = (...changes: [key: string, value: PolicyValue][]): Operation => ({
  type: 'policy_update',
  changes: changes.map(([key, value]) => ({ key, value })),
});
export const timeCorrect = (fromMs: number): Operation => ({ type: 'time_correct', fromMs });
export const rulesUpgrade = (version: number): Operation => ({ type: 'rules_upgrade', version });

export const memberAdd = (member: Person, role: Role = 'member'): Operation => ({
  type: 'member_add',
  member: member.publicKey,
  role,
});
export const memberRemove = (member: Person): Operation => ({
  type: 'member_remove',
  member: member.publicKey,
});
export const inviteCreate = (invite: Person, rest: Some<'invite_create'> = {}): Operation => ({
  type: 'invite_create',
  invite: invite.publicKey,
  role: 'member',
  maxUses: 1,
  expiresMs: 4_000_000_000_000,
  ...rest,
});
/** A proof that is right for `joiner` in `groupId`. */
export const inviteAccept = (invite: Person, joiner: Person, groupId: string): Operation => ({
  type: 'invite_accept',
  invite: invite.publicKey,
  proof: invite.sign(new Uint8Array(0), inviteProofMessage(groupId, joiner.publicKey)),
});
export const inviteRevoke = (invite: Person): Operation => ({
  type: 'invite_revoke',
  invite: invite.publicKey,
});
export const profileSet = (name: string): Operation => ({ type: 'profile_set', name });
export const sealerSet = (...sealers: Person[]): Operation => ({
  type: 'sealer_set',
  sealers: sealers.map(({ publicKey }) => publicKey),
});

export const sealerAccept: Operation = { type: 'sealer_accept' };

export const mint = (to: Person, amount: bigint): Operation => ({ type: 'mint', to: to.publicKey, amount });
export const transfer = (to: Person, amount: bigint, feeMax?: bigint): Operation => ({
  type: 'transfer',
  to: to.publicKey,
  amount,
  feeMax,
});
export const treasurySpend = (to: Person, amount: bigint): Operation => ({
  type: 'treasury_spend',
  to: to.publicKey,
  amount,
});

/** A claim whose id is `hashOf(text)`; parent and evidence are ids. */
export const claim = (text: string, rest: Some<'claim'> = {}): Operation => ({
  type: 'claim',
  artifact: hashOf(text),
  parent: undefined,
  evidence: [],
  tags: [],
  ...rest,
});
export const retract = (text: string, reason?: string): Operation => ({
  type: 'retract',
  claim: hashOf(text),
  reason,
});
export const reinstate = (text: string, reason?: string): Operation => ({
  type: 'reinstate',
  claim: hashOf(text),
  reason,
});
export const experience = (text: string): Operation => ({ type: 'experience', artifact: hashOf(text) });

export const taskCreate = (task: string, rest: Some<'task_create'> = {}): Operation => ({
  type: 'task_create',
  task,
  title: `title of ${task}`,
  description: undefined,
  assignee: undefined,
  dueMs: undefined,
  reward: undefined,
  rewardFrom: undefined,
  leaseMs: undefined,
  tags: [],
  ...rest,
});
export const taskAssign = (task: string, assignee: Person): Operation => ({
  type: 'task_assign',
  task,
  assignee: assignee.publicKey,
});
export const taskStart = (task: string, attempt = 1): Operation => ({ type: 'task_start', task, attempt });
export const taskProgress = (task: string, attempt = 1, note?: string): Operation => ({
  type: 'task_progress',
  task,
  attempt,
  note,
});
export const taskComplete = (task: string, attempt = 1, result?: string): Operation => ({
  type: 'task_complete',
  task,
  attempt,
  result,
});
export const taskFail = (task: string, attempt = 1, error?: string): Operation => ({
  type: 'task_fail',
  task,
  attempt,
  error,
});
export const taskRelease = (task: string, attempt = 1): Operation => ({
  type: 'task_release',
  task,
  attempt,
});
export const taskCancel = (task: string, reason?: string): Operation => ({
  type: 'task_cancel',
  task,
  reason,
});

export const presence = (
  status: OperationOf<'presence'>['status'] = 'active',
  metadata?: string,
): Operation => ({ type: 'presence', status, metadata });
