/** `sql`: questions about a group's history in SQL. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { isHex32, toHex } from '../../../events/bytes.ts';
import { type DescribedView, describeViews } from '../../../views/describe.ts';
import type { SqlValue } from '../../../views/sql.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { parseCount, parseSpan } from '../parse.ts';
import { type Column, printTable } from '../table.ts';
import { cleanText, count, shortId } from '../text.ts';
import { catchUp, noteLag } from './context.ts';

interface SqlOptions {
  readonly csv?: boolean;
  readonly tables?: boolean;
  readonly limit: string;
  readonly timeout: string;
}

export function registerSql(program: Command, context: CliContext): void {
  verb<SqlOptions>(
    program,
    context,
    {
      usage: 'sql',
      summary: "Ask about the group's history in SQL.",
      heading: 'History',
      example: 'lb sql --tables\nlb sql "select author, count(*) as claims from claims group by author"',
      details:
        'One SELECT over documented views (--tables lists them). It can only read, and is stopped when it takes too long.',
      inGroup: true,
    },
    (command) =>
      command
        .argument('[query]', 'the SELECT')
        .option('--tables', 'list what can be asked about')
        .option('--csv', 'print comma-separated values')
        .option('--limit <rows>', 'how many rows at most', '10000')
        .option('--timeout <span>', 'stop the query after this long', '10s'),
    sql,
  );
}

const TABLE_COLUMNS: readonly Column<DescribedView>[] = [
  { header: 'view', value: ({ view }) => view },
  { header: 'what it shows', value: ({ about }) => about, isText: true },
  { header: 'columns', value: ({ columns }) => columns.join(' '), isFlexible: true },
];

async function sql(run: Run<SqlOptions>): Promise<void> {
  const { csv, tables, limit, timeout } = run.options;
  if (tables) {
    const views = describeViews();
    run.print({ views }, () => printTable(run.out, TABLE_COLUMNS, views));
    return;
  }
  if (csv && run.json) throw new UsageError('say once how to print: --csv or --json');
  const [query] = run.args;
  if (query === undefined || query.trim() === '')
    throw new UsageError('which query? give a SELECT as an argument; --tables lists the views');
  const bounds = { maxRows: parseCount(limit, '--limit'), timeoutMs: parseSpan(timeout, '--timeout') };
  const { signal } = run;
  const node = await run.node();
  const { groupId } = await run.group();
  await catchUp(run, groupId);
  const answer = await node.views.sql(groupId, query, { ...bounds, signal });
  const { columns, rows } = answer;
  if (csv) for (const row of [columns, ...rows]) run.out.write(`${row.map(csvField).join(',')}\r\n`);
  else
    run.print(answer, () => {
      const shown = columns.map(
        (header, at): Column<readonly SqlValue[]> => ({
          header,
          value: (row) => shortened(textOf(row[at]!)),
          plain: (row) => textOf(row[at]!),
          isFlexible: true,
        }),
      );
      printTable(run.out, shown, rows, 'no rows');
    });
  if (answer.truncated) run.hint(`note: only ${count(rows.length, 'row')}; there are more, see --limit`);
  noteLag(run, answer.progress);
}

function textOf(value: SqlValue): string {
  if (value === null) return '';
  return value instanceof Uint8Array ? toHex(value) : String(value);
}

/** Ids by their first digits, as in every table on a terminal. */
const shortened = (text: string): string => (isHex32(text) ? shortId(text) : text);

/** What a spreadsheet takes for the beginning of a formula, in the letters of any keyboard. */
const FORMULA = /^(?:\s*[=+\-@＝＋－＠]|[\t\r\n])/u;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/**
 * A field as in RFC 4180, harmless to whatever opens it: what a terminal would act on is made visible, and text that
 * a spreadsheet would take for a formula begins with an apostrophe, which spreadsheets take away.
 */
export function csvField(value: SqlValue): string {
  const text = cleanText(textOf(value));
  const isFormula = typeof value === 'string' && FORMULA.test(value) && !NUMBER.test(value);
  const safe = isFormula ? `'${text}` : text;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
