/**
 * Proves a backup without restoring it: unpacked into a scratch folder, every byte held against the manifest, the
 * copy opened, and every group audited as if it were this node's own.
 *
 * It proves that the backup is whole and its histories are sound. Who made it is not in it: compare the heads with
 * those of the node, or of anybody who follows the groups.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KEYSTORE_FILE, openKeystore } from '../../crypto/keystore.ts';
import type { Verifier } from '../../crypto/verifier.ts';
import { BackupError, type BackupGroup, type BackupManifest } from '../../storage/backup/manifest.ts';
import { unpackBackup } from '../../storage/backup/read.ts';
import { openDirectory } from '../../storage/directory.ts';
import { makeFolders } from '../../storage/folders.ts';
import { openStoreReader } from '../../storage/store.ts';
import type { StoreReader } from '../../storage/store-reader.ts';
import { type Audit, audit } from './audit.ts';
import type { Progress } from './progress.ts';
import { sourceOf } from './source.ts';

export interface CheckBackupOptions {
  readonly verifier: Verifier;
  /** Where the copy is unpacked, and taken away again; it needs the room of the backup. */
  readonly scratch: string;
  /** Told of the part that is done. */
  readonly onProgress?: (step: 'unpacking' | 'auditing', done: number, of: number) => void;
}

export interface BackupCheck {
  readonly manifest: BackupManifest;
  /** Names and keys; none where the backup holds no key store. */
  readonly identities: readonly { readonly name: string; readonly publicKey: string }[];
  readonly groups: readonly { readonly group: BackupGroup; readonly audit: Audit }[];
}

/**
 * Checks the backup `path`. What is wrong with a group is in its audit.
 * @throws BackupError when the file itself does not hold, KeystoreError, StorageError
 */
export async function checkBackup(path: string, options: CheckBackupOptions): Promise<BackupCheck> {
  const { scratch, onProgress = () => {} } = options;
  makeFolders(scratch);
  const dir = await mkdtemp(join(scratch, 'lb-backup-'));
  try {
    const manifest = await unpackBackup(path, dir, (done, of) => onProgress('unpacking', done, of));
    const layout = openDirectory(dir);
    const hasKeys = manifest.files.some((file) => file.path === `keys/${KEYSTORE_FILE}`);
    const identities = hasKeys ? await identitiesIn(layout.keys) : [];
    const reader = openStoreReader(layout.chain, { durability: 'commit' });
    try {
      return { manifest, identities, groups: await auditGroups(reader, manifest, options) };
    } finally {
      await reader.close();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function identitiesIn(keys: string): Promise<BackupCheck['identities']> {
  const keystore = await openKeystore(keys);
  const identities = keystore.list().map(({ name, publicKey }) => ({ name, publicKey }));
  await keystore.close();
  return identities;
}

async function auditGroups(
  reader: StoreReader,
  manifest: BackupManifest,
  { verifier, onProgress = () => {} }: CheckBackupOptions,
): Promise<BackupCheck['groups']> {
  const stored = reader.groups();
  const listed = new Map(manifest.groups.map((group) => [group.groupId, group]));
  if (stored.length !== listed.size || !stored.every(({ groupId }) => listed.has(groupId)))
    throw new BackupError('backup_damaged', 'the database in the backup has other groups than its manifest');
  const blocks = manifest.groups.reduce((sum, { height }) => sum + height + 1, 0);
  const groups: BackupCheck['groups'][number][] = [];
  let before = 0;
  for (const group of manifest.groups) {
    const source = reader.group(group.groupId);
    if (source.head()?.blockId !== group.blockId)
      throw new BackupError('backup_damaged', `group ${group.name} ends elsewhere than the manifest says`);
    // Registered, and never founded: a crash came between.
    if (group.height < 0) continue;
    const report = ({ height }: Progress): void => onProgress('auditing', before + height + 1, blocks);
    groups.push({ group, audit: await audit(sourceOf(source), { verifier, onProgress: report }) });
    before += group.height + 1;
  }
  return groups;
}
