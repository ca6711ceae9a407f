/** What is looked at before a data directory becomes a node's, or is opened as one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KEYSTORE_FILE } from '../../crypto/keystore.ts';
import { KeystoreExistsError, KeystoreLostError } from '../../crypto/keystore-errors.ts';
import {
  assertMayBeNode,
  type DirectoryLayout,
  hadChain,
  hasOrHadChain,
  layoutOf,
  recordChain,
} from '../../storage/directory.ts';
import type { Durability } from '../../storage/environment.ts';
import { StorageError } from '../../storage/errors.ts';
import { openStore, type Store } from '../../storage/store.ts';

/**
 * Throws what `init` would refuse the directory with, and changes nothing.
 * @throws KeystoreExistsError, KeystoreLostError, DirectoryError
 */
export function assertInitable(data: string): void {
  assertMayBeNode(data);
  const keystore = join(layoutOf(data).keys, KEYSTORE_FILE);
  if (existsSync(keystore)) throw new KeystoreExistsError(keystore);
  assertKeysNotLost(data);
}

/** Keys that are missing are made where the node is new, and never where it has a chain. */
export function assertKeysNotLost(data: string): void {
  const keystore = join(layoutOf(data).keys, KEYSTORE_FILE);
  if (hasOrHadChain(data) && !existsSync(keystore)) throw new KeystoreLostError(keystore);
}

/** Opens the chain; where there was one before, a database that is gone is an error and not a new one. */
export function openChain(layout: DirectoryLayout, durability: Durability): Store {
  const isExpected = hadChain(layout);
  const store = openStore(layout.chain, { durability, isExpected });
  if (isExpected) return store;
  try {
    // A crash can come between the first group and the note of it.
    if (store.groups().length > 0) recordChain(layout);
  } catch (error) {
    // A disk that takes no note can still be read; the next opening tries again.
    if (!(error instanceof StorageError)) throw error;
  }
  return store;
}
