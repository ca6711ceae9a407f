/**
 * What bytes must be to be the artifact of a claim or of an experience.
 *
 * The chain holds hashes and never looks into what has them, so this is no rule. The node that seals asks before it
 * admits a transaction, and an audit asks of every artifact of a history: both give the same answer.
 */

import { type ClaimContent, type ClaimReference, decodeClaim, isSaidBy } from './claim-artifact.ts';
import { CLAIM_ARTIFACT_BYTES_MAX, EXPERIENCE_BYTES_MAX } from './limits.ts';
import { MalformedError } from './reader.ts';

/** Why bytes are not the artifact of their operation, in the order of the checks; one line each. */
export const ARTIFACT_FAULTS = {
  too_long: 'longer than an artifact of its kind may be',
  not_a_claim: 'not a claim',
  contradicts_operation: 'a claim with other tags, another parent or other evidence than its operation',
} as const satisfies Record<string, string>;
export type ArtifactFault = keyof typeof ARTIFACT_FAULTS;

/** Why bytes are not the artifact of a claim with these tags, parent and evidence. */
export function claimFault(bytes: Uint8Array, reference: ClaimReference): ArtifactFault | undefined {
  if (bytes.length > CLAIM_ARTIFACT_BYTES_MAX) return 'too_long';
  let claim: ClaimContent;
  try {
    claim = decodeClaim(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return 'not_a_claim';
    throw error;
  }
  return isSaidBy(claim, reference) ? undefined : 'contradicts_operation';
}

/** Why bytes are not the artifact of an experience. */
export function experienceFault(bytes: Uint8Array): ArtifactFault | undefined {
  return bytes.length > EXPERIENCE_BYTES_MAX ? 'too_long' : undefined;
}
