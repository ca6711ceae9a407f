/** The refusals with their payloads, which are types and therefore read from the source. */
import { readFileSync } from 'node:fs';
import { REFUSAL_CODES, REFUSALS } from '../../events/refusals.ts';
import { table } from './table.ts';

const SOURCE = new URL('../../events/refusals.ts', import.meta.url);
const PAYLOAD = /^ {2}(\w+): (?:\{ (.*) \}|Record<never, never>);$/gm;

function payloads(): Map<string, string> {
  const source = readFileSync(SOURCE, 'utf8');
  const start = source.indexOf('export interface RefusalPayloads');
  const text = source.slice(start, source.indexOf('\n}', start));
  return new Map(Array.from(text.matchAll(PAYLOAD), ([, code, fields]) => [code!, fields ?? '']));
}

export function refusalsTable(): string {
  const fieldsOf = payloads();
  const rows = REFUSAL_CODES.map((code) => {
    const fields = fieldsOf.get(code);
    if (fields === undefined) throw new Error(`docs: the payload of ${code} was not found in refusals.ts`);
    const [meaning, blame] = REFUSALS[code];
    return [`\`${code}\``, meaning, fields === '' ? '' : `\`${fields.replaceAll('; ', '`, `')}\``, blame];
  });
  return table(['code', 'meaning', 'payload', 'blames'], rows);
}
