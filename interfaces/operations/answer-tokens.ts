/** How long an answer may be, as a client of the Model Context Protocol says it. */
import { UsageError } from '../../actors/errors.ts';

/** What an MCP client takes of one answer, as common hosts have it. */
export const ANSWER_TOKENS_DEFAULT = 20_000;
/** As many as fit any host. */
const ANSWER_TOKENS_MAX = 1_000_000;
/** With less, not even one entry of the widest kind would fit. */
const ANSWER_TOKENS_MIN = 4_000;

/** How long the answers of a session may be, as its client says it. @throws UsageError naming `where` it said so */
export function parseAnswerTokens(given: string | undefined, where: string): number {
  if (given === undefined) return ANSWER_TOKENS_DEFAULT;
  const tokens = /^\d{1,9}$/.test(given) ? Number(given) : 0;
  if (tokens < ANSWER_TOKENS_MIN || tokens > ANSWER_TOKENS_MAX)
    throw new UsageError(
      `${where} must be a whole number of tokens from ${ANSWER_TOKENS_MIN} to ${ANSWER_TOKENS_MAX}, such as ${ANSWER_TOKENS_DEFAULT}`,
    );
  return tokens;
}
