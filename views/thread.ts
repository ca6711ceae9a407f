/**
 * The thread of the views: tails the log of every group that it was told of, and answers questions.
 *
 * It does one thing at a time: a question if there is one, else a slice of a log, else texts that came late, else
 * vectors to make ready, else one claim to embed. So a question waits for 40 ms of other work at most, nothing in it
 * needs a lock, and whatever an answer says is of one height. It rests while much is sealed, and on Linux it also
 * steps back behind the threads that seal and verify.
 *
 * A model may be elsewhere and take its time: a question that needs it stands aside until it has what it waits for, its
 * time is over, or whoever asked is gone.
 */
import { setPriority } from 'node:os';
import process, { platform } from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import type { Hex32 } from '../events/bytes.ts';
import { openStoreReader } from '../storage/store.ts';
import {
  answerContext,
  answerNews,
  answerTasks,
  answerThread,
  answerUnread,
  answerWhy,
  progressOf,
  queryOf,
} from './answers.ts';
import { Comparison } from './comparison.ts';
import { answerEconomy, answerTreasury } from './economy.ts';
import { ViewsError } from './errors.ts';
import { Files } from './files.ts';
import type { GroupFile } from './group-file.ts';
import { indexSlice, takeInLateTexts } from './indexer.ts';
import { Meaning } from './meaning/meaning.ts';
import { Pace } from './pace.ts';
import type {
  Ask,
  FromThread,
  QuestionKind,
  Questions,
  ThreadData,
  ToThread,
  ViewsNotice,
} from './protocol.ts';
import { ReadMarks } from './read-marks.ts';
import { isDamage } from './sqlite.ts';
import { type Waiting, within } from './waiting.ts';

/**
 * Its weight against a thread of usual priority is one to nine: enough to come forward on busy cores, too little to
 * be felt there. On other systems the call would change the whole process.
 */
const NICENESS = 10;
/** How long to rest where all that is left has to wait: for a model, or for texts that are not here. */
const REST_MS = 250;
/** How long vectors are made ready in one go. */
const WARM_MS = 40;
/** How often to say how far embedding is. */
const STANDING_MS = 1_000;

const port = parentPort!;
const data = workerData as ThreadData;
const tell = (message: FromThread): void => port.postMessage(message);
const notify = (notice: ViewsNotice): void => tell({ type: 'notice', notice });

if (platform === 'linux')
  try {
    setPriority(0, NICENESS);
  } catch {
    // Not allowed here: then it runs like any other thread.
  }

const store = openStoreReader(data.chain, { durability: data.durability });
const files = new Files(store, data.views, notify);
const marks = new ReadMarks(data.readMarks);
const meaning = new Meaning(data.embedder);
const pace = new Pace();

const asks: Waiting[] = [];
/** Those, and the ones that stand aside. */
const open = new Map<number, Waiting>();
/** The claim that is being embedded: one at a time. */
let embedding: Promise<void> | undefined;
const closing = new AbortController();
/** Groups whose log may have grown, and those that may have something to embed. */
const grown = new Set<Hex32>();
const toEmbed = new Set<Hex32>();
/** Groups whose vectors may have to be made ready for a search. */
const toWarm = new Set<Hex32>();
/** Where the look for texts that came late goes on, by group; and the groups that were looked through before. */
const lateTexts = new Map<Hex32, number>();
const lookedThrough = new Set<Hex32>();
let owesCaughtUp = false;
let standingToldMs = Number.NEGATIVE_INFINITY;
let wake: () => void = () => {};

port.on('message', (message: ToThread) => {
  if (message.type === 'ask') {
    const { ask } = message;
    const indexUntilMs = performance.now() + ask.waitMs;
    const waiting = { ask, indexUntilMs, gone: new AbortController() };
    open.set(ask.id, waiting);
    asks.push(waiting);
  } else if (message.type === 'cancel') {
    open.get(message.id)?.gone.abort();
    open.delete(message.id);
  } else if (message.type === 'close') {
    closing.abort();
    for (const { gone } of open.values()) gone.abort();
  } else {
    owesCaughtUp = true;
    for (const groupId of message.groupIds) grown.add(groupId);
    for (const groupId of message.withTexts) lateTexts.set(groupId, 0);
  }
  wake();
});

/** Comes back after messages were taken in. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How long until there may be something to do without a message; undefined where there is nothing left. */
const restMs = (): number | undefined => {
  if (pace.restMs > 0) return pace.restMs;
  return toEmbed.size > 0 && embedding === undefined ? REST_MS : undefined;
};

/** Waits for a message, or for a while; not at all where there is something to do. */
const rest = (ms: number | undefined): Promise<void> =>
  new Promise((resolve) => {
    const isLeft = pace.restMs === 0 && (grown.size > 0 || lateTexts.size > 0 || toWarm.size > 0);
    if (closing.signal.aborted || asks.length > 0 || isLeft) {
      resolve();
      return;
    }
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });

