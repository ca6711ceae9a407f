/**
 * The read models of a node, as the rest of it holds them: questions go to the thread, answers come back.
 *
 * The thread starts with the first question or with `follow`, and does not keep the process alive. Every promise is
 * owned here: it is settled by an answer, or by the thread's end. A thread that died is started anew by the next
 * question, and takes up at its checkpoint.
 */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Hex32 } from '../events/bytes.ts';
import { ViewsError } from './errors.ts';
import { filePath } from './paths.ts';
import type {
  Ask,
  FromThread,
  QuestionKind,
  Questions,
  ThreadData,
  ToThread,
  ViewsNotice,
} from './protocol.ts';
import type {
  ClaimPage,
  ContextAnswer,
  ContextQuestion,
  EconomyAnswer,
  TaskAnswer,
  TaskQuestion,
  TreasuryAnswer,
  UnreadAnswer,
  ViewProgress,
  WhyAnswer,
} from './questions.ts';
import { Quiet } from './quiet.ts';
import { Slots } from './slots.ts';
import { DamagedFileError, runSql, type SqlAnswer, type SqlOptions } from './sql.ts';
import { Standings, type ViewsLag } from './standings.ts';
import type { Place } from './threads.ts';

export interface ViewsOptions extends ThreadData {
  /** Told what an operator should know: that a file was made again, and why. */
  readonly tell?: (notice: ViewsNotice) => void;
}

/** How long a question waits for the views to come up to the head of the log, unless it says so. */
const WAIT_MS_DEFAULT = 5_000;
/** Questions that wait for the thread. */
const QUESTIONS_MAX = 4_096;
/** Queries in SQL at once: each is a process, with memory of its own; and those that wait for one of them. */
const QUERIES_MAX = 2;
const QUERIES_WAITING_MAX = 64;
const PAGE_DEFAULT = 50;
const PAGE_MAX = 1_000;

/** How a question is asked. */
export interface Asking {
  /** How long it waits for the views to come up to the head of the log, milliseconds; 5,000 if not given. */
  readonly waitMs?: number;
  /** Takes the question back: it is rejected with `cancelled` at once, and nothing is done for it any more. */
  readonly signal?: AbortSignal;
}

export interface WhyBounds extends Asking {
  readonly nodesMax?: number;
}

interface Pending {
  readonly resolve: (answer: Questions[QuestionKind]['answer']) => void;
  readonly reject: (error: ViewsError) => void;
}

/** The same file runs from source and from the built package. */
const THREAD_FILE = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

