/** Text that says nothing: only spaces, controls and characters that nobody sees. */

const SEEN = /[^\s\p{Cc}\p{Cf}\p{Z}]/u;

/**
 * Whether there is nothing to read in a text. The rules know only lengths, and histories that exist must replay for
 * ever; so it is whoever lets a transaction in who asks this, before it is signed.
 */
export function isBlank(text: string): boolean {
  return !SEEN.test(text);
}
