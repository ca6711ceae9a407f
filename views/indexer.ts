/**
 * Tailing the log: blocks into the read models, in slices that are short enough for questions to be answered between
 * them and long enough for SQLite to be worth its transaction. A block that takes longer than a slice keeps its
 * transaction open over several: questions about other groups come in between, those about its own wait for its end.
 */
import { happeningsOf, readBlockContent } from './block-content.ts';
import type { Change, Checkpoint, GroupFile } from './group-file.ts';
import { type Embedder, embeddedPart } from './meaning/embedder.ts';
import { quantise } from './meaning/vector-index.ts';
import { projectEconomy } from './project/economy.ts';
import { projectHistory } from './project/history.ts';
import { projectKnowledge } from './project/knowledge.ts';
import { isResultMissing, takeInResults } from './project/task-texts.ts';
import { isTextMissing, takeInTexts } from './project/texts.ts';
import { isSettled, settle } from './project/truth.ts';
import { projectWork } from './project/work.ts';
import { assertText, type StoredText } from './stored-text.ts';

/** A slice ends after this long, in the middle of a block if need be. */
const SLICE_MS = 40;
/** Texts that are taken in between two looks at the time: some milliseconds. */
const TEXTS_AT_ONCE = 32;
/** Texts that are looked for again in one go: of claims whose artifact was not here when they came. */
const LATE_TEXTS = 256;
/** Where the results of tasks follow the claims, of which there are fewer. */
const RESULTS_FROM = 2 ** 40;

/**
 * Takes in blocks up to the head of the log, at most one slice of them. Where a group began at a checkpoint, the
 * history behind it comes later, and so do the views.
 * @returns whether there are more
 */
export function indexSlice(file: GroupFile): boolean {
  const { reader } = file;
  const head = reader.head()?.height ?? -1;
  const from = file.checkpoint.height + 1;
  if (file.isChanging) return file.step();
  if (!isSettled(file.sqlite)) {
    settleMore(file);
    return true;
  }
  if (from > head) return false;
  if (from > 0 && reader.blockId(from - 1) !== file.checkpoint.blockId) {
    file.rebuild('the log is not the one that they were made from');
    return true;
  }
  file.begin(takeInBlocks(file, from, head));
  return file.step();
}

/** Blocks up to the head of the log, or until a slice is over. A block that takes longer has several. */
function* takeInBlocks(file: GroupFile, from: number, head: number): Change {
  const { reader, sqlite } = file;
  let deadline = performance.now() + SLICE_MS;
  const isOver = (): boolean => performance.now() > deadline;
  let hasPaused = false;
  function* pause(): Generator<undefined, void> {
    yield;
    hasPaused = true;
    deadline = performance.now() + SLICE_MS;
  }
  let to = from;
  let isAtGap = false;
  let reached: Checkpoint | undefined;
  for (const stored of reader.blocks(from, head + 1)) {
    isAtGap = stored.height !== to || reader.effects(to) === undefined;
    if (isAtGap) break;
    const block = readBlockContent(reader, stored);
    projectHistory(sqlite, block);
    for (const happening of happeningsOf(block)) {
      projectWork(file, happening);
      projectKnowledge(sqlite, happening);
      projectEconomy(sqlite, happening);
      if (isOver()) yield* pause();
    }
    to++;
    reached = { height: stored.height, blockId: block.blockId, tsMs: block.header.tsMs };
    if (hasPaused || isOver()) break;
  }
  const { height } = file.checkpoint;
  const first = sqlite.get<{ n: number | null }>('SELECT min(n) AS n FROM claim WHERE height > ?', height);
  let after = first?.n == null ? undefined : first.n - 1;
  while (after !== undefined) {
    after = takeInTexts(sqlite, file.words, reader, { after, limit: TEXTS_AT_ONCE });
    if (after !== undefined && isOver()) yield* pause();
  }
  // What the blocks turned is worked off once for all of them; what is left of it in the next slices.
  const isSettledNow = settle(sqlite, isOver);
  if (!isSettledNow) sqlite.run('INSERT INTO unsettled VALUES (1, ?)', height);
  return { reached, isMore: (to <= head && !isAtGap) || !isSettledNow };
}

/** Works off what earlier slices left of the truth of claims. */
function settleMore(file: GroupFile): void {
  file.write(() => {
    const deadline = performance.now() + SLICE_MS;
    if (settle(file.sqlite, () => performance.now() > deadline)) file.sqlite.run('DELETE FROM unsettled');
    return undefined;
  });
}

/**
 * Looks again for texts that were missing, at most a few hundred claims after `after`, and then results
 * of tasks.
 * @returns where to go on the next time
 */
export function takeInLateTexts(file: GroupFile, after: number): number {
  const { sqlite, words, taskWords, reader } = file;
  const limit = LATE_TEXTS;
  let last: number | undefined;
  const take = (work: () => number | undefined): void =>
    file.write(() => {
      last = work();
      return undefined;
    });
  // Nothing to look for is nothing to write: the sum of the file still counts.
  if (after < RESULTS_FROM) {
    if (isTextMissing(sqlite, after)) take(() => takeInTexts(sqlite, words, reader, { after, limit }));
    return last ?? (isResultMissing(sqlite) ? RESULTS_FROM : 0);
  }
  take(() => takeInResults(sqlite, taskWords, reader, { after: after - RESULTS_FROM, limit }));
  return last === undefined ? 0 : RESULTS_FROM + last;
}

/**
 * Embeds the next claim that has no vector yet.
 * @returns whether there was one
 * @throws EmbedderError
 */
export async function embedNext(file: GroupFile, embedder: Embedder, signal?: AbortSignal): Promise<boolean> {
  const next = file.sqlite.get<StoredText & { text: string }>(
    `SELECT claim.n, text, sum FROM claim JOIN claim_text USING (n)
      WHERE embedded = 0 AND terms IS NOT NULL ORDER BY claim.n LIMIT 1`,
  );
  if (next === undefined) return false;
  assertText(next);
  const { sqlite } = file;
  const part = embeddedPart(next.text);
  const isRead = part !== '' && (embedder.reads?.(part) ?? true);
  const vector = isRead ? quantise(await embedder.embed(part, signal)) : undefined;
  // The file may have been closed meanwhile, or made again: then this is somebody else's number.
  if (!file.isOpen || sqlite !== file.sqlite) return true;
  file.write(() => {
    file.setEmbedded(next.n, vector);
    return undefined;
  });
  return true;
}
