/** The tables of a store, for writing to them as somebody would who makes their own checksums. */
import { CHECKSUM_BYTES, seal } from '../../storage/checksum.ts';
import type { Environment } from '../../storage/environment.ts';
import type { TableName } from '../../storage/schema.ts';

export interface SealedTable {
  get(key: Uint8Array): Uint8Array | undefined;
  putSync(key: Uint8Array, value: Uint8Array): void;
  removeSync(key: Uint8Array): void;
}

export type SealedTables = Readonly<Record<TableName, SealedTable>>;

export function sealedTables({ tables }: Environment): SealedTables {
  const entries = Object.entries(tables).map(([name, table]): [string, SealedTable] => [
    name,
    {
      get: (key) => table.get(key)?.slice(0, -CHECKSUM_BYTES),
      putSync(key, value) {
        const stored = Buffer.concat([value, new Uint8Array(CHECKSUM_BYTES)]);
        seal(table.tableId, key, stored);
        table.putSync(key, stored);
      },
      removeSync: (key) => void table.removeSync(key),
    },
  ]);
  return Object.fromEntries(entries) as SealedTables;
}
