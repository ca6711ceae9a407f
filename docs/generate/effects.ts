/** The effects, which are types and therefore read from the source. */
import { readFileSync } from 'node:fs';
import { table } from './table.ts';

const SOURCE = new URL('../../events/effects.ts', import.meta.url);

export function effectsTable(): string {
  const source = readFileSync(SOURCE, 'utf8');
  const start = source.indexOf('export type Effect =');
  const text = source.slice(start, source.indexOf('export type EffectKind', start));
  const rows = Array.from(text.matchAll(/\{([^}]*)\}/g), ([, body]) => {
    const [kind, ...fields] = body!
      .split(';')
      .map((field) => field.trim())
      .filter((field) => field !== '');
    return [
      `\`${kind!.replace(/^kind: '(.*)'$/, '$1')}\``,
      fields.map((field) => `\`${field}\``).join('<br>'),
    ];
  });
  return table(['effect', 'fields'], rows);
}
