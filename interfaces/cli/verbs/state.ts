/** `state get` and `state list`: the records that the rules work on, for the curious. */
import type { Command } from 'commander';
import { NotFoundError, UsageError } from '../../../actors/errors.ts';
import type { GroupView } from '../../../actors/group-view.ts';
import { PREFIX_DIGITS_MIN, resolveId } from '../../../actors/ids.ts';
import { TABLES } from '../../../machines/tables.ts';
import { STATE_KEY_BYTES_MAX } from '../../../storage/keys.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { jsonText, toWire } from '../json.ts';
import { parseCount } from '../parse.ts';
import { printTable } from '../table.ts';

const heading = 'History';
const PREFIXES = TABLES.map(({ prefix }) => prefix).join(', ');

interface ListOptions {
  readonly limit: string;
  readonly after?: string;
}

export function registerState(program: Command, context: CliContext): void {
  const state = family(program, 'state', 'Look at the records of the state themselves.', heading);
  verb(
    state,
    context,
    {
      usage: 'get',
      summary: 'Show the record under a key.',
      heading,
      example: 'lb state get policy\nlb state get task/task_001 --at 10',
      details: 'An id at the end of a key may be shortened to its first 8 digits.',
      inGroup: true,
      at: true,
    },
    (command) => command.argument('<key>', 'such as balance/ID, task/ID, group'),
    get,
  );
  verb<ListOptions>(
    state,
    context,
    {
      usage: 'list',
      summary: 'List the records whose keys begin with a text, in the order of keys.',
      heading,
      example: 'lb state list balance/\nlb state list --limit 1000',
      details: `Keys begin with ${PREFIXES}.`,
      inGroup: true,
      at: true,
    },
    (command) =>
      command
        .argument('[prefix]', 'the beginning (default: all)')
        .option('--limit <count>', 'how many at most', '100')
        .option('--after <key>', 'keys after this one'),
    list,
  );
}

function assertKey(key: string): void {
  if (Buffer.byteLength(key) > STATE_KEY_BYTES_MAX)
    throw new UsageError(`a key of the state has at most ${STATE_KEY_BYTES_MAX} bytes`);
}

async function get(run: Run): Promise<void> {
  const view = await run.view();
  const key = wholeKey(view, run.args[0]!);
  const record = view.stateRecord(key);
  if (record === undefined)
    throw new NotFoundError(`there is nothing under ${key}; keys begin with ${PREFIXES}`);
  run.print({ height: view.height, key, record }, () => run.out.line(jsonText(toWire(record), 2)));
}

/** The key that is meant: as it was typed, or the one that goes on from a short id. */
function wholeKey(view: GroupView, given: string): string {
  assertKey(given);
  if (view.stateRecord(given) !== undefined) return given;
  const [, table = '', prefix = ''] = /^(.*\/)([0-9a-f]+)$/i.exec(given) ?? [];
  if (prefix.length < PREFIX_DIGITS_MIN || prefix.length >= 64) return given;
  const keys = [...view.stateKeys(table + prefix.toLowerCase())];
  if (keys.length === 0) return given;
  return (
    table +
    resolveId(
      'record',
      prefix,
      keys.map((key) => key.slice(table.length)),
    )
  );
}

async function list(run: Run<ListOptions>): Promise<void> {
  const { after = '' } = run.options;
  const limit = parseCount(run.options.limit, '--limit');
  const prefix = run.args[0] ?? '';
  assertKey(prefix);
  const view = await run.view();
  const rows: { key: string; record: unknown }[] = [];
  let isMore = false;
  let isPast = after === '';
  for (const key of view.stateKeys(prefix)) {
    // By place and not by comparison: keys are in the order of their bytes, which is not JavaScript's.
    if (isPast && rows.length === limit) {
      isMore = true;
      break;
    }
    if (isPast) rows.push({ key, record: view.stateRecord(key) });
    isPast ||= key === after;
  }
  if (!isPast) throw new NotFoundError(`--after: there is no key ${after} among these`);
  const last = rows.at(-1)?.key;
  run.print({ height: view.height, records: rows, after: isMore ? last : undefined }, () =>
    printTable(
      run.out,
      [
        { header: 'key', value: ({ key }) => key, isFlexible: true },
        { header: 'record', value: ({ record }) => JSON.stringify(toWire(record)), isFlexible: true },
      ],
      rows,
      'no records',
    ),
  );
  if (isMore) run.hint(`there are more: --after ${last}`);
}
