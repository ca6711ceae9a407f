/**
 * A claim's artifact: the text and what belongs to it, as JSON in UTF-8. Its SHA-256 is the claim's id.
 *
 * The chain holds only the hash; the artifact goes to members alone. It repeats tags, parent and evidence, so
 * that it can be read without the chain, and its reader checks that they agree.
 */
import { utf8 } from './bytes.ts';
import { list, optional, record, text, timestamp, type Values } from './fields.ts';
import { CLAIM_ARTIFACT_BYTES_MAX, CLAIM_TEXT_BYTES_MAX, EVIDENCE_MAX } from './limits.ts';
import { id, tags } from './operations/define.ts';
import { MalformedError } from './reader.ts';

const VERSION = 1;
/** A byte order mark stays, and is no JSON. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const fields = {
  text: text({ maxBytes: CLAIM_TEXT_BYTES_MAX, min: 1 }),
  tags,
  createdMs: timestamp,
  parent: optional(id),
  evidence: list(id, { max: EVIDENCE_MAX, unique: true }),
};
const content = record(fields);
export type ClaimContent = Values<typeof fields>;

/**
 * The bytes of a claim's artifact.
 * @throws MalformedError naming the field that is out of bounds
 */
export function encodeClaim(claim: ClaimContent): Uint8Array {
  content.check(claim, '');
  const { text, tags, createdMs, parent, evidence } = claim;
  return utf8(
    JSON.stringify({
      v: VERSION,
      text,
      tags,
      created_ms: createdMs,
      ...(parent === undefined ? {} : { parent }),
      ...(evidence.length === 0 ? {} : { evidence }),
    }),
  );
}

/**
 * What an artifact says.
 * @throws MalformedError for bytes that are not a claim's artifact
 */
export function decodeClaim(bytes: Uint8Array): ClaimContent {
  if (bytes.length > CLAIM_ARTIFACT_BYTES_MAX) throw new MalformedError('the artifact is too large');
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(decoder.decode(bytes)) as Record<string, unknown>;
  } catch {
    throw new MalformedError('the artifact is not JSON in UTF-8');
  }
  if (typeof value !== 'object' || value === null || value.v !== VERSION)
    throw new MalformedError('the artifact is not a claim of version 1');
  const claim = {
    text: value.text,
    tags: value.tags,
    createdMs: value.created_ms,
    parent: value.parent,
    evidence: value.evidence === undefined ? [] : value.evidence,
  };
  content.check(claim, '');
  return claim as ClaimContent;
}

/** What the chain says about a claim, and its artifact must say too. */
export type ClaimReference = Pick<ClaimContent, 'tags' | 'parent' | 'evidence'>;

/** Whether a claim says of itself what the chain says about it. */
export function isSaidBy(claim: ClaimReference, reference: ClaimReference): boolean {
  return (
    claim.parent === reference.parent &&
    isSameList(claim.tags, reference.tags) &&
    isSameList(claim.evidence, reference.evidence)
  );
}

/** What an artifact says, or nothing where it is no claim's or disagrees with what the chain says about it. */
export function readClaim(bytes: Uint8Array, reference: ClaimReference): ClaimContent | undefined {
  try {
    const claim = decodeClaim(bytes);
    return isSaidBy(claim, reference) ? claim : undefined;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((entry, at) => entry === b[at]);
}
