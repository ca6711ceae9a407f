/** `compile-context`, `why`, `whats-new`, `unread`: finding what a group knows, and what of it is new. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { parseCursor } from '../../../events/bus.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { ShownClaim, ViewProgress, WhyNode } from '../../../views/questions.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { parseCount, parseList, parseSpan, parseTime, parseWord } from '../parse.ts';
import { claimId, memberKey, subjectOf, subjectOption } from '../resolve.ts';
import { printText } from '../table.ts';
import { cleanLine, formatTime, shorten } from '../text.ts';
import { ownIdentity } from '../verb-run.ts';
import { MISSING_TEXT } from './knowledge.ts';

const heading = 'Knowledge';
const STATUSES = ['in', 'out', 'retracted'] as const;
const RANKINGS = ['both', 'words', 'meaning'] as const;
/** How long a verb waits for the index to come up to the log: it ends with the verb, so it may take a while. */
const CATCH_UP_MS = 600_000;
/** A tree that goes deeper stays at this margin. */
const MARGINS_MAX = 12;

interface ContextOptions {
  readonly query?: string;
  readonly topK: string;
  readonly maxTokens: string;
  readonly since?: string;
  readonly until?: string;
  readonly tags?: string;
  readonly author?: string;
  readonly thread?: string;
  readonly status?: string;
  readonly rankBy: string;
  readonly wait: string;
}

export function registerContext(program: Command, context: CliContext): void {
  registerCompileContext(program, context);
  verb<{ claim?: string }>(
    program,
    context,
    {
      usage: 'why',
      summary: 'Explain why a claim is in, out or retracted.',
      heading,
      example: 'lb why CLAIM',
      inGroup: true,
    },
    (command) => subjectOption(command, 'claim', 'the claim'),
    why,
  );
  verb<{ after?: string; limit: string }>(
    program,
    context,
    {
      usage: 'whats-new',
      summary: 'List claims after a place in the log, oldest first.',
      heading,
      example: 'lb whats-new --limit 20\nlb whats-new --after CURSOR',
      details: 'Ends with the cursor to go on from the next time.',
      inGroup: true,
    },
    (command) =>
      command
        .option(
          '--after <cursor>',
          'a cursor that this verb or the event stream gave (default: the beginning)',
        )
        .option('--limit <count>', 'how many at most', '50'),
    whatsNew,
  );
  verb<{ of?: string; readUpTo?: string }>(
    program,
    context,
    {
      usage: 'unread',
      summary: 'Count the claims of others that an identity has not read.',
      heading,
      example: 'lb unread --of bob --read-up-to head',
      inGroup: true,
    },
    (command) =>
      command
        .option('--of <identity>', "whose (default: the node's own)")
        .option(
          '--read-up-to <cursor>',
          'note that everything up to this cursor, or up to "head", has been read',
        ),
    unread,
  );
}

function registerCompileContext(program: Command, context: CliContext): void {
  verb<ContextOptions>(
    program,
    context,
    {
      usage: 'compile-context',
      summary: 'Find the claims that answer a query, as text for a prompt.',
      heading,
      example: 'lb compile-context --query "how do we validate input?" --top-k 8 --tags security',
      details:
        'Ranks by words and by meaning. The same log, model and query give the same text on every node. The setting embedder names another model than the built-in one.',
      inGroup: true,
    },
    (command) =>
      command
        .argument('[query]', 'what to look for; nothing in it is syntax')
        .option('--query <text>', 'the same as a flag; empty: the latest claims')
        .option('--top-k <count>', 'how many claims at most', '8')
        .option('--max-tokens <count>', 'how long the text may be, in estimated tokens', '2000')
        .option('--since <when>', 'only claims at or after a time, or a span before now')
        .option('--until <when>', 'only claims before it')
        .option('--tags <a,b>', 'only claims with all of these tags')
        .option('--author <member>', 'only claims of this member')
        .option('--thread <claim>', 'only claims of the thread of this claim')
        .option('--status <status>', `only claims that are ${STATUSES.join(', ')}`)
        .option('--rank-by <what>', RANKINGS.join(', '), 'both')
        .option('--wait <span>', 'how long to wait for claims that meaning does not know yet', '10s'),
    compileContext,
  );
}

