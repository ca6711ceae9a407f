/**
 * Writes the vectors that are missing: `node test/vectors/generate.ts`.
 *
 * Entries that exist are never changed, whatever the code says today: when it would make them differently, this
 * says so and leaves them, and the tests decide who is right. SHA256SUMS has one line for each entry.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { makeVectors } from '../support/vectors/all.ts';
import { type Entry, formatFile, grown, type VectorFile } from '../support/vectors/entries.ts';

const folder = new URL('./v1/', import.meta.url);
const sums = new URL('SHA256SUMS', folder);

export const sumOf = (entry: Entry): string =>
  createHash('sha256').update(JSON.stringify(entry)).digest('hex');

mkdirSync(folder, { recursive: true });
const known = existsSync(sums) ? readFileSync(sums, 'utf8').split('\n').filter(Boolean) : [];
const lines = new Set(known);
for (const [name, made] of Object.entries(makeVectors())) {
  const path = new URL(`${name}.json`, folder);
  const existing = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as VectorFile) : undefined;
  const file = grown(existing, made);
  const before = existing?.entries.length ?? 0;
  if (file.entries.length > before) writeFileSync(path, formatFile(file));
  for (const entry of file.entries.slice(before)) lines.add(`${sumOf(entry)}  ${name}.json  ${entry.name}`);
  const other = made.entries.filter((entry) =>
    existing?.entries.some((old) => old.name === entry.name && JSON.stringify(old) !== JSON.stringify(entry)),
  );
  process.stdout.write(`${name}: ${before} entries kept, ${file.entries.length - before} added\n`);
  for (const { name: entry } of other) process.stdout.write(`  ${entry} would be made differently today\n`);
}
writeFileSync(sums, `${[...lines].join('\n')}\n`);
