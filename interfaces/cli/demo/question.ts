/**
 * The end of the demo: a question asked of what was imported, as any agent would ask it, and its answer. It comes while
 * most claims wait for their vectors still, and is right all the same: what has none keeps its place by words.
 */
import type { Hex32 } from '../../../events/bytes.ts';
import type { BatteryNode } from '../../../node.ts';
import { count } from '../text.ts';
import type { Workshop } from './cast.ts';
import { DOCS_TAG, type Hit, type Library } from './inspection.ts';

/** About a package that this program stands on, so that it is there wherever the demo is. */
const QUESTION = 'How do I declare a required (mandatory) option?';
const ANSWERED_BY = { heading: 'Required option', package: 'commander' };
/** How long the index may take to come up to all that was imported. */
const INDEX_MS_MAX = 120_000;
/** How much of the answer is shown. */
const SHOWN = 160;

/** What was asked, and what was found first. */
export interface DemoAnswer {
  readonly question: string;
  readonly claim: Hex32;
  readonly document: string;
  readonly heading: string;
  readonly rankedBy: string;
  /** Claims that were searched, and those of them that had a vector. */
  readonly claims: number;
  readonly vectors: number;
  readonly seconds: number;
}

/** @param hit what this round was about: asked for where the documents are others than those of the packages */
export async function askTheGroup(
  node: BatteryNode,
  { group, narrator }: Workshop,
  library: Library,
  hit: Hit,
  signal: AbortSignal,
): Promise<DemoAnswer | undefined> {
  const known = library.headed(ANSWERED_BY.heading, ANSWERED_BY.package);
  const question = known === undefined ? `What does ${hit.document} say about ${hit.heading}?` : QUESTION;
  narrator.does('developer', `asks the group: ${question}`);
  const startedMs = performance.now();
  const { claims, rankedBy, progress } = await node.views.compileContext(
    group.groupId,
    { query: question, topK: 3, tags: [DOCS_TAG] },
    { waitMs: INDEX_MS_MAX, signal },
  );
  const [first] = claims;
  const place = first && library.placeOf(first.claim);
  if (first === undefined || place === undefined) return undefined;
  const { document, heading } = place;
  const seconds = (performance.now() - startedMs) / 1000;
  narrator.tells(`✓ ${document}, “${heading}”: ${beginningOf(first.text ?? '', heading)}`);
  const { withText, embedded } = progress;
  narrator.tells(
    `first of ${count(withText, 'claim')} in ${seconds.toFixed(2)} s; ${embedded} of them have a vector by now, the rest get theirs while the node is used`,
  );
  return {
    ...{ question, claim: first.claim, document, heading, rankedBy },
    ...{ claims: withText, vectors: embedded, seconds },
  };
}

/** What a section says below its heading. */
function beginningOf(text: string, heading: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.includes(heading));
  const body = lines.join(' ').replace(/\s+/g, ' ').trim();
  return body.length <= SHOWN ? body : `${body.slice(0, body.lastIndexOf(' ', SHOWN))} …`;
}
