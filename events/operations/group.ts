/** The group itself: its birth, the version of its rules, and its policy. */
import type { Codec } from '../codec.ts';
import { MAX_TOKEN, milliseconds, record, type Values } from '../fields.ts';
import { CURRENCY_CHARACTERS_MAX, GROUP_NAME_CHARACTERS_MAX } from '../limits.ts';
import type { Reader } from '../reader.ts';
import { MalformedError } from '../reader.ts';
import {
  amount,
  basisPoints,
  boolean,
  list,
  type OperationsOf,
  operation,
  optional,
  text,
  uint,
} from './define.ts';

/** What admins decide about money and visibility. Bounds beyond the types are checked by the rule. */
export const policyFields = {
  /** Tokens for whoever becomes a member for the first time. */
  faucet_amount: amount,
  /** Tokens for a claim's author. */
  claim_reward_amount: amount,
  /** Fee of a transfer in 1/10,000 of the amount, paid on top, to the treasury. */
  transfer_fee_bps: basisPoints,
  /** Cap of the total supply. */
  max_total_supply: optional(amount),
  /** Cap of any one balance. */
  max_account_balance: optional(amount),
  /** How long a seller has to grant. */
  grant_window_ms: milliseconds,
  /** How long a buyer has to dispute after the grant. */
  dispute_window_ms: milliseconds,
  /** Whether strangers may learn that the group exists. */
  discoverable: boolean,
};
export const policy = record(policyFields);
export type Policy = Values<typeof policyFields>;
export type PolicyKey = keyof Policy;

/** A value of a policy change, before the rule has looked at its key. */
export type PolicyValue = bigint | boolean | undefined;

const policyValue: Codec<PolicyValue> = {
  describe: { kind: 'optional', of: { kind: 'union', of: [{ kind: 'amount' }, { kind: 'boolean' }] } },
  write: (writer, value) => {
    if (value === undefined) writer.nil();
    else if (typeof value === 'boolean') writer.boolean(value);
    else writer.bigUint(value);
  },
  read: (reader: Reader) => {
    if (reader.takeNil()) return undefined;
    const tag = reader.peek();
    return tag === 0xc2 || tag === 0xc3 ? reader.boolean() : reader.bigUint(MAX_TOKEN);
  },
  check: (value, path) => {
    const fits =
      value === undefined ||
      typeof value === 'boolean' ||
      (typeof value === 'bigint' && value >= 0n && value <= MAX_TOKEN);
    if (!fits) throw new MalformedError(`${path}: expected an amount, true, false or nothing`);
  },
};

export const groupOperations = {
  genesis: operation(0, 'Founds the group; its author becomes admin and sealer.', {
    rulesVersion: uint(0xffff_ffff),
    name: text({ maxCharacters: GROUP_NAME_CHARACTERS_MAX, min: 1 }),
    currency: text({ maxCharacters: CURRENCY_CHARACTERS_MAX, min: 1 }),
    policy,
  }),
  rules_upgrade: operation(1, 'Activates a later version of the rules (admin).', {
    version: uint(0xffff_ffff),
  }),
  policy_update: operation(2, 'Changes parts of the policy (admin).', {
    changes: list(record({ key: text({ maxCharacters: 64 }), value: policyValue }), { max: 16 }),
  }),
  time_correct: operation(
    3,
    "Sets the group's time back after a block from a clock that was ahead (admin).",
    {
      fromMs: milliseconds,
    },
  ),
};
export type GroupOperation = OperationsOf<typeof groupOperations>;
