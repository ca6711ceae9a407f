/**
 * Fills the generated regions of the documentation from the code that they describe.
 *
 * A region begins with `<!-- generated:name -->` and ends with `<!-- /generated -->`. What stands between is
 * made here, so that a table of operations, limits or states cannot disagree with the program. Run this file to
 * write the pages; a test compares them and fails when one is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chainMachine } from '../actors/chain/chain.machine.ts';
import { orderMachine } from '../actors/market/order.machine.ts';
import { nodeMachine } from '../actors/node/node.machine.ts';
import { presenceMachine } from '../actors/presence/presence.machine.ts';
import { taskBoardMachine } from '../actors/tasks/task-board.machine.ts';
import { purchaseMachine } from '../machines/purchase.machine.ts';
import { taskMachine } from '../machines/task.machine.ts';
import { syncMachine } from '../protocol/sync/sync.machine.ts';
import { TABLES as STORAGE_TABLES } from '../storage/schema.ts';
import { boundsTable } from './generate/bounds.ts';
import { settingsTable, variablesTable } from './generate/configuration.ts';
import { effectsTable } from './generate/effects.ts';
import { limitsTable } from './generate/limits.ts';
import { machineDiagram, transitionTable } from './generate/machines.ts';
import { operationsTable, policyTable } from './generate/operations.ts';
import { refusalsTable } from './generate/refusals.ts';
import { sqlViewsTable } from './generate/sql.ts';
import { stateTable } from './generate/state.ts';
import { table } from './generate/table.ts';
import { toolsTable } from './generate/tools.ts';

/** The pages that have generated regions. */
export const PAGES = ['PROTOCOL.md', 'ARCHITECTURE.md', 'CONFIGURATION.md', 'SQL.md', 'MCP.md'] as const;
export type Page = (typeof PAGES)[number];

const HERE = dirname(fileURLToPath(import.meta.url));

/** What each region holds. */
const REGIONS: Readonly<Record<string, () => string>> = {
  limits: limitsTable,
  operations: operationsTable,
  policy: policyTable,
  refusals: refusalsTable,
  state: stateTable,
  effects: effectsTable,
  'task-machine': () => transitionTable(taskMachine),
  'purchase-machine': () => transitionTable(purchaseMachine),
  'task-diagram': () => machineDiagram(taskMachine),
  'purchase-diagram': () => machineDiagram(purchaseMachine),
  'chain-diagram': () => machineDiagram(chainMachine),
  'sync-diagram': () => machineDiagram(syncMachine),
  'node-diagram': () => machineDiagram(nodeMachine),
  'order-diagram': () => machineDiagram(orderMachine),
  'task-board-diagram': () => machineDiagram(taskBoardMachine),
  'presence-diagram': () => machineDiagram(presenceMachine),
  bounds: boundsTable,
  'sql-views': sqlViewsTable,
  storage: storageTable,
  settings: settingsTable,
  variables: variablesTable,
  tools: toolsTable,
};

function storageTable(): string {
  const rows = STORAGE_TABLES.map(({ id, name, key, value }) => [`${id}`, `\`${name}\``, key, value]);
  return table(['id', 'table', 'key', 'value'], rows);
}

const REGION = /(<!-- generated:([a-z-]+) -->\n)[\s\S]*?(<!-- \/generated -->)/g;

/** The page as it should be: the same text with every region made anew. */
export function fill(page: string): string {
  return page.replace(REGION, (_, start: string, name: string, end: string) => {
    const make = REGIONS[name];
    if (make === undefined) throw new Error(`docs: there is no generated region called ${name}`);
    return `${start}\n${make()}\n\n${end}`;
  });
}

/** The text of a page on disk. */
export function readPage(page: Page): string {
  return readFileSync(join(HERE, page), 'utf8');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of PAGES) writeFileSync(join(HERE, page), fill(readPage(page)));
}
