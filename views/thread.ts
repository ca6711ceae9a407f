/**
 * The thread of the views: tails the log of every group that it was told of, and answers questions.
 *
 * It does one thing at a time: a question if there is one, else a slice of a log, else texts that came late, else
 * vectors to make ready, else one claim to embed. So a question waits for 40 ms of other work at most, nothing in it
 * needs a lock, and whatever an answer says is of one height. It rests while much is sealed, and on Linux it also
 * steps back behind the threads that seal and verify.
 */
import { setPriority } from 'node:os';
import { platform } from 'node:process';
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

/** A question that waits: for its group to come up to the head, and then perhaps for vectors. */
interface Waiting {
  readonly ask: Ask;
  readonly indexUntilMs: number;
  /** Set once the group is up to the head, or the time for that is over. */
  embedUntilMs?: number | undefined;
  /** Its file was made again for it: damage a second time is an answer. */
  isRecovered?: boolean;
  /** How far a comparison is. */
  comparison?: Comparison | undefined;
}

const asks: Waiting[] = [];
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
let isClosing = false;
let wake: () => void = () => {};

port.on('message', (message: ToThread) => {
  if (message.type === 'ask')
    asks.push({ ask: message.ask, indexUntilMs: performance.now() + message.ask.waitMs });
  else if (message.type === 'close') isClosing = true;
  else {
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
  return toEmbed.size > 0 ? REST_MS : undefined;
};

/** Waits for a message, or for a while; not at all where there is something to do. */
const rest = (ms: number | undefined): Promise<void> =>
  new Promise((resolve) => {
    const isLeft = pace.restMs === 0 && (grown.size > 0 || lateTexts.size > 0 || toWarm.size > 0);
    if (isClosing || asks.length > 0 || isLeft) {
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
  while (!isClosing) {
    const waiting = asks.shift();
    // One step, and then the next question: a group that has far to go stops no other.
    if (waiting !== undefined) await serve(waiting);
    else if (pace.restMs > 0 || !(await workAtPace())) await rest(restMs());
    await turn();
  }
  files.close();
  marks.close();
  await store.close();
  port.close();
}

/** A step of the background, whose time says how long the next one waits. */
async function workAtPace(): Promise<boolean> {
  const startMs = performance.now();
  const hasWorked = await workInBackground();
  if (hasWorked) pace.worked(performance.now() - startMs);
  return hasWorked;
}

/** One step of what nobody waits for; says whether there was one. */
async function workInBackground(): Promise<boolean> {
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
  if (meaning.isResting) return false;
  for (const groupId of toEmbed) {
    const file = files.get(groupId);
    pace.saw(groupId, file.reader.head()?.transactions ?? 0);
    if (await meaning.embedNext(file)) {
      toWarm.add(groupId);
      if (performance.now() - standingToldMs >= STANDING_MS) tellStanding(file);
      return true;
    }
    tellStanding(file);
    if (!meaning.isResting) toEmbed.delete(groupId);
  }
  return false;
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
    if (isDamage(error)) {
      recover(groupId, error);
      return;
    }
    // The log is damaged, or the disk is full: nothing to be done here before something changes.
    notify({ kind: 'views.failed', groupId, reason: (error as Error).message });
  }
}

function recover(groupId: Hex32, error: unknown): void {
  const file = files.get(groupId);
  file.rebuild(`it is damaged (${(error as Error).message})`);
  grown.add(groupId);
}

/** Takes a question one step on: it is answered, or goes to the end of the line. */
async function serve(waiting: Waiting): Promise<void> {
  const { ask } = waiting;
  const { id, groupId } = ask;
  try {
    if (isA('recover', ask) && waiting.isRecovered !== true) {
      waiting.isRecovered = true;
      recover(groupId, new Error(ask.question.reason));
    }
    const answer = (await prepare(waiting)) ? await answerOf(waiting) : undefined;
    if (answer === undefined) asks.push(waiting);
    else tell({ type: 'answer', id, answer });
  } catch (error) {
    if (isDamage(error) && waiting.isRecovered !== true) {
      recover(groupId, error);
      asks.push({ ...waiting, isRecovered: true, embedUntilMs: undefined });
      return;
    }
    const code = error instanceof ViewsError ? error.code : 'views_failed';
    tell({ type: 'failed', id, code, message: (error as Error).message });
  }
}

/** Brings the group of a question a slice on, or embeds a claim for it; says whether it can be answered. */
async function prepare(waiting: Waiting): Promise<boolean> {
  const { ask } = waiting;
  const { groupId } = ask;
  const file = files.get(groupId);
  if (waiting.embedUntilMs === undefined) {
    const isMore = indexSlice(file);
    tellStanding(file);
    if (isMore && performance.now() < waiting.indexUntilMs) return false;
    // What is left is for the background.
    grown.add(groupId);
    const embedMs = isA('context', ask) ? (ask.question.waitForMeaningMs ?? 0) : 0;
    waiting.embedUntilMs = performance.now() + embedMs;
  }
  if (performance.now() >= waiting.embedUntilMs) return true;
  return !(await meaning.embedNext(file));
}

/** The answer, or nothing where there is more to do for it. */
async function answerOf(waiting: Waiting): Promise<Questions[QuestionKind]['answer'] | undefined> {
  const { ask } = waiting;
  const file = files.get(ask.groupId);
  if (isA('compare', ask)) return compared(waiting, file);
  if (isA('context', ask)) return answerContext(file, meaning, ask.question);
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
