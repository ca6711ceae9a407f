/** `thread`: a conversation as a tree, page by page. */
import type { Command } from 'commander';
import { NotFoundError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import type { GroupView } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { parseCount } from '../parse.ts';
import { claimId, subjectOf, subjectOption } from '../resolve.ts';
import { displayWidth, printText } from '../table.ts';
import { formatTime } from '../text.ts';
import { catchUp } from './context.ts';
import { type DescribedClaim, describeClaim, MISSING_TEXT, standing } from './knowledge.ts';

interface ThreadOptions {
  readonly claim?: string;
  readonly limit: string;
  readonly after?: string;
}

type Row = DescribedClaim & { readonly depth: number };

interface Page {
  readonly height: number;
  readonly claims: readonly Row[];
  /** The claim to go on after. */
  readonly next: Hex32 | undefined;
}

export function registerThread(program: Command, context: CliContext): void {
  verb<ThreadOptions>(
    program,
    context,
    {
      usage: 'thread',
      summary: 'Show the conversation that a claim belongs to.',
      heading: 'Knowledge',
      example: 'lb thread CLAIM\nlb thread CLAIM --limit 20',
      details: 'From its root, replies under what they reply to. A long one ends with where to go on.',
      inGroup: true,
      at: true,
    },
    (command) =>
      subjectOption(command, 'claim', 'any claim of the thread')
        .option('--limit <count>', 'how many claims at most', '100')
        .option('--after <claim>', 'go on after this claim'),
    thread,
  );
}

async function thread(run: Run<ThreadOptions>): Promise<void> {
  const limit = parseCount(run.options.limit, '--limit', 1, 1_000);
  const view = await run.view();
  const start = claimId(view, subjectOf('claim', run.options.claim, run.args[0]));
  const after = run.options.after === undefined ? undefined : claimId(view, run.options.after);
  const page = run.options.at === undefined ? pageNow : pageAt;
  const { height, claims, next } = await page(run, view, start, { after, limit });
  const name = await run.namer(view);
  run.print({ height, claims, next }, () => {
    for (const row of claims) printRow(run, row, row.claim === start, name);
  });
  if (next !== undefined) run.hint(`next: lb thread ${run.id(start)} --after ${run.id(next)}`);
}

function printRow(run: Run, row: Row, isMarked: boolean, name: (key: Hex32) => string): void {
  const margin = '  '.repeat(Math.min(row.depth, MARGINS_MAX));
  const id = run.id(row.claim);
  const mark = isMarked ? run.out.style('bold', id) : id;
  const about = `${name(row.author)}  ${formatTime(row.tsMs)}  ${standing(row)}`;
  const isNarrow = run.out.isTerminal && displayWidth(margin + id + about) + 2 > run.out.width;
  run.out.line(isNarrow ? `${margin}${mark}` : `${margin}${mark}  ${about}`);
  if (isNarrow) printText(run.out, about, `${margin}  `);
  printText(run.out, row.text ?? MISSING_TEXT, `${margin}  `);
}

/** A conversation may be deeper than a terminal is wide. */
const MARGINS_MAX = 12;

interface Bounds {
  readonly after: Hex32 | undefined;
  readonly limit: number;
}

/** By the read models, in which a page costs the same however long the thread and however big the group is. */
async function pageNow(run: Run, _: GroupView, start: Hex32, { after, limit }: Bounds): Promise<Page> {
  const group = await run.group();
  await catchUp(run, group.groupId);
  const { views } = await run.node();
  const bounds = after === undefined ? { limit } : { limit, after };
  const page = await views.thread(group.groupId, start, bounds, run);
  // Taken after the answer, so that everything in the answer is in it.
  const view = group.now;
  const claims: Page['claims'][number][] = [];
  for (const { claim, depth } of page.claims)
    claims.push({ ...(await describeClaim(group, view, claim)), depth });
  return { height: view.height, claims, next: page.next };
}

/** As it was at a height: from the state of that time, which has to be looked through. */
async function pageAt(run: Run, view: GroupView, start: Hex32, { after, limit }: Bounds): Promise<Page> {
  const replies = new Map<Hex32, Hex32[]>();
  for (const { claim, parent } of view.claims())
    if (parent !== undefined) replies.set(parent, [...(replies.get(parent) ?? []), claim]);
  const rows = await flatten(await run.group(), view, rootOf(view, start), replies);
  const from = after === undefined ? 0 : rows.findIndex(({ claim }) => claim === after) + 1;
  if (after !== undefined && from === 0)
    throw new NotFoundError(`the claim ${run.id(after)} of --after is not in this thread`);
  const claims = rows.slice(from, from + limit);
  return { height: view.height, claims, next: from + limit < rows.length ? claims.at(-1)?.claim : undefined };
}

function rootOf(view: GroupView, claim: Hex32): Hex32 {
  let root = claim;
  for (let parent = view.claim(root)?.parent; parent !== undefined; parent = view.claim(root)?.parent)
    root = parent;
  return root;
}

/** The thread from its root, replies under what they reply to, oldest first. */
async function flatten(
  group: Group,
  view: GroupView,
  root: Hex32,
  replies: ReadonlyMap<Hex32, readonly Hex32[]>,
) {
  const rows: (DescribedClaim & { depth: number })[] = [];
  // A stack of our own: a conversation may be deeper than the language's.
  const waiting = [{ claim: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { claim, depth } = next;
    rows.push({ ...(await describeClaim(group, view, claim)), depth });
    const children = [...(replies.get(claim) ?? [])];
    children.sort((a, b) => view.claim(b)!.tsMs - view.claim(a)!.tsMs || (a < b ? 1 : -1));
    for (const child of children) waiting.push({ claim: child, depth: depth + 1 });
  }
  return rows;
}
