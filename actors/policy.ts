/** The policy of a new group, from what its founder says of it. */
import { type Policy, policyFields } from '../events/operations/group.ts';
import { refuse } from '../events/refusals.ts';
import { RefusedError } from './errors.ts';

/** What a new group starts with where nothing else is said. */
export const DEFAULT_POLICY: Policy = {
  faucet_amount: 100n,
  claim_reward_amount: 10n,
  transfer_fee_bps: 0,
  max_total_supply: undefined,
  max_account_balance: undefined,
  grant_window_ms: 24 * 3_600_000,
  dispute_window_ms: 24 * 3_600_000,
  discoverable: false,
};

/** A whole policy from parts of one. Throws `RefusedError` for keys that do not exist. */
export function completePolicy(parts: Partial<Policy>): Policy {
  const unknown = Object.keys(parts).find((key) => !Object.hasOwn(policyFields, key));
  if (unknown !== undefined) throw new RefusedError(refuse('policy_key_unknown', { key: unknown }));
  return { ...DEFAULT_POLICY, ...parts };
}
