/**
 * A refusal in words: why, and what to do next. The rules give a code and a payload; here is what a person is told,
 * with names instead of keys and dates instead of milliseconds. The table is total by type, so that a new code does
 * not compile without its words. Nothing that it suggests takes anything away.
 */
import type { Removal } from '../../../events/receipt.ts';
import type { Refusal } from '../../../events/refusals.ts';
import { blockWords, transactionWords } from './chain.ts';
import { groupWords, membershipWords, tokenWords } from './group.ts';
import { marketWords } from './market.ts';
import { BACK_IN, removalInWords } from './removal.ts';
import type { Explanation, Say, Words } from './say.ts';
import { knowledgeWords, taskWords } from './work.ts';

const WORDS: Words = {
  ...blockWords,
  ...transactionWords,
  ...groupWords,
  ...membershipWords,
  ...tokenWords,
  ...taskWords,
  ...knowledgeWords,
  ...marketWords,
};

/**
 * Why this was refused, and what to do about it.
 * @param removal where who signed was a member once: how that ended
 */
export function explain(refusal: Refusal, say: Say, removal?: Removal): Explanation {
  if (removal !== undefined) return { why: removalInWords(removal, say), next: BACK_IN };
  // The table pairs each code with its own payload, which an index by a union cannot show.
  const words = WORDS[refusal.code] as (refusal: Refusal, say: Say) => readonly [string, string];
  const [why, next] = words(refusal, say);
  if (refusal.code !== 'block_transaction_refused') return { why, next };
  return { why: `${why}: ${explain(refusal.refusal, say).why}`, next };
}
