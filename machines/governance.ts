/**
 * The group: genesis, policy, and the version of its rules.
 *
 * Genesis is judged like any operation, but only where the chain is empty; `group.ts` sees to the place.
 */
import { TRANSFER_FEE_BPS_MAX, WINDOW_MS_MAX, WINDOW_MS_MIN } from '../events/limits.ts';
import {
  type GroupOperation,
  type Policy,
  type PolicyValue,
  policyFields,
} from '../events/operations/group.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import { supplyOf } from './ledger.ts';
import { admit } from './membership.ts';
import { lacksRole } from './roles.ts';
import { adminsTable, correctionTable, groupTable, policyTable, sealersTable } from './tables.ts';

/** Versions of the rules that this software knows. */
export const RULES_VERSIONS: readonly number[] = [1];

function genesis(operation: OperationOf<'genesis'>, context: RuleContext): Refusal | undefined {
  const { state, author, nowMs } = context;
  if (context.height !== 0 || state.get(groupTable, '') !== undefined) return refuse('genesis_misplaced', {});
  const { rulesVersion, name, currency, policy } = operation;
  if (!RULES_VERSIONS.includes(rulesVersion))
    return refuse('rules_version_unsupported', { version: rulesVersion });
  const invalid = invalidPolicy(policy);
  if (invalid !== undefined) return invalid;
  state.put(groupTable, '', { name, currency, creator: author, createdMs: nowMs, rulesVersion });
  state.put(policyTable, '', policy);
  state.put(sealersTable, '', [author]);
  state.put(adminsTable, '', { count: 0 });
  context.emit({ kind: 'group.created', name, currency, creator: author, policy });
  admit(context, author, 'admin', author, undefined);
  return undefined;
}

function rulesUpgrade(operation: OperationOf<'rules_upgrade'>, context: RuleContext): Refusal | undefined {
  const { version } = operation;
  const group = context.state.get(groupTable, '')!;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  if (version <= group.rulesVersion || !RULES_VERSIONS.includes(version))
    return refuse('rules_version_unsupported', { version });
  context.state.put(groupTable, '', { ...group, rulesVersion: version });
  context.emit({ kind: 'rules.upgraded', version });
  return undefined;
}

function policyUpdate(operation: OperationOf<'policy_update'>, context: RuleContext): Refusal | undefined {
  const { state } = context;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  if (operation.changes.length === 0) return refuse('policy_empty', {});
  const changed: Record<string, PolicyValue | number> = { ...state.get(policyTable, '')! };
  const unknown = operation.changes.find(({ key }) => !Object.hasOwn(policyFields, key));
  if (unknown !== undefined) return refuse('policy_key_unknown', { key: unknown.key });
  for (const { key, value } of operation.changes) {
    const kind = KIND_OF_KEY[key as keyof Policy];
    if (!fits(kind, value)) return refuse('policy_value_invalid', { key, expected: kind });
    changed[key] = kind === 'number' ? Number(value) : value;
  }
  const policy = changed as unknown as Policy;
  const invalid = invalidPolicy(policy) ?? capBelowSupply(policy, supplyOf(state));
  if (invalid !== undefined) return invalid;
  state.put(policyTable, '', policy);
  context.emit({ kind: 'policy.changed', policy });
  return undefined;
}

type ValueKind = 'amount' | 'amount or nothing' | 'number' | 'true or false';
const KIND_OF_KEY: { readonly [K in keyof Policy]: ValueKind } = {
  faucet_amount: 'amount',
  claim_reward_amount: 'amount',
  transfer_fee_bps: 'number',
  max_total_supply: 'amount or nothing',
  max_account_balance: 'amount or nothing',
  grant_window_ms: 'number',
  dispute_window_ms: 'number',
  discoverable: 'true or false',
};

function fits(kind: ValueKind, value: PolicyValue): boolean {
  if (kind === 'true or false') return typeof value === 'boolean';
  if (kind === 'amount or nothing' && value === undefined) return true;
  if (typeof value !== 'bigint') return false;
  return kind !== 'number' || value <= BigInt(Number.MAX_SAFE_INTEGER);
}

/** The bounds of a policy that its field types do not express. */
function invalidPolicy(policy: Policy): Refusal | undefined {
  if (policy.transfer_fee_bps > TRANSFER_FEE_BPS_MAX)
    return refuse('policy_value_invalid', {
      key: 'transfer_fee_bps',
      expected: `0 to ${TRANSFER_FEE_BPS_MAX}`,
    });
  for (const key of ['grant_window_ms', 'dispute_window_ms'] as const) {
    if (policy[key] < WINDOW_MS_MIN || policy[key] > WINDOW_MS_MAX)
      return refuse('policy_value_invalid', { key, expected: `${WINDOW_MS_MIN} to ${WINDOW_MS_MAX}` });
  }
  return undefined;
}

function capBelowSupply(policy: Policy, supply: bigint): Refusal | undefined {
  const cap = policy.max_total_supply;
  return cap !== undefined && cap < supply ? refuse('supply_cap_below_supply', { cap, supply }) : undefined;
}

/** Only ever alone in its block, which is what lets that block's time go back: see `isCorrection` in chain.ts. */
function timeCorrect(operation: OperationOf<'time_correct'>, context: RuleContext): Refusal | undefined {
  const { fromMs } = operation;
  const { state, author, nowMs, previousMs, height } = context;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  if (fromMs !== previousMs) return refuse('time_changed', { expectedMs: previousMs, actualMs: fromMs });
  if (nowMs >= previousMs) return refuse('time_not_ahead', { groupMs: previousMs, nowMs });
  state.put(correctionTable, String(height), { fromMs, toMs: nowMs, by: author });
  context.emit({ kind: 'time.corrected', fromMs, toMs: nowMs, by: author });
  return undefined;
}

export const governanceRules: Rules<GroupOperation> = {
  genesis,
  rules_upgrade: rulesUpgrade,
  policy_update: policyUpdate,
  time_correct: timeCorrect,
};
