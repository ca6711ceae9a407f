/** What a new group starts with. */
import type { Signer } from '../../crypto/identity.ts';
import { type Policy, policyFields } from '../../events/operations/group.ts';
import { refuse } from '../../events/refusals.ts';
import { RULES_VERSIONS } from '../../machines/governance.ts';
import { foundGroup } from '../chain/chain.ts';
import type { FinalBlock } from '../chain/judge.ts';
import { RefusedError } from '../errors.ts';

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

export interface NewGroup {
  readonly name: string;
  readonly currency?: string;
  readonly policy?: Partial<Policy>;
  /** The identity that founds it; the node's own, if not given. */
  readonly as?: string;
}

/** Block 0 of a new group, sealed by its founder. Throws `RefusedError`. */
export function found(group: NewGroup, founder: Signer, nowMs: number): FinalBlock {
  const { name, currency = 'LB', policy = {} } = group;
  const final = foundGroup(
    founder,
    {
      type: 'genesis',
      rulesVersion: RULES_VERSIONS[0]!,
      name,
      currency,
      policy: completePolicy(policy),
    },
    nowMs,
  );
  if ('code' in final) throw new RefusedError(final);
  return final;
}

/** A whole policy from parts of one. Throws `RefusedError` for keys that do not exist. */
function completePolicy(parts: Partial<Policy>): Policy {
  const unknown = Object.keys(parts).find((key) => !Object.hasOwn(policyFields, key));
  if (unknown !== undefined) throw new RefusedError(refuse('policy_key_unknown', { key: unknown }));
  return { ...DEFAULT_POLICY, ...parts };
}