async function run(): Promise<void> {
  while (!closing.signal.aborted) {
    const waiting = asks.shift();
    // One step, and then the next question: a group that has far to go stops no other.
    if (waiting !== undefined) serve(waiting);
    else if (pace.restMs > 0 || !workAtPace()) await rest(restMs());
    await turn();
  }
  files.close();
  marks.close();
  await store.close();
  // A model that is being loaded is not waited for.
  process.exit();
}

/** A step of the background, whose time says how long the next one waits. */
function workAtPace(): boolean {
  const startMs = performance.now();
  const hasWorked = workInBackground();
  if (hasWorked) pace.worked(performance.now() - startMs);
  return hasWorked;
}

/** One step of what nobody waits for; says whether there was one. */
function workInBackground(): boolean {
  for (const groupId of grown) {
    // To the end of the line, so that all groups come on, however far one has to go.
    grown.delete(groupId);
    guarded(groupId, (file) => {
      const isMore = indexSlice(file);
      tellStanding(file);
      if (isMore) {
        grown.add(groupId);
        return;
      }
      toEmbed.add(groupId);
      if (data.embedder.kind !== 'none') toWarm.add(groupId);
      // They may have come while nobody was looking.
      if (!lookedThrough.has(groupId)) lateTexts.set(groupId, 0);
      lookedThrough.add(groupId);
    });
    return true;
  }
  for (const [groupId, after] of lateTexts) {
    lateTexts.delete(groupId);
    guarded(groupId, (file) => {
      const next = takeInLateTexts(file, after);
      if (next > 0) lateTexts.set(groupId, next);
      toEmbed.add(groupId);
    });
    return true;
  }
  for (const groupId of toWarm) {
    toWarm.delete(groupId);
    guarded(groupId, (file) => {
      if (!file.vectors.warm(WARM_MS)) toWarm.add(groupId);
    });
    return true;
  }
  if (owesCaughtUp) {
    owesCaughtUp = false;
    tell({ type: 'caughtUp' });
    return true;
  }
  if (meaning.isResting || embedding !== undefined) return false;
  for (const groupId of toEmbed) {
    void embedOne(groupId);
    return true;
  }
  return false;
}

/** Embeds the next claim of a group, or waits for the one that is being embedded. */
function embedOne(groupId: Hex32): Promise<void> {
  embedding ??= embedNextOf(groupId).finally(() => {
    embedding = undefined;
    wake();
  });
  return embedding;
}

async function embedNextOf(groupId: Hex32): Promise<void> {
  const startMs = performance.now();
  try {
    const file = files.get(groupId);
    pace.saw(groupId, file.reader.head()?.transactions ?? 0);
    const hasEmbedded = await meaning.embedNext(file, closing.signal);
    if (!file.isOpen) return;
    if (hasEmbedded) {
      toWarm.add(groupId);
      pace.worked(performance.now() - startMs);
    } else if (!meaning.isResting) toEmbed.delete(groupId);
    if (!hasEmbedded || performance.now() - standingToldMs >= STANDING_MS) tellStanding(file);
  } catch (error) {
    toEmbed.delete(groupId);
    tellFailed(groupId, error);
  }
}

/** Says how far a group is. */
function tellStanding(file: GroupFile): void {
  standingToldMs = performance.now();
  const { height } = file.checkpoint;
  const { groupId } = file.reader;
  const { height: headHeight = -1, transactions = 0 } = file.reader.head() ?? {};
  pace.saw(groupId, transactions);
  const toEmbed = data.embedder.kind === 'none' ? 0 : file.words.size - file.embedded;
  tell({ type: 'standing', standing: { groupId, height, headHeight, toEmbed } });
}

/** Runs `use` on a group's file. A file that turns out to be damaged is made again; what else fails is told. */
function guarded(groupId: Hex32, use: (file: GroupFile) => void): void {
  try {
    use(files.get(groupId));
  } catch (error) {
    tellFailed(groupId, error);
  }
}

function tellFailed(groupId: Hex32, error: unknown): void {
  if (isDamage(error)) recover(groupId, error);
  // The log is damaged, or the disk is full: nothing to be done here before something changes.
  else notify({ kind: 'views.failed', groupId, reason: (error as Error).message });
}

function recover(groupId: Hex32, error: unknown): void {
  const file = files.get(groupId);
  file.rebuild(`it is damaged (${(error as Error).message})`);
  grown.add(groupId);
}

