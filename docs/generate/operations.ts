/** The operations and the policy, from the registry. */

import { DEFAULT_POLICY } from '../../actors/policy.ts';
import { policy } from '../../events/operations/group.ts';
import { OPERATIONS } from '../../events/registry.ts';
import { describeField, type Field, fieldsOf } from './fields.ts';
import { number, span, table } from './table.ts';

export function operationsTable(): string {
  const rows = Object.entries(OPERATIONS).map(([name, { code, list, meaning }]) => {
    const record: Field = { describe: { kind: 'record', fields: list.describe() } };
    const fields = fieldsOf(record).map(([field, one]) => `\`${field}\` ${describeField(one)}`);
    return [`${code}`, `\`${name}\``, meaning, fields.join('<br>')];
  });
  return table(['code', 'operation', 'meaning', 'fields, in order'], rows);
}

export function policyTable(): string {
  const rows = fieldsOf(policy).map(([name, field]) => [
    `\`${name}\``,
    describeField(field),
    describeDefault(name, DEFAULT_POLICY[name as keyof typeof DEFAULT_POLICY]),
  ]);
  return table(['key', 'type', 'default of this software'], rows);
}

function describeDefault(name: string, value: unknown): string {
  if (value === undefined) return 'nil';
  if (typeof value === 'boolean') return String(value);
  return name.endsWith('_ms') ? span(value as number) : number(value as bigint);
}
