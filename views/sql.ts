/**
 * Questions in SQL, each run by a process of its own.
 *
 * SQLite cannot be interrupted from JavaScript, and a query like `SELECT count(*) FROM effects, effects, effects` would
 * hold a thread for hours, which not even ending the thread would stop. A process can be killed. It opens the file to
 * read only, may use the documented views and nothing else, and has bounds on time, memory and what it answers.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ViewsError } from './errors.ts';

export interface SqlOptions {
  /** The query is stopped after this long, milliseconds; 10 s if not given. */
  readonly timeoutMs?: number;
  /** Rows at most; 10,000 if not given. */
  readonly maxRows?: number;
  /** Stops the query. */
  readonly signal?: AbortSignal;
}

/** A value of a row; integers beyond 2^53 are `bigint`. */
export type SqlValue = string | number | bigint | Uint8Array | null;

export interface SqlAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** Whether there were more rows than were asked for, or than fit into 32 MiB. */
  readonly truncated: boolean;
}

/** What the process is sent, and what it answers. */
export interface SqlRequest {
  readonly path: string;
  readonly query: string;
  readonly maxRows: number;
}
type Stopped = 'too long' | 'too large' | 'aborted';
export type SqlResponse =
  | { readonly answer: SqlAnswer }
  | { readonly problem: string }
  /** The file cannot be read, whatever the query. */
  | { readonly damage: string };

/** The file that a query ran on is damaged, or is gone. */
export class DamagedFileError extends ViewsError {
  constructor(detail: string) {
    super('views_failed', detail);
  }
}

const TIMEOUT_MS_DEFAULT = 10_000;
const MAX_ROWS_DEFAULT = 10_000;
const HEAP_MIB = 256;
/** Resident memory of the process; Node's SQLite keeps no account of its own that could be bounded. */
const RESIDENT_BYTES_MAX = 1024 ** 3;
const WATCH_MS = 50;
const PAGE_BYTES = 4_096;

/** The same file runs from source and from the built package. */
const PROCESS_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './sql-process.ts' : './sql-process.js',
  import.meta.url,
);

/** Runs one SELECT on the file at `path`. @throws ViewsError `sql_invalid`, `sql_stopped` */
export function runSql(path: string, query: string, options: SqlOptions): Promise<SqlAnswer> {
  const { timeoutMs = TIMEOUT_MS_DEFAULT, maxRows = MAX_ROWS_DEFAULT, signal } = options;
  return new Promise((resolve, reject) => {
    const child = fork(PROCESS_FILE, {
      execArgv: ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${HEAP_MIB}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let outcome: SqlResponse | Stopped | undefined;
    const stop = (why: Stopped): void => {
      outcome ??= why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop('too long'), timeoutMs);
    const watch = setInterval(() => {
      if (residentBytes(child.pid) > RESIDENT_BYTES_MAX) stop('too large');
    }, WATCH_MS);
    const abort = (): void => stop('aborted');
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    const stopWatching = (): void => {
      signal?.removeEventListener('abort', abort);
      clearTimeout(timer);
      clearInterval(watch);
    };
    child.on('message', (response: SqlResponse) => {
      outcome ??= response;
      child.kill('SIGKILL');
    });
    child.on('error', (cause) => {
      stopWatching();
      reject(new ViewsError('views_failed', 'the process for the query could not be started', { cause }));
    });
    child.on('exit', () => {
      stopWatching();
      if (typeof outcome === 'object') {
        if ('answer' in outcome) resolve(outcome.answer);
        else if ('damage' in outcome) reject(new DamagedFileError(outcome.damage));
        else reject(new ViewsError('sql_invalid', `the query cannot run: ${outcome.problem}`));
      } else reject(new ViewsError('sql_stopped', stoppedBecause(outcome, timeoutMs)));
    });
    child.send({ path, query, maxRows } satisfies SqlRequest);
  });
}

/** A process that ended by itself ran into the bound of its heap. */
function stoppedBecause(why: Stopped | undefined, timeoutMs: number): string {
  if (why === 'aborted') return 'the query was stopped, as was asked';
  const what = why === 'too long' ? `ran for more than ${timeoutMs} ms` : 'took more memory than it may';
  return `the query ${what} and was stopped; ask for less`;
}

/** What a process holds in memory; 0 where the system does not tell, and time alone is the bound. */
function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
