/** The policy as `key=value`, made from its declaration, so that a new key needs nothing here. */
import { UsageError } from '../../actors/errors.ts';
import type { FieldType } from '../../events/codec.ts';
import { type Policy, policyFields } from '../../events/operations/group.ts';
import { parseAmount, parseSpan } from './parse.ts';
import { formatSpan } from './text.ts';

export const POLICY_KEYS = Object.keys(policyFields) as (keyof Policy)[];

/** Collects a flag that may be given several times. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

/** Changes from `key=value` texts; `none` takes a cap away. */
export function parsePolicy(texts: readonly string[], flag: string): Partial<Policy> {
  const changes: Record<string, unknown> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`${flag} ${text}: expected key=value`);
    const key = text.slice(0, at);
    const field = Object.hasOwn(policyFields, key) ? policyFields[key as keyof Policy] : undefined;
    if (field === undefined)
      throw new UsageError(`the policy has no key "${key}"; it has ${POLICY_KEYS.join(', ')}`);
    changes[key] = parseValue(field.describe, text.slice(at + 1), `${flag} ${key}`);
  }
  return changes as Partial<Policy>;
}

function parseValue(type: FieldType, text: string, flag: string): bigint | number | boolean | undefined {
  if (type.kind === 'optional') return text === 'none' ? undefined : parseValue(type.of, text, flag);
  if (type.kind === 'amount') return parseAmount(text, flag);
  if (type.kind === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw new UsageError(`${flag} ${text}: expected true or false`);
  }
  return parseSpan(text, flag);
}

/** A value as people read it. */
export function formatPolicyValue(key: string, value: unknown): string {
  if (value === undefined) return 'none';
  if (key.endsWith('_ms') && typeof value === 'number') return `${value} (${formatSpan(value)})`;
  if (key.endsWith('_bps') && typeof value === 'number') return `${value} (${value / 100} %)`;
  return String(value);
}
