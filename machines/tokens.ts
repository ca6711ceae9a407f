/** Tokens: minting, transfers with their fee, and what the treasury pays. See ledger.ts for the invariant. */
import type { Policy } from '../events/operations/group.ts';
import type { TokenOperation } from '../events/operations/tokens.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { OperationOf } from '../events/registry.ts';
import type { RuleContext, Rules } from './domain.ts';
import {
  basisPointsOwed,
  cannotPay,
  exceedsAccountCap,
  exceedsSupplyCap,
  issue,
  move,
  spendTreasury,
  treasuryOf,
} from './ledger.ts';
import { lacksRole } from './roles.ts';
import { policyTable } from './tables.ts';

function mint(operation: OperationOf<'mint'>, context: RuleContext): Refusal | undefined {
  const { state } = context;
  const { to, amount } = operation;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  if (amount === 0n) return refuse('amount_zero', {});
  const capped = exceedsSupplyCap(state, amount) ?? exceedsAccountCap(state, to, amount);
  if (capped !== undefined) return capped;
  issue(state, to, amount);
  context.emit({ kind: 'tokens.minted', to, amount });
  return undefined;
}

/** What a transfer of `amount` costs on top of it. */
export function transferFee(amount: bigint, policy: Pick<Policy, 'transfer_fee_bps'>): bigint {
  return basisPointsOwed(amount, policy.transfer_fee_bps);
}

/** Needs no role: whoever holds tokens may move them, also a buyer from outside and a former member. */
function transfer(operation: OperationOf<'transfer'>, context: RuleContext): Refusal | undefined {
  const { state, author } = context;
  const { to, amount, feeMax } = operation;
  if (amount === 0n) return refuse('amount_zero', {});
  if (to === author) return refuse('transfer_to_self', {});
  const fee = transferFee(amount, state.get(policyTable, '')!);
  if (feeMax !== undefined && fee > feeMax) return refuse('fee_above_accepted', { fee, feeMax });
  const refused = cannotPay(state, author, amount + fee) ?? exceedsAccountCap(state, to, amount);
  if (refused !== undefined) return refused;
  move(state, author, to, amount, fee);
  context.emit({ kind: 'tokens.transferred', from: author, to, amount, fee });
  return undefined;
}

function treasurySpend(operation: OperationOf<'treasury_spend'>, context: RuleContext): Refusal | undefined {
  const { state } = context;
  const { to, amount } = operation;
  const refused = lacksRole(context, 'admin');
  if (refused !== undefined) return refused;
  if (amount === 0n) return refuse('amount_zero', {});
  const treasury = treasuryOf(state);
  if (treasury < amount) return refuse('treasury_too_low', { treasury, needed: amount });
  const capped = exceedsAccountCap(state, to, amount);
  if (capped !== undefined) return capped;
  spendTreasury(state, to, amount);
  context.emit({ kind: 'treasury.spent', to, amount });
  return undefined;
}

export const tokenRules: Rules<TokenOperation> = { mint, transfer, treasury_spend: treasurySpend };