async function compileContext(run: Run<ContextOptions>): Promise<void> {
  const { options } = run;
  const query = subjectOf('query', options.query, run.args[0]);
  const node = await run.node();
  const group = await run.group();
  const view = group.now;
  const nowMs = Date.now();
  const time = (text: string | undefined, flag: string): number | undefined =>
    text === undefined ? undefined : parseTime(text, flag, nowMs, 'ago');
  const sinceMs = time(options.since, '--since');
  const untilMs = time(options.until, '--until');
  const { author, thread, status } = options;
  const question = {
    query,
    topK: parseCount(options.topK, '--top-k', 1, 200),
    maxTokens: parseCount(options.maxTokens, '--max-tokens', 64),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(options.tags === undefined ? {} : { tags: parseList(options.tags) }),
    ...(author === undefined ? {} : { author: memberKey(node, view, author) }),
    ...(thread === undefined ? {} : { thread: claimId(view, thread) }),
    ...(status === undefined ? {} : { status: parseWord(status, '--status', STATUSES) }),
    rankBy: parseWord(options.rankBy, '--rank-by', RANKINGS),
    waitForMeaningMs: parseSpan(options.wait, '--wait'),
  };
  await catchUp(run, group.groupId);
  const answer = await node.views.compileContext(group.groupId, question, {
    waitMs: CATCH_UP_MS,
    signal: run.signal,
  });
  run.print(answer, () => {
    if (run.out.isTerminal) printText(run.out, answer.slice.trimEnd(), '');
    else run.out.write(answer.slice);
  });
  const { progress } = answer;
  noteLag(run, progress);
  if (options.rankBy === 'words' || answer.rankedBy === 'recent') return;
  if (progress.meaningUnavailable !== undefined)
    run.hint(`note: ranked by words alone, since ${progress.meaningUnavailable}`);
  else if (answer.rankedBy === 'words')
    run.hint('note: ranked by words alone, since the model was not made for this language');
  else if (progress.embedded < progress.withText)
    run.hint(
      `note: meaning knows ${progress.embedded} of ${progress.withText} claims yet; --wait gives it more time`,
    );
}

/** Waits until the views are at the head of the log, and shows how far they are. */
export async function catchUp(run: Run, groupId: Hex32): Promise<void> {
  const { views, bus } = await run.node();
  const notices = bus.moment$.subscribe((event) => {
    if (event.kind === 'views.rebuilt' && event.groupId === groupId)
      run.warn(`the index of the group is made again from the log: ${event.reason}`);
  });
  run.onEnd(() => notices.unsubscribe());
  const progress = run.progress('indexing block');
  try {
    const deadline = performance.now() + CATCH_UP_MS;
    let last = -2;
    while (performance.now() < deadline && !run.signal.aborted) {
      const { height, headHeight } = await views.progress(groupId, { waitMs: 200, signal: run.signal });
      // No step forward means that something stands in the way, which the answer will tell.
      if (height >= headHeight || height === last) break;
      last = height;
      progress.update(height + 1, headHeight + 1);
    }
  } finally {
    progress.end();
  }
}

export function noteLag(run: Run, { height, headHeight }: ViewProgress): void {
  if (height < headHeight) run.hint(`note: this is of height ${height}; the log is at ${headHeight}`);
}

async function why(run: Run<{ claim?: string }>): Promise<void> {
  const node = await run.node();
  const group = await run.group();
  const claim = claimId(group.now, subjectOf('claim', run.options.claim, run.args[0]));
  await catchUp(run, group.groupId);
  const answer = await node.views.why(group.groupId, claim, run);
  const name = await run.namer(group.now);
  run.print(answer, () => printWhy(run, answer.why, name));
  noteLag(run, answer.progress);
}

