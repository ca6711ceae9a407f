/**
 * The LMDB environment: how it is opened, by the thread that reads and by the one that writes.
 *
 * `overlappingSync` is off. With it lmdb-js reports a commit before it is on disk; without it the data pages are
 * written and synced, then the meta page is written to a descriptor that is synced by itself, and only then does
 * the commit return (a test watches the system calls). Keys are raw bytes, so LMDB's own order, memcmp, is the
 * order of everything.
 */
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { DATA_FILE } from './data-file.ts';
import { StorageError, typedError } from './errors.ts';
import { Intact } from './intact.ts';
import { KEY_BYTES_MAX } from './keys.ts';
import { LONG_TABLES, TABLES, type TableName } from './schema.ts';

/**
 * What an acknowledged commit has survived.
 * - `flush`: everything, a power cut included. The only choice for a node.
 * - `commit`: the end of the process by any means; a power cut may damage the database. For measurements, and
 *   tests that are not about the disk.
 */
export type Durability = 'flush' | 'commit';

/** What both threads need to open the same environment in the same way. */
export interface EnvironmentOptions {
  readonly dir: string;
  /** Bytes of address space to map at first; it doubles when it is used up. Costs no memory and no disk. */
  readonly mapSize: number;
  readonly durability: Durability;
}

/** A table: raw bytes to raw bytes, each with its checksum. Read it through `scan.ts`, which checks them. */
export type Table = Database<Uint8Array, Uint8Array> & {
  readonly tableId: number;
  /** Whether values may be long. */
  readonly isLong: boolean;
};

/** An open environment. */
export interface Environment {
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  readonly tables: Readonly<Record<TableName, Table>>;
  /** Tables by their id in packed writes. */
  readonly tableById: readonly Table[];
  /** What of the file has been found whole. */
  readonly intact: Intact;
}

/** Readers at once: one for each thread and each open snapshot; LMDB wants to know before it starts. */
const READERS_MAX = 510;

/**
 * Opens or creates the environment in `dir`.
 * @throws StorageError `corrupt`, `io`, `disk_full`
 */
export function openEnvironment(options: EnvironmentOptions): Environment {
  const raw = { keyEncoding: 'binary', encoding: 'binary' } as const;
  try {
    const root: RootDatabase<Uint8Array, Uint8Array> = open(options.dir, {
      ...raw,
      // A directory whose name has a dot would otherwise be taken for a file.
      noSubdir: false,
      overlappingSync: false,
      noSync: options.durability === 'commit',
      mapSize: options.mapSize,
      maxDbs: TABLES.length + 8,
      maxReaders: READERS_MAX,
      // Not in lmdb-js's types: the mode of the files it creates. The wallet is in here.
      ...{ permissionsMode: 0o600 },
    });
    const tableById = TABLES.map(({ name, id }) =>
      Object.assign(root.openDB<Uint8Array, Uint8Array>({ name, ...raw }), {
        tableId: id,
        isLong: LONG_TABLES.has(name),
      }),
    );
    assertKeysFit(tableById[0]!);
    const entries = TABLES.map(({ name }, at) => [name, tableById[at]!] as const);
    const tables = Object.fromEntries(entries) as Record<TableName, Table>;
    const intact = new Intact(join(options.dir, DATA_FILE), (use) => pinned(root, use));
    return { root, tableById, tables, intact };
  } catch (error) {
    throw typedError(error);
  }
}

/** Runs `use` while LMDB reuses no page that was in use at the last commit. */
function pinned<T>(root: RootDatabase<Uint8Array, Uint8Array>, use: () => T): T {
  const transaction = root.useReadTransaction();
  try {
    return use();
  } finally {
    transaction.done();
  }
}

function assertKeysFit(table: Table): void {
  const { maxKeySize } = table as Table & { readonly maxKeySize: number };
  if (maxKeySize < KEY_BYTES_MAX) {
    throw new RangeError(`LMDB was built for keys of ${maxKeySize} bytes; ${KEY_BYTES_MAX} are needed`);
  }
}

/** The error for an operation on a closed store. */
export function closedError(): StorageError {
  return new StorageError('closed', 'the store is closed');
}
