/** Before a damaged group is fetched again: what its members have is asked for where it is not here. */
import type { Hex32 } from '../../events/bytes.ts';
import { StorageError } from '../../storage/errors.ts';
import type { Store } from '../../storage/store.ts';

/** Forgets the artifacts of a group whose bytes are not what was written. */
export async function dropDamagedArtifacts(store: Store, groupId: Hex32): Promise<void> {
  for (const hash of listed(store, groupId))
    if (!store.artifacts.isIntact(hash)) await store.artifacts.drop(hash);
}

/** As far as the list can be read; what it has lost is found damaged when it is read. */
function listed(store: Store, groupId: Hex32): Hex32[] {
  const hashes: Hex32[] = [];
  try {
    for (const { hash } of store.group(groupId).artifacts()) hashes.push(hash);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
  return hashes;
}
