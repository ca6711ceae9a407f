/** The artifact of a claim, or the refusal of what it would not hold. */
import { encodeClaim } from '../events/claim-artifact.ts';
import { MalformedError } from '../events/reader.ts';
import { refuse } from '../events/refusals.ts';
import { RefusedError } from './errors.ts';

/** @throws RefusedError `malformed` */
export function encodeChecked(claim: Parameters<typeof encodeClaim>[0]): Uint8Array {
  try {
    return encodeClaim(claim);
  } catch (error) {
    if (error instanceof MalformedError) throw new RefusedError(refuse('malformed', { what: error.message }));
    throw error;
  }
}