/** The tree, a claim after the other. On a stack of its own: evidence can go back further than a call stack. */
function printWhy(run: Run, root: WhyNode, name: (key: Hex32) => string): void {
  const waiting = [{ node: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, depth } = next;
    const margin = '  '.repeat(Math.min(depth, MARGINS_MAX));
    const text = shorten(cleanLine(node.text ?? MISSING_TEXT), 100);
    run.out.line(`${margin}${run.out.style('bold', run.id(node.claim))}`);
    printText(run.out, reasonOf(node, name), `${margin}  `);
    printText(run.out, `${name(node.author)}: ${text}`, `${margin}  `);
    for (const child of [...node.restsOn].reverse()) waiting.push({ node: child, depth: depth + 1 });
  }
}

function reasonOf({ status, retraction, restsOn, leftOut }: WhyNode, name: (key: Hex32) => string): string {
  if (retraction !== undefined) {
    const reason = retraction.reason === undefined ? '' : `: ${cleanLine(retraction.reason)}`;
    return `retracted by ${name(retraction.by)} on ${formatTime(retraction.tsMs).slice(0, 16)}${reason}`;
  }
  if (leftOut !== undefined) return `${status} (${leftOut === 'too large' ? 'rests on more' : leftOut})`;
  if (restsOn.length === 0) return `${status} (rests on no claim)`;
  const standing = restsOn.filter((node) => node.status === 'in').length;
  return `${status} (${standing} of ${restsOn.length} that it rests on ${standing === 1 ? 'is' : 'are'} in)`;
}

async function whatsNew(run: Run<{ after?: string; limit: string }>): Promise<void> {
  const limit = parseCount(run.options.limit, '--limit', 1, 1_000);
  const node = await run.node();
  const group = await run.group();
  const after = placeOf(run.options.after, '--after', group.groupId);
  await catchUp(run, group.groupId);
  const bounds = { limit, ...(after === undefined ? {} : { after }) };
  const page = await node.views.whatsNew(group.groupId, bounds, run);
  const name = await run.namer(group.now);
  run.print(page, () => {
    for (const claim of page.claims) printClaim(run, claim, name);
  });
  if (page.next !== undefined) run.hint(`next: lb whats-new --after ${page.next}`);
  noteLag(run, page.progress);
}

function placeOf(text: string | undefined, flag: string, groupId: Hex32) {
  if (text === undefined) return undefined;
  const cursor = parseCursor(text);
  if (cursor === undefined || cursor.groupId !== groupId)
    throw new UsageError(`${flag} ${text}: expected a cursor of this group, as whats-new gives it`);
  return { height: cursor.height, index: cursor.index };
}

function printClaim(run: Run, claim: ShownClaim, name: (key: Hex32) => string): void {
  const reply = claim.parent === undefined ? '' : `  in reply to ${run.id(claim.parent)}`;
  run.out.line(run.out.style('bold', run.id(claim.claim)));
  printText(run.out, `${name(claim.author)}  ${formatTime(claim.tsMs)}  ${claim.status}${reply}`, '  ');
  printText(run.out, claim.text ?? MISSING_TEXT, '  ');
}

async function unread(run: Run<{ of?: string; readUpTo?: string }>): Promise<void> {
  const { of, readUpTo } = run.options;
  const node = await run.node();
  const group = await run.group();
  const own = ownIdentity(node);
  const reader = of === undefined ? own.publicKey : memberKey(node, group.now, of);
  const head = { height: group.head.height, index: Number.MAX_SAFE_INTEGER };
  const mark = readUpTo === 'head' ? head : placeOf(readUpTo, '--read-up-to', group.groupId);
  await catchUp(run, group.groupId);
  const answer = await node.views.unread(group.groupId, reader, mark, run);
  run.print({ reader, ...answer }, () => {
    run.out.line(`${answer.unread} unread`);
    for (const { root, unread } of answer.threads) run.out.line(`  ${unread}  in thread ${run.id(root)}`);
  });
  noteLag(run, answer.progress);
}
