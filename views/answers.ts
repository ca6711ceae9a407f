/** Questions answered from a group's file, as it is at this moment. */
import { formatCursor } from '../events/bus.ts';
import type { Hex32 } from '../events/bytes.ts';
import { claimsAfter, maskOf, numberOf } from './claims.ts';
import { ViewsError } from './errors.ts';
import type { GroupFile } from './group-file.ts';
import type { Meaning } from './meaning/meaning.ts';
import { taskNumber } from './project/task-texts.ts';
import type { Questions } from './protocol.ts';
import type { ContextAnswer, ContextQuestion, ViewProgress } from './questions.ts';
import type { ReadMarks } from './read-marks.ts';
import { type QueryVector, retrieve } from './retrieve.ts';
import { composeSlice } from './slice.ts';
import { numberAt, rootOf, threadPage, unreadAfter } from './threads.ts';
import { explain } from './why.ts';

const TOP_K_MAX = 200;
const TASKS_DEFAULT = 1_000;
const TASKS_MAX = 10_000;
/** UTF-16 units of a query that are read: as long as the longest claim. */
const QUERY_LENGTH_MAX = 65_536;

/** The number of a claim. @throws ViewsError `not_found` */
function claimNumber(file: GroupFile, claim: Hex32): number {
  const n = numberOf(file.sqlite, claim);
  if (n === undefined)
    throw new ViewsError('not_found', `there is no claim ${claim} at height ${file.checkpoint.height}`);
  return n;
}

/** Up to where everything is worked off: a block may have turned more claims than were looked at by now. */
function settledHeight({ sqlite, checkpoint }: GroupFile): number {
  return sqlite.get<{ height: number }>('SELECT height FROM unsettled')?.height ?? checkpoint.height;
}

/** How far the read models of a group are. */
export function progressOf(file: GroupFile, meaning: Meaning): ViewProgress {
  const { claims } = file.sqlite.get<{ claims: number }>('SELECT coalesce(max(n), 0) AS claims FROM claim')!;
  const { model } = file;
  const { unavailable } = meaning;
  return {
    height: settledHeight(file),
    headHeight: file.reader.head()?.height ?? -1,
    claims,
    withText: file.words.size,
    embedded: file.embedded,
    ...(model === undefined ? {} : { model }),
    ...(unavailable === undefined ? {} : { meaningUnavailable: unavailable }),
  };
}

/** What of a query is read. */
export function queryOf({ query }: ContextQuestion): string {
  return query.slice(0, QUERY_LENGTH_MAX).toWellFormed();
}

/** @param vector what the model makes of the query, if it was asked */
export function answerContext(
  file: GroupFile,
  meaning: Meaning,
  question: ContextQuestion,
  vector: QueryVector,
): ContextAnswer {
  const { rankBy = 'both', topK } = question;
  const query = queryOf(question);
  if (question.thread !== undefined) claimNumber(file, question.thread);
  if (vector !== undefined) meaning.prepare(file);
  const mask = maskOf(file.sqlite, question);
  const { found, rankedBy } = retrieve(file, { query, vector, mask, rankBy });
  const bounded = { ...question, query, ...(topK === undefined ? {} : { topK: Math.min(topK, TOP_K_MAX) }) };
  const { slice, claims, tokens } = composeSlice(file.sqlite, found, bounded);
  const claimIds = claims.map(({ claim }) => claim);
  return { slice, claims, claimIds, rankedBy, tokens, progress: progressOf(file, meaning) };
}

/** Tasks by words: what a task was made with and what came of it add up. */
export function answerTasks(
  file: GroupFile,
  meaning: Meaning,
  { query, limit = TASKS_DEFAULT }: Questions['tasks']['question'],
): Questions['tasks']['answer'] {
  const text = query.slice(0, QUERY_LENGTH_MAX).toWellFormed();
  const { found } = file.taskWords.search(text, 2 * TASKS_MAX, undefined);
  const scores = new Map<number, number>();
  for (const { n, score } of found) scores.set(taskNumber(n), (scores.get(taskNumber(n)) ?? 0) + score);
  const ranked = [...scores].sort(([a, m], [b, n]) => n - m || a - b).slice(0, Math.min(limit, TASKS_MAX));
  const tasks = ranked.map(([n, score]) => ({ task: taskIdOf(file, n), score }));
  return { tasks, progress: progressOf(file, meaning) };
}

function taskIdOf({ sqlite }: GroupFile, n: number): string {
  return sqlite.get<{ task: string }>('SELECT task FROM task WHERE n = ?', n)!.task;
}

export function answerWhy(
  file: GroupFile,
  meaning: Meaning,
  { claim, nodesMax }: Questions['why']['question'],
): Questions['why']['answer'] {
  return {
    why: explain(file.sqlite, claimNumber(file, claim), nodesMax),
    progress: progressOf(file, meaning),
  };
}

export function answerThread(
  file: GroupFile,
  meaning: Meaning,
  { claim, after, limit }: Questions['thread']['question'],
): Questions['thread']['answer'] {
  const n = claimNumber(file, claim);
  const from = after === undefined ? undefined : claimNumber(file, after);
  if (from !== undefined && rootOf(file.sqlite, from) !== rootOf(file.sqlite, n))
    throw new ViewsError('not_found', `the claim ${after} is not in this thread`);
  const { claims, next } = threadPage(file.sqlite, n, { after: from, limit });
  return { claims, ...(next === undefined ? {} : { next }), progress: progressOf(file, meaning) };
}

/** Claims since a cursor. The `next` of the last page is where to ask again when there is more to come. */
export function answerNews(
  file: GroupFile,
  meaning: Meaning,
  { after, limit }: Questions['news']['question'],
): Questions['news']['answer'] {
  const from = after === undefined ? 0 : numberAt(file.sqlite, after);
  const claims = claimsAfter(file.sqlite, from, limit);
  const last = claims.at(-1) ?? after;
  const { groupId } = file.reader;
  const next = last && formatCursor({ groupId, height: last.height, index: last.index });
  return { claims, ...(next === undefined ? {} : { next }), progress: progressOf(file, meaning) };
}

export function answerUnread(
  file: GroupFile,
  meaning: Meaning,
  marks: ReadMarks,
  { reader, readUpTo }: Questions['unread']['question'],
): Questions['unread']['answer'] {
  const { groupId } = file.reader;
  if (readUpTo !== undefined) marks.set(groupId, reader, readUpTo);
  const mark = marks.get(groupId, reader);
  const counts = unreadAfter(file.sqlite, reader, mark === undefined ? 0 : numberAt(file.sqlite, mark));
  const cursor = mark && formatCursor({ groupId, ...mark });
  return {
    ...counts,
    ...(cursor === undefined ? {} : { readUpTo: cursor }),
    progress: progressOf(file, meaning),
  };
}
