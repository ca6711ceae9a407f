/** The refusals with their payloads: the types are read from the source, the rest is data. */
import { readFileSync } from 'node:fs';
import { REFUSAL_CODES, REFUSALS, type RefusalCode } from '../../events/refusals.ts';
import { PAYLOAD_MEANINGS } from './refusal-payloads.ts';
import { table } from './table.ts';

const SOURCE = new URL('../../events/refusals.ts', import.meta.url);
const PAYLOAD = /^ {2}(\w+): (?:\{ (.*) \}|Record<never, never>);$/gm;
/** A type of the source, in the words of the protocol. */
const WIRE_TYPES: Readonly<Record<string, string>> = {
  Hex32: 'id',
  number: 'uint',
  bigint: 'amount',
  string: 'text',
  Role: 'role',
  "Role | 'none'": 'role',
  'Hex32 | undefined': 'id or nil',
  'number | undefined': 'uint or nil',
  Refusal: 'refusal',
};

function payloads(): Map<string, string> {
  const source = readFileSync(SOURCE, 'utf8');
  const start = source.indexOf('export interface RefusalPayloads');
  const text = source.slice(start, source.indexOf('\n}', start));
  return new Map(Array.from(text.matchAll(PAYLOAD), ([, code, fields]) => [code!, fields ?? '']));
}

function describeField(code: RefusalCode, field: string): string {
  const [name, type] = field.split(': ') as [string, string];
  const wire = WIRE_TYPES[type];
  const meaning = (PAYLOAD_MEANINGS[code] as Readonly<Record<string, string>>)[name];
  if (wire === undefined || meaning === undefined)
    throw new Error(`docs: the field ${name} of ${code} cannot be described`);
  return `\`${name}\` ${wire}: ${meaning}`;
}

export function refusalsTable(): string {
  const fieldsOf = payloads();
  const rows = REFUSAL_CODES.map((code) => {
    const fields = fieldsOf.get(code);
    if (fields === undefined) throw new Error(`docs: the payload of ${code} was not found in refusals.ts`);
    const [meaning, blame] = REFUSALS[code];
    const described = fields === '' ? [] : fields.split('; ').map((field) => describeField(code, field));
    return [`\`${code}\``, meaning, described.join('<br>'), blame];
  });
  return table(['code', 'meaning', 'payload, in order', 'blames'], rows);
}
