/** Finding what a group knows: by words, by meaning, along conversations, and why it holds. */

import { sha256 } from '../../crypto/hash.ts';
import { toHex } from '../../events/bytes.ts';
import { CLAIM_TEXT_BYTES_MAX } from '../../events/limits.ts';
import { knowledgeOperations } from '../../events/operations/knowledge.ts';
import type { WhyNode } from '../../views/questions.ts';
import { toWire } from '../cli/json.ts';
import { claimId } from '../cli/resolve.ts';
import { cursor, given, groupId, groupOf, idOf, limit, namesIn, ownKey, PAGE_MAX, sinceMs } from './call.ts';
import { ClaimDesk, claimShape, NOTICE, notice, noticeFor } from './claims.ts';
import { type Call, define, type Operation } from './operation.ts';
import { Room } from './room.ts';
import {
  field,
  flag,
  free,
  input,
  integer,
  list,
  longText,
  number,
  optional,
  output,
  text,
  type ValueOf,
} from './schema.ts';

const claim_id = idOf('a claim');

/** What the text takes at most: of it, models read the beginning best. A small answer has room for less. */
const CONTEXT_TOKENS_MAX = 2_000;

export const compileContext = define({
  name: 'compile_context',
  title: 'Find what the group knows',
  description: 'Text for a prompt: the claims that answer the query, by words and by meaning.',
  toolset: 'default',
  effect: 'reads',
  input: input({
    group_id: groupId,
    query: longText(CLAIM_TEXT_BYTES_MAX, 'what to find, in any words; empty: the latest claims'),
    top_k: optional(integer(1, PAGE_MAX, { default: 8, description: 'claims at most' })),
    since_ms: optional(sinceMs),
    tags: optional(field(knowledgeOperations.claim.fields.tags)),
  }),
  output: output({
    context: text(),
    claims: list(output({ claim_id: text(), author: text(), author_name: text(), is_own: flag() })),
    notice,
  }),
  async run(call, { group_id, query, top_k = 8, since_ms, tags }) {
    const group = groupOf(call, group_id);
    const { answerTokens = Number.POSITIVE_INFINITY, signal } = call;
    const maxTokens = Math.min(CONTEXT_TOKENS_MAX, Math.floor(answerTokens / 3));
    const question = { query, maxTokens, ...given({ sinceMs: since_ms, tags }) };
    const nameOf = namesIn(call, group);
    const own = ownKey(call);
    for (let topK = top_k; ; ) {
      const asked = { ...question, topK };
      const { slice, claims } = await call.node.views.compileContext(group.groupId, asked, { signal });
      const context = quoted(slice);
      const authors = claims.map(({ claim, author }) => ({
        claim_id: claim,
        author,
        author_name: nameOf(author),
        is_own: author === own,
      }));
      const fitting = fittingBeside(call, context, authors);
      if (fitting === authors.length) return { context, claims: authors, ...noticeFor(authors) };
      // What the answer cannot name does not stand in the text either: the worst is left out of both.
      topK = fitting;
    }
  },
});

/** How many of the entries an answer holds beside a text; one at the least. */
function fittingBeside(call: Call, text: string, entries: readonly object[]): number {
  const room = new Room(call);
  room.reserve(JSON.stringify(text));
  const end = entries.findIndex((entry) => room.take(entry) === undefined);
  return end < 0 ? entries.length : end;
}

/**
 * The slice between two marks that nobody who wrote a part of it could know, so that no claim can end it early and go
 * on in the words of this node. They follow from the slice alone, as it follows from the log.
 */
function quoted(slice: string): string {
  const mark = toHex(sha256(new TextEncoder().encode(slice))).slice(0, 16);
  return `<claims ${mark}> ${NOTICE}\n${slice}</claims ${mark}>\n`;
}

const threadClaim = output({ ...claimShape.properties, depth: number() });

const getThread = define({
  name: 'get_thread',
  title: 'Read a conversation',
  description: 'The conversation that a claim belongs to, each claim before its replies; depth counts them.',
  toolset: 'knowledge',
  effect: 'reads',
  input: input({ group_id: groupId, claim_id, limit: limit(50), cursor }),
  output: output({
    claims: list(threadClaim),
    next_cursor: optional(text()),
    notice,
  }),
  async run(call, { group_id, claim_id, limit = 50, cursor }) {
    const group = groupOf(call, group_id);
    const page = { limit, ...given({ after: cursor }) };
    const { signal } = call;
    const found = await call.node.views.thread(group.groupId, claimId(group.now, claim_id), page, { signal });
    const desk = new ClaimDesk(call, group);
    const room = new Room(call);
    const claims: ValueOf<typeof threadClaim>[] = [];
    let next = found.next;
    for (const { claim, depth } of found.claims) {
      const taken = await desk.take(room, claim);
      if (taken === undefined) {
        next = claims.at(-1)!.claim_id;
        break;
      }
      claims.push({ ...taken, depth });
    }
    return { claims, ...given({ next_cursor: next }), ...noticeFor(claims) };
  },
});

/** What a claim of the tree takes at most: its ids, and the beginning of its text. */
const WHY_NODE_TOKENS = 500;

const whyClaim = define({
  name: 'why_claim',
  title: 'Explain the standing of a claim',
  description:
    'Why a claim is in, out or retracted: what it rests on, and how that stands. Call it for a claim whose basis is left out.',
  toolset: 'knowledge',
  effect: 'reads',
  input: input({ group_id: groupId, claim_id }),
  output: output({ why: free(), notice }),
  async run(call, { group_id, claim_id }) {
    const group = groupOf(call, group_id);
    const nodesMax =
      call.answerTokens === undefined ? undefined : Math.floor(call.answerTokens / WHY_NODE_TOKENS);
    const bounds = { signal: call.signal, ...given({ nodesMax }) };
    const { why } = await call.node.views.why(group.groupId, claimId(group.now, claim_id), bounds);
    const isOwn = isAllOf(why, ownKey(call));
    return { why: toWire(why) as Record<string, unknown>, ...noticeFor([{ is_own: isOwn }]) };
  },
});

function isAllOf(node: WhyNode, own: string | undefined): boolean {
  return node.author === own && node.restsOn.every((one) => isAllOf(one, own));
}

export const contextDesk: readonly Operation[] = [getThread, whyClaim];
