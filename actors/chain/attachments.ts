/**
 * The artifacts that come with a transaction. Storage is shared by all groups of a node and trusts their hashes, so
 * they are made here and nowhere else; and what an operation brings into the group must be readable as what it
 * says it is, before it is sealed for good.
 *
 * This is admission, the sealer's duty, and never validity: a follower judges blocks without their artifacts.
 */

import { sha256 } from '../../crypto/hash.ts';
import { ARTIFACT_FAULTS, claimFault, experienceFault } from '../../events/artifact.ts';
import { toHex } from '../../events/bytes.ts';
import { type Refusal, refuse } from '../../events/refusals.ts';
import type { Operation } from '../../events/registry.ts';
import type { Artifact } from './commit.ts';

/**
 * Hashes what was attached and holds it against the operations.
 * @param isStored whether the group has an artifact already
 * @returns the artifacts to store, or a refusal: `artifact_missing` for bytes that did not come, `malformed` for
 * bytes that are not what their operation says, or that no operation brings
 */
export function admitArtifacts(
  operations: readonly Operation[],
  attachments: readonly Uint8Array[],
  isStored: (hash: string) => boolean,
): Artifact[] | Refusal {
  const given = new Map(attachments.map((bytes) => artifactOf(bytes)));
  const wanted: Artifact[] = [];
  for (const operation of operations) {
    if (operation.type !== 'claim' && operation.type !== 'experience') continue;
    const artifact = given.get(operation.artifact);
    if (artifact === undefined) {
      if (isStored(operation.artifact)) continue;
      return refuse('artifact_missing', { artifact: operation.artifact });
    }
    const { bytes } = artifact;
    const fault = operation.type === 'claim' ? claimFault(bytes, operation) : experienceFault(bytes);
    if (fault !== undefined)
      return refuse('malformed', {
        what: `the artifact of the ${operation.type} is ${ARTIFACT_FAULTS[fault]}`,
      });
    wanted.push(artifact);
    given.delete(operation.artifact);
  }
  const [stray] = given.keys();
  if (stray !== undefined)
    return refuse('malformed', { what: `the attached artifact ${stray} is brought in by no operation` });
  return wanted;
}

/** A copy and its hash: what is stored must be what was hashed, whatever the caller does with its buffer. */
function artifactOf(given: Uint8Array): [hash: string, artifact: Artifact] {
  const bytes = given.slice();
  const hash = sha256(bytes);
  return [toHex(hash), { hash, bytes }];
}
