/**
 * `npm run bench`: how fast the core is on this machine, beside the raw bounds of what it stands on.
 *
 * The figures to trust are the ratios, which compare two things measured in the same run. `--smoke` runs
 * everything with little work, so that the tests keep the benchmark alive; `--json` prints the rows as data, `--only`
 * measures one part, `--claims` says over how many claims the search is measured, and `--against` names another tree of
 * the source whose reads are measured beside these.
 */

import { cpus } from 'node:os';
import { styleText } from 'node:util';
import { readArguments, refuseArguments } from './arguments.ts';
import { rawFlushedPuts, rawSign, rawVerifyThreads } from './bounds.ts';
import { measureCatchUp } from './catch-up.ts';
import { measureContext } from './context.ts';
import { measureGroups } from './groups.ts';
import { measureHeaviest } from './heaviest.ts';
import { measureImport } from './import.ts';
import { measureMcp } from './mcp.ts';
import { measureObserved } from './observed.ts';
import { measureReads } from './reads.ts';
import type { Row } from './row.ts';
import { measureStart } from './start.ts';
import { measureSubmit } from './submit.ts';
import { measureReplay, measureValidation } from './validation.ts';

const PARTS = [
  'validation',
  'replay',
  'submit',
  'catch-up',
  'observed',
  'start',
  'context',
  'groups',
  'heaviest',
  'import',
  'reads',
  'mcp',
];
const HELP = `
npm run bench -- [flags]: how fast the core is on this machine. Trust the ratios, not the figures.

  --only PART    one part alone: ${PARTS.join(', ')}
  --claims N     over how many claims the search is measured (with --only context)
  --against DIR  another tree of the source to compare reads with (with --only reads)
  --smoke        everything, with little work
  --json         the rows as data
`;
const { values } = readArguments(HELP, {
  options: {
    smoke: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    claims: { type: 'string' },
    against: { type: 'string' },
  },
});
if (values.only !== undefined && !PARTS.includes(values.only))
  refuseArguments(`there is no part "${values.only}"`);
if (values.claims !== undefined && !/^[1-9]\d{0,8}$/.test(values.claims))
  refuseArguments('--claims must be a whole number');
const scale = values.smoke ? 0.005 : 1;
const boundMs = values.smoke ? 100 : 2_000;
const threads = 2;
const rows: Row[] = [];

function report(...more: Row[]): void {
  for (const row of more) {
    rows.push(row);
    if (!values.json) console.log(format(row));
  }
}

function format({ what, value, unit, against, bar }: Row): string {
  const digits = value < 100 ? 2 : 0;
  const number = value.toLocaleString('en-US', { maximumFractionDigits: digits });
  const ratio = against === undefined ? '' : `  = ${(100 * against.share).toFixed(1)} % of ${against.what}`;
  const asked = bar === undefined ? '' : styleText('dim', `  (bar: ${bar})`);
  return `${what.padEnd(58)} ${number.padStart(12)} ${unit}${ratio}${asked}`;
}

const wants = (part: string): boolean => values.only === undefined || values.only === part;

if (!values.json)
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, Node ${process.version}\n`);

if (wants('validation') || wants('replay') || wants('submit')) {
  report({ what: 'libsodium sign, one thread', value: rawSign(boundMs), unit: '/s' });
  report({ what: 'libsodium verify, one thread', value: await rawVerifyThreads(boundMs, 1), unit: '/s' });
}
if (wants('validation'))
  report(...(await measureValidation(scale, threads, () => rawVerifyThreads(boundMs, threads))));
if (wants('replay')) report(...(await measureReplay(scale)));
if (wants('submit')) {
  for (const size of [1, 64, 1_000]) {
    const value = rawFlushedPuts(boundMs / 2, size);
    report({ what: `LMDB puts, flushed in batches of ${size}`, value, unit: '/s' });
  }
  report(...(await measureSubmit(scale)));
}
if (wants('catch-up')) report(...(await measureCatchUp(scale, threads)));
if (wants('observed')) report(...(await measureObserved(scale)));
if (wants('start')) report(...(await measureStart(scale)));
if (wants('context'))
  report(...(await measureContext(scale, values.claims === undefined ? undefined : Number(values.claims))));
if (wants('groups')) report(...(await measureGroups(scale)));
if (wants('heaviest')) report(...(await measureHeaviest(scale)));
if (wants('import')) report(...(await measureImport(scale)));
if (wants('reads')) report(...(await measureReads(scale, values.against)));
if (wants('mcp')) report(...(await measureMcp(scale)));
if (values.json) console.log(JSON.stringify({ schema_version: 1, data: rows }));