export class Views {
  readonly #options: ViewsOptions;
  readonly #standings: Standings;
  readonly #pending = new Map<number, Pending>();
  /** Groups that have grown since the thread was last told, and whether it is still at what it was told. */
  readonly #grown = new Set<Hex32>();
  readonly #withTexts = new Set<Hex32>();
  #isCatchingUp = false;
  #isFollowing = false;
  readonly #quiet = new Quiet(() => this.follow([]));
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #lastId = 0;
  readonly #slots = new Slots(QUERIES_MAX, QUERIES_WAITING_MAX);
  /** Aborted by `close`, for processes that are at a query. */
  readonly #ended = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: ViewsOptions) {
    this.#options = options;
    this.#standings = new Standings((notice) => options.tell?.(notice));
  }

  // Following the log.

  /** Tails these groups in the background from where their views are, and whatever grows from now on. */
  follow(groupIds: Iterable<Hex32>): void {
    this.#isFollowing = true;
    for (const groupId of groupIds) this.#grown.add(groupId);
    this.#tellHeads();
  }

  /** A group has grown. Costs nothing while no thread runs; the thread is told once, until it has caught up. */
  grew({ groupId, height }: { readonly groupId: Hex32; readonly height: number }): void {
    this.#standings.grew(groupId, height);
    if (this.#worker === undefined && !this.#isFollowing) return;
    this.#grown.add(groupId);
    this.#tellHeads();
  }

  /** Whether the thread runs, for a question or to follow the log. */
  get isAwake(): boolean {
    return this.#worker !== undefined;
  }

  /** How far behind the groups are that the thread has had to do with. */
  lag(): Iterable<ViewsLag> {
    return this.#standings.lag();
  }

  /** Texts have come that the log of a group named before. */
  textsCame(groupId: Hex32): void {
    if (this.#worker === undefined && !this.#isFollowing) return;
    this.#withTexts.add(groupId);
    this.#tellHeads();
  }

  /**
   * A group has new claims. Where nobody has asked the thread for anything yet, it is started when there was a quiet
   * while: so vectors are made wherever a node is used, and are there when the first question comes.
   */
  claimsCame(groupId: Hex32): void {
    if (this.#worker !== undefined || this.#isFollowing || this.#options.embedder.kind === 'none') return;
    this.#grown.add(groupId);
    this.#quiet.news();
  }

  /**
   * Gives the thread time for what it has not got to yet, vectors above all: for a process that is about to end.
   * @param ms how long at most; it resolves when nothing is left, or when `signal` is aborted
   */
  async workOff(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#closing !== undefined) return;
    if (this.#grown.size > 0) this.follow([]);
    const isDone = (): boolean =>
      this.#worker === undefined || !(this.#isCatchingUp || this.#standings.isBehind);
    await this.#standings.until(isDone, ms, signal);
  }

  #tellHeads(): void {
    const isNews = this.#grown.size > 0 || this.#withTexts.size > 0;
    if (this.#closing !== undefined || !isNews || this.#isCatchingUp) return;
    const worker = this.#worker ?? (this.#isFollowing ? this.#start() : undefined);
    if (worker === undefined) return;
    this.#isCatchingUp = true;
    const groupIds = [...this.#grown];
    const withTexts = [...this.#withTexts];
    worker.postMessage({ type: 'heads', groupIds, withTexts } satisfies ToThread);
    this.#grown.clear();
    this.#withTexts.clear();
  }

  // Questions.

  /** A slice of the group's knowledge that answers a query, ready for a prompt. */
  compileContext(groupId: Hex32, question: ContextQuestion, asking?: Asking): Promise<ContextAnswer> {
    return this.#ask('context', groupId, question, asking);
  }

  /** The tasks of a group that fit words best: by id, title, description, tags, and the text of result or error. */
  searchTasks(groupId: Hex32, question: TaskQuestion, asking?: Asking): Promise<TaskAnswer> {
    return this.#ask('tasks', groupId, question, asking);
  }

  /**
   * Why a claim is in, out or retracted. Rejects with `not_found`.
   * @param bounds.nodesMax how many claims the tree may have; 500 if not given, which is also the most
   */
  why(groupId: Hex32, claim: Hex32, { nodesMax, ...asking }: WhyBounds = {}): Promise<WhyAnswer> {
    return this.#ask('why', groupId, { claim, ...(nodesMax === undefined ? {} : { nodesMax }) }, asking);
  }

  /**
   * A page of the thread that `claim` belongs to, as a reader sees it: each claim, then its replies.
   * @param page.after the `next` of the page before
   * @param page.limit up to 1,000; 50 if not given
   */
  thread(
    groupId: Hex32,
    claim: Hex32,
    page: { after?: Hex32; limit?: number } = {},
    asking?: Asking,
  ): Promise<ClaimPage> {
    return this.#ask('thread', groupId, { ...page, claim, limit: pageSize(page.limit) }, asking);
  }

  /** Claims after a place in the log, oldest first; all of them, page by page, if no place is given. */
  whatsNew(
    groupId: Hex32,
    page: { after?: Place; limit?: number } = {},
    asking?: Asking,
  ): Promise<ClaimPage> {
    return this.#ask('news', groupId, { ...page, limit: pageSize(page.limit) }, asking);
  }

  /**
   * How many claims of others an identity has not read.
   * @param readUpTo says that it has read everything up to and with this place, and keeps that
   */
  unread(groupId: Hex32, reader: Hex32, readUpTo?: Place, asking?: Asking): Promise<UnreadAnswer> {
    return this.#ask('unread', groupId, { reader, ...(readUpTo === undefined ? {} : { readUpTo }) }, asking);
  }

  /**
   * Where the money of a group is, how it came there, and what its offers have brought.
   * @param points how many points of its course at most; 100 if not given
   */
  economy(groupId: Hex32, points = 100, asking?: Asking): Promise<EconomyAnswer> {
    return this.#ask('economy', groupId, { points: pageSize(points) }, asking);
  }

  /**
   * What went into the treasury of a group, and what was paid out of it.
   * @param limit how many of the newest spends at most
   * @param upTo as of this height; now, if not given
   */
  treasury(groupId: Hex32, limit = 10, upTo?: number, asking?: Asking): Promise<TreasuryAnswer> {
    const question = { limit: pageSize(limit), ...(upTo === undefined ? {} : { upTo }) };
    return this.#ask('treasury', groupId, question, asking);
  }

  /** How far the views of a group are. */
  progress(groupId: Hex32, asking?: Asking): Promise<ViewProgress> {
    return this.#ask('progress', groupId, {}, asking);
  }

  /**
   * Compares all that is kept of a group with what its log makes of it. A file that differs is made again.
   * @returns what differed
   */
  async compare(groupId: Hex32): Promise<string | undefined> {
    // What was never made cannot differ, and a full disk has no room for it.
    if (!existsSync(filePath(this.#options.views, groupId))) return undefined;
    return (await this.#ask('compare', groupId, {}, { waitMs: Number.MAX_SAFE_INTEGER })).differs;
  }

  /**
   * Runs one SELECT over the documented views (`SQL_VIEWS`), in a process of its own that can only read.
   * @throws ViewsError `sql_invalid`, `sql_stopped` (as a rejection)
   */
  async sql(
    groupId: Hex32,
    query: string,
    options: SqlOptions = {},
  ): Promise<SqlAnswer & { progress: ViewProgress }> {
    const progress = await this.progress(groupId, given(options.signal));
    const ended = this.#ended.signal;
    const signal = options.signal === undefined ? ended : AbortSignal.any([options.signal, ended]);
    const path = filePath(this.#options.views, groupId);
    const run = (): Promise<SqlAnswer> => this.#slots.run(() => runSql(path, query, { ...options, signal }));
    try {
      return { ...(await run()), progress };
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      const again = await this.#ask('recover', groupId, { reason: error.message }, given(options.signal));
      return { ...(await run()), progress: again };
    }
  }

  #ask<K extends QuestionKind>(
    kind: K,
    groupId: Hex32,
    question: Questions[K]['question'],
    { waitMs = WAIT_MS_DEFAULT, signal }: Asking = {},
  ): Promise<Questions[K]['answer']> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    if (signal?.aborted) return Promise.reject(takenBackError());
    if (this.#pending.size >= QUESTIONS_MAX)
      return Promise.reject(
        new ViewsError('views_busy', `${QUESTIONS_MAX} questions wait already; ask again later`),
      );
    const worker = this.#worker ?? this.#start();
    const id = ++this.#lastId;
    const ask: Ask<K> = { id, kind, groupId, question, waitMs };
    const answer = new Promise<Questions[K]['answer']>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      worker.ref();
      worker.postMessage({ type: 'ask', ask: ask as Ask } satisfies ToThread);
    });
    if (signal === undefined) return answer;
    const takeBack = (): void => {
      this.#worker?.postMessage({ type: 'cancel', id } satisfies ToThread);
      this.#settle(id, ({ reject }) => reject(takenBackError()));
    };
    signal.addEventListener('abort', takeBack, { once: true });
    return answer.finally(() => signal.removeEventListener('abort', takeBack));
  }

  // The thread.

  #start(): Worker {
    const { chain, views, readMarks, durability, embedder } = this.#options;
    const workerData: ThreadData = { chain, views, readMarks, durability, embedder };
    const worker = new Worker(THREAD_FILE, { workerData, name: 'views', execArgv: [] });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (message: FromThread) => this.#told(message));
    let reason: unknown;
    worker.on('error', (error) => {
      reason = error;
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#abandon(reason);
        resolve();
      });
    });
    return worker;
  }

  #told(message: FromThread): void {
    switch (message.type) {
      case 'answer':
        this.#settle(message.id, ({ resolve }) => resolve(message.answer));
        break;
      case 'failed':
        this.#settle(message.id, ({ reject }) => reject(new ViewsError(message.code, message.message)));
        break;
      case 'caughtUp':
        this.#isCatchingUp = false;
        this.#tellHeads();
        this.#standings.look();
        break;
      case 'standing':
        this.#standings.stepped(message.standing);
        break;
      case 'notice':
        this.#options.tell?.(message.notice);
        break;
    }
  }

  #settle(id: number, use: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending !== undefined) use(pending);
    if (this.#pending.size === 0) this.#worker?.unref();
  }

  #abandon(reason: unknown): void {
    this.#worker = undefined;
    this.#isCatchingUp = false;
    this.#standings.look();
    const detail = reason instanceof Error ? reason.message : 'without a reason';
    const error =
      this.#closing === undefined
        ? new ViewsError('views_failed', `the thread of the views ended (${detail}); ask again`, {
            cause: reason,
          })
        : closedError();
    if (this.#closing === undefined) this.#options.tell?.({ kind: 'views.failed', reason: error.message });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /** Ends the thread after what it is at; questions that wait are rejected. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#ended.abort();
    this.#quiet.end();
    this.#worker?.ref();
    this.#worker?.postMessage({ type: 'close' } satisfies ToThread);
    await this.#exited;
  }
}

function pageSize(limit = PAGE_DEFAULT): number {
  return Math.max(1, Math.min(limit, PAGE_MAX));
}

function given(signal: AbortSignal | undefined): Asking {
  return signal === undefined ? {} : { signal };
}

function takenBackError(): ViewsError {
  return new ViewsError('cancelled', 'the question was taken back');
}

function closedError(): ViewsError {
  return new ViewsError('views_closed', 'the views are closed');
}
