/**
 * The one registry of what is on disk: every named database of `<data>/chain/`, its id, its key and its value.
 *
 * Ids travel between the threads in packed writes and never change; a retired table keeps its line here with
 * `retired: true`, so that neither its id nor its name is ever given to something else (a test holds this).
 * Groups share tables. Ten thousand groups therefore cost ten thousand registry lines and not a hundred thousand
 * databases, each of which LMDB would look up at every start of a transaction.
 */

/**
 * The version of everything below; a store with another one is refused, never guessed at. In 2, every value is
 * followed by its checksum (see checksum.ts), which the list leaves out; in 3, replaced ids have a table of their own.
 */
export const STORE_FORMAT = 3;

interface TableDescription {
  readonly id: number;
  readonly name: string;
  readonly key: string;
  readonly value: string;
  readonly retired?: boolean;
}

/** `group` is the group's local number, u32; heights, indexes and sizes are u48; all big-endian. */
export const TABLES = [
  { id: 0, name: 'registry', key: 'text | text/ + 32 bytes', value: 'msgpack, see registry.ts' },
  { id: 1, name: 'heads', key: 'group', value: 'msgpack, see head.ts' },
  { id: 2, name: 'blocks', key: 'group height', value: 'the block, verbatim' },
  { id: 3, name: 'block-ids', key: 'group height', value: 'block id, 32 bytes' },
  { id: 4, name: 'heights', key: 'group blockId', value: 'height' },
  { id: 5, name: 'effects', key: 'group height', value: 'opaque' },
  { id: 6, name: 'transactions', key: 'group txId', value: 'height index(u16)' },
  { id: 7, name: 'state', key: 'group key(utf-8)', value: 'opaque' },
  { id: 8, name: 'history-nodes', key: 'group level(u8) index', value: 'hash, 32 bytes' },
  { id: 9, name: 'artifacts', key: 'sha256', value: '0 + bytes | 1 + size + chunkBytes(u32)' },
  { id: 10, name: 'artifact-chunks', key: 'sha256 n(u32)', value: 'bytes' },
  { id: 11, name: 'artifact-members', key: 'group sha256', value: 'size' },
  { id: 12, name: 'outbox', key: 'opaque', value: 'opaque' },
  { id: 13, name: 'wallet', key: 'opaque', value: 'opaque' },
  { id: 14, name: 'network', key: 'opaque', value: 'opaque' },
  { id: 15, name: 'agents', key: 'opaque', value: 'opaque' },
  { id: 16, name: 'market', key: 'opaque', value: 'opaque' },
  { id: 17, name: 'replacements', key: 'group replacedId', value: 'height index(u16)' },
] as const satisfies readonly TableDescription[];

/** The name of a table. */
export type TableName = (typeof TABLES)[number]['name'];

/** Tables of what the node keeps for itself, whatever group it is about. */
export const NODE_TABLES = ['wallet', 'outbox', 'market', 'agents', 'network'] as const;
export type NodeTable = (typeof NODE_TABLES)[number];

/** Tables whose values may have more than some 10 KB. */
export const LONG_TABLES: ReadonlySet<TableName> = new Set([
  'blocks',
  'effects',
  'artifacts',
  'artifact-chunks',
  ...NODE_TABLES,
]);

/** The id of each table in packed writes. */
export const TABLE_ID: Readonly<Record<TableName, number>> = Object.fromEntries(
  TABLES.map((table) => [table.name, table.id]),
) as Record<TableName, number>;
