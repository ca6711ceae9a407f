/** The policy as `key=value`: what kind of value each key takes, how it is typed and how it is shown. */
import { UsageError } from '../../actors/errors.ts';
import { TRANSFER_FEE_BPS_MAX, WINDOW_MS_MAX, WINDOW_MS_MIN } from '../../events/limits.ts';
import { type Policy, type PolicyKey, policyFields } from '../../events/operations/group.ts';
import { amountOf, countOf, spanOf } from './parse.ts';
import { similarTo } from './suggest.ts';
import { formatSpan } from './text.ts';

export const POLICY_KEYS = Object.keys(policyFields) as PolicyKey[];

type Kind = 'tokens' | 'cap' | 'share' | 'span' | 'switch';

/** Total by type: a key without a kind does not compile. */
const KIND_OF_KEY: { readonly [K in PolicyKey]: Kind } = {
  faucet_amount: 'tokens',
  claim_reward_amount: 'tokens',
  transfer_fee_bps: 'share',
  max_total_supply: 'cap',
  max_account_balance: 'cap',
  grant_window_ms: 'span',
  dispute_window_ms: 'span',
  discoverable: 'switch',
};

const TAKES: Readonly<Record<Kind, string>> = {
  tokens: 'whole tokens, such as 100',
  cap: 'whole tokens, such as 100000, or "none"',
  share: `1/10,000 parts from 0 to ${TRANSFER_FEE_BPS_MAX}: 250 is 2.5 %`,
  span: `a span from ${formatSpan(WINDOW_MS_MIN)} to ${formatSpan(WINDOW_MS_MAX)}, such as 24h or 7d`,
  switch: 'true or false',
};

/** What a key of the policy takes, for people. */
export function policyTakes(key: string): string | undefined {
  return Object.hasOwn(KIND_OF_KEY, key) ? TAKES[KIND_OF_KEY[key as PolicyKey]] : undefined;
}

/** All keys with what they take, for the help. */
export const POLICY_HELP = Object.entries(TAKES)
  .map(([kind, takes]) => {
    const keys = POLICY_KEYS.filter((key) => KIND_OF_KEY[key] === kind);
    return `${keys.join(', ')} (${takes})`;
  })
  .join('; ');

/** Collects a flag that may be given several times. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

/** Changes from `key=value` texts; `none` takes a cap away. */
export function parsePolicy(texts: readonly string[], flag: string): Partial<Policy> {
  const changes: Partial<Record<PolicyKey, Policy[PolicyKey]>> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`${flag} ${text}: expected key=value, such as faucet_amount=100`);
    const key = text.slice(0, at);
    if (!isKey(key)) throw noSuchKey(key);
    if (Object.hasOwn(changes, key)) throw new UsageError(`${flag} names ${key} twice; once is enough`);
    changes[key] = parseValue(key, text.slice(at + 1), flag);
  }
  return changes as Partial<Policy>;
}

function isKey(key: string): key is PolicyKey {
  return Object.hasOwn(KIND_OF_KEY, key);
}

function noSuchKey(key: string): UsageError {
  const [meant] = similarTo(key, POLICY_KEYS);
  const hint = meant === undefined ? `it has ${POLICY_KEYS.join(', ')}` : `did you mean ${meant}?`;
  return new UsageError(`the policy has no key "${key}"; ${hint}`);
}

function parseValue(key: PolicyKey, text: string, flag: string): Policy[PolicyKey] {
  const kind = KIND_OF_KEY[key];
  if (kind === 'cap' && text === 'none') return undefined;
  const value = typedValue(kind, text);
  if (value === undefined) throw new UsageError(`${flag} ${key}=${text}: expected ${TAKES[kind]}`);
  return value;
}

/** The value that a text stands for; nothing where it does not fit the kind. */
function typedValue(kind: Kind, text: string): bigint | number | boolean | undefined {
  switch (kind) {
    case 'tokens':
    case 'cap':
      return amountOf(text);
    case 'share':
      return within(countOf(text), 0, TRANSFER_FEE_BPS_MAX);
    case 'span':
      return within(spanOf(text), WINDOW_MS_MIN, WINDOW_MS_MAX);
    case 'switch':
      return text === 'true' ? true : text === 'false' ? false : undefined;
  }
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

/** A value as people read it. */
export function formatPolicyValue(key: string, value: unknown): string {
  if (value === undefined) return 'none';
  if (key.endsWith('_ms') && typeof value === 'number') return `${value} (${formatSpan(value)})`;
  if (key.endsWith('_bps') && typeof value === 'number') return `${value} (${value / 100} %)`;
  return String(value);
}
