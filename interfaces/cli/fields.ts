/**
 * What was typed, held against the bounds of the field that it goes into, before anything is signed. The bounds are
 * those of the declaration; the message names the flag that was typed, where the rules know only the field.
 */
import { isBlank } from '../../actors/blank-text.ts';
import { UsageError } from '../../actors/errors.ts';
import type { Codec, FieldType } from '../../events/codec.ts';
import { CLAIM_TEXT_BYTES_MAX, EVIDENCE_MAX, TAG_CHARACTERS_MAX, TAGS_MAX } from '../../events/limits.ts';
import { parseList } from './parse.ts';
import { count } from './text.ts';

type TextBounds = Extract<FieldType, { kind: 'text' }>;

function boundsOf(type: FieldType): TextBounds {
  if (type.kind === 'optional') return boundsOf(type.of);
  if (type.kind !== 'text') throw new Error(`a field of text was expected, not of ${type.kind}`);
  return type;
}

/** A text that fits its field. @throws UsageError naming the flag */
export function checkText(
  text: string,
  flag: string,
  field: Codec<string> | Codec<string | undefined>,
): string {
  const { min, maxBytes, maxCharacters } = boundsOf(field.describe);
  assertSaying(text, flag, min > 0);
  const length = maxCharacters === undefined ? Buffer.byteLength(text) : Array.from(text).length;
  const [max, unit] = maxCharacters === undefined ? [maxBytes, 'byte'] : [maxCharacters, 'character'];
  if (length > max) throw new UsageError(`${flag} has ${count(length, unit)}; at most ${max} fit`);
  return text;
}

function assertSaying(text: string, flag: string, isNeeded: boolean): void {
  if (text.includes('\0')) throw new UsageError(`${flag} contains a NUL character, which is no text`);
  if (isNeeded && isBlank(text)) throw new UsageError(`${flag} is empty; write something that can be read`);
}

/** An optional text that fits its field. */
export function checkOptional(
  text: string | undefined,
  flag: string,
  field: Codec<string | undefined>,
): string | undefined {
  return text === undefined ? undefined : checkText(text, flag, field);
}

/** The text of a claim. @param source the flag or file that it came from */
export function checkClaimText(text: string, source: string): string {
  assertSaying(text, source, true);
  const bytes = Buffer.byteLength(text);
  if (bytes > CLAIM_TEXT_BYTES_MAX)
    throw new UsageError(
      `${source} has ${bytes} bytes, and a claim takes at most ${CLAIM_TEXT_BYTES_MAX}; split it into claims of one thread with --parent, or take lb import for a document`,
    );
  return text;
}

/** Tags as typed. They are the user's words, so what does not fit is refused, not bent. */
export function parseTags(given: string | undefined): string[] {
  const tags = parseList(given);
  if (tags.length > TAGS_MAX) throw new UsageError(`--tags has ${tags.length} tags; at most ${TAGS_MAX} fit`);
  for (const tag of tags) {
    const characters = Array.from(tag).length;
    if (characters > TAG_CHARACTERS_MAX)
      throw new UsageError(
        `the tag ${tag.slice(0, 80)} in --tags has ${characters} characters; at most ${TAG_CHARACTERS_MAX} fit`,
      );
    assertSaying(tag, '--tags', true);
  }
  return tags;
}

/** Claims and experiences that support a claim, as typed. */
export function parseEvidence(given: string | undefined): string[] {
  const evidence = parseList(given);
  if (evidence.length > EVIDENCE_MAX)
    throw new UsageError(`--evidence names ${evidence.length} claims; at most ${EVIDENCE_MAX} fit`);
  return evidence;
}
