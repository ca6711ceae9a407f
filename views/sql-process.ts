/**
 * The process that runs one query, and is then killed by whoever started it. See `sql.ts`.
 *
 * The query runs on a thread of it, so that the process notices when whoever started it is gone: killed in the
 * middle, it could not stop the query any more.
 */
import { constants, DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SQL_VIEWS } from './schema.ts';
import type { SqlAnswer, SqlRequest, SqlResponse, SqlValue } from './sql.ts';
import { isDamage, isNoFile } from './sqlite.ts';

const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
/** SQLite's own description of the views, and its functions that give rows: both only tell what is in them. */
const ALSO_READABLE = new Set(['sqlite_schema', 'sqlite_master', 'json_each', 'json_tree']);
const FORBIDDEN_FUNCTIONS = new Set([
  'load_extension',
  'readfile',
  'writefile',
  'edit',
  'fts5',
  'fts3_tokenizer',
]);

const isReadable = (name: string | null): boolean =>
  name !== null && (Object.hasOwn(SQL_VIEWS, name) || ALSO_READABLE.has(name));

/** What a statement may do: select, from documented views, with functions that only compute. */
function authorize(action: number, first: string | null, second: string | null, view: string | null): number {
  switch (action) {
    case constants.SQLITE_SELECT:
    case constants.SQLITE_RECURSIVE:
      return constants.SQLITE_OK;
    case constants.SQLITE_READ:
      // A join that became part of the query around it is asked about without a column, and gives away no value.
      return second === '' || isReadable(first) || isReadable(view)
        ? constants.SQLITE_OK
        : constants.SQLITE_DENY;
    case constants.SQLITE_FUNCTION:
      return FORBIDDEN_FUNCTIONS.has((second ?? '').toLowerCase())
        ? constants.SQLITE_DENY
        : constants.SQLITE_OK;
    default:
      return constants.SQLITE_DENY;
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  // Sorting goes to memory, which is watched, and not to a disk that it could fill.
  database.exec('PRAGMA query_only = ON; PRAGMA temp_store = MEMORY');
  database.setAuthorizer((action, first, second, _database, view) => authorize(action, first, second, view));
  return database;
}

function answer({ path, query, maxRows }: SqlRequest): SqlAnswer {
  const database = open(path);
  const text = query.replace(/[;\s]+$/, '');
  // Whatever stands behind a first statement would be left unread without a word; inside brackets it is an error.
  database.prepare(`SELECT * FROM (${text}\n)`);
  const statement = database.prepare(text);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const columns = statement.columns().map(({ name }) => name);
  const rows: SqlValue[][] = [];
  let bytes = 0;
  for (const row of statement.iterate() as unknown as Iterable<SqlValue[]>) {
    if (rows.length >= maxRows || bytes > ANSWER_BYTES_MAX) return { columns, rows, truncated: true };
    rows.push(row.map(plain));
    for (const value of row) bytes += typeof value === 'object' ? (value?.length ?? 0) : String(value).length;
  }
  return { columns, rows, truncated: false };
}

function plain(value: SqlValue): SqlValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function respond(request: SqlRequest): SqlResponse {
  try {
    return { answer: answer(request) };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (isDamage(error) || isNoFile(error)) return { damage: message };
    // Not an error of SQLite: a bug of this file, which ends the process.
    if (code !== 'ERR_SQLITE_ERROR') throw error;
    return { problem: message };
  }
}

if (isMainThread) {
  process.once('message', (request: SqlRequest) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: request });
    thread.once('message', (response: SqlResponse) => process.send!(response));
  });
  // A thread inside SQLite would keep the process from any other end.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
} else parentPort!.postMessage(respond(workerData as SqlRequest));