/** Takes a question one step on: it is answered, goes to the end of the line, or stands aside. */
function serve(waiting: Waiting): void {
  const { ask, gone } = waiting;
  const { id, groupId } = ask;
  if (gone.signal.aborted) {
    waiting.comparison?.end();
    return void grown.add(groupId); // What it has begun is ended by the background.
  }
  try {
    if (isA('recover', ask) && waiting.isRecovered !== true) {
      waiting.isRecovered = true;
      recover(groupId, new Error(ask.question.reason));
    }
    const lacks = prepare(waiting);
    if (lacks instanceof Promise) {
      void standAside(waiting, lacks);
      return;
    }
    const answer = lacks ? undefined : answerOf(waiting);
    if (answer === undefined) asks.push(waiting);
    else {
      open.delete(id);
      tell({ type: 'answer', id, answer });
    }
  } catch (error) {
    failed(waiting, error);
  }
}

/** Until a question has what it waits for; what it fails with, the question fails with. */
async function standAside(waiting: Waiting, lacks: Promise<unknown>): Promise<void> {
  try {
    await lacks;
    asks.push(waiting);
    wake();
  } catch (error) {
    failed(waiting, error);
  }
}

function failed(waiting: Waiting, error: unknown): void {
  const { id, groupId } = waiting.ask;
  if (waiting.gone.signal.aborted) return;
  if (isDamage(error) && waiting.isRecovered !== true) {
    recover(groupId, error);
    asks.push({ ...waiting, isRecovered: true, embedUntilMs: undefined });
    return;
  }
  open.delete(id);
  const code = error instanceof ViewsError ? error.code : 'views_failed';
  tell({ type: 'failed', id, code, message: (error as Error).message });
}

/**
 * Brings the group of a question a slice on, has its query read by the model, or has a claim embedded for it.
 * @returns whether it needs another step, or what it waits for
 */
function prepare(waiting: Waiting): boolean | Promise<unknown> {
  const { ask, gone } = waiting;
  const file = files.get(ask.groupId);
  const nowMs = performance.now();
  if (waiting.embedUntilMs === undefined || file.isChanging) {
    const isMore = indexSlice(file);
    tellStanding(file);
    if (isMore && (nowMs < waiting.indexUntilMs || file.isChanging)) return true; // Half a block is no answer.
    // What is left is for the background.
    grown.add(ask.groupId);
    const embedMs = isA('context', ask) ? (ask.question.waitForMeaningMs ?? 0) : 0;
    waiting.embedUntilMs ??= nowMs + embedMs;
  }
  // Words wait for no vectors, nor does what asks for the latest.
  if (!isA('context', ask) || ask.question.rankBy === 'words') return false;
  const query = queryOf(ask.question);
  if (query.trim() === '') return false;
  if (waiting.asked === undefined)
    return meaning.vectorOf(query, gone.signal).then((vector) => {
      waiting.asked = { vector };
    });
  // A query that the model does not read is answered by words.
  const canGain = waiting.asked.vector !== undefined && file.embedded < file.words.size && !meaning.isResting;
  const leftMs = waiting.embedUntilMs - nowMs;
  if (!canGain || leftMs <= 0) return false;
  return within(leftMs, gone.signal, embedOne(ask.groupId));
}

/** The answer, or nothing where there is more to do for it. */
function answerOf(waiting: Waiting): Questions[QuestionKind]['answer'] | undefined {
  const { ask } = waiting;
  const file = files.get(ask.groupId);
  if (isA('compare', ask)) return compared(waiting, file);
  if (isA('context', ask)) return answerContext(file, meaning, ask.question, waiting.asked?.vector);
  if (isA('tasks', ask)) return answerTasks(file, meaning, ask.question);
  if (isA('why', ask)) return answerWhy(file, meaning, ask.question);
  if (isA('thread', ask)) return answerThread(file, meaning, ask.question);
  if (isA('news', ask)) return answerNews(file, meaning, ask.question);
  if (isA('economy', ask)) return answerEconomy(file, meaning, ask.question);
  if (isA('treasury', ask)) return answerTreasury(file, meaning, ask.question);
  if (isA('unread', ask)) return answerUnread(file, meaning, marks, ask.question);
  return progressOf(file, meaning);
}

/** A step of a comparison. What differs is damage, whoever it came from. */
function compared(waiting: Waiting, file: GroupFile): Questions['compare']['answer'] | undefined {
  if (waiting.comparison?.isOf(file) === false) {
    waiting.comparison.end();
    waiting.comparison = undefined;
  }
  waiting.comparison ??= new Comparison(file);
  let result: ReturnType<Comparison['step']> = { differs: undefined };
  try {
    result = waiting.comparison.step();
    if (result === 'more') return undefined;
  } finally {
    if (result !== 'more') {
      waiting.comparison.end();
      waiting.comparison = undefined;
    }
  }
  const { differs } = result;
  if (differs === undefined) return {};
  recover(file.reader.groupId, new Error(differs));
  return { differs };
}

function isA<K extends QuestionKind>(kind: K, ask: Ask): ask is Ask<K> {
  return ask.kind === kind;
}

await run();
