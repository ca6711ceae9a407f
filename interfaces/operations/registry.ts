/** Every operation, by name and by toolset. */
import { compileContext, contextDesk } from './context.ts';
import { groupDesk } from './groups.ts';
import { historyDesk } from './history.ts';
import { getRecentClaims, publishClaim, watchClaims } from './knowledge.ts';
import { getClaim, knowledgeDesk } from './knowledge-desk.ts';
import { createOffer, listOffers, purchaseOffer } from './market.ts';
import { networkDesk } from './network.ts';
import { nextTask } from './next-task.ts';
import { nodeDesk } from './node.ts';
import type { Operation } from './operation.ts';
import { orderDesk } from './orders.ts';
import { getPresence, updatePresence } from './presence.ts';
import { marketDesk } from './purchases.ts';
import { taskDesk } from './task-desk.ts';
import { completeTask, createTask, failTask, listTasks, startTask } from './tasks.ts';
import { tokenDesk } from './tokens.ts';
import type { Toolset } from './toolset.ts';

/** In the order in which they are listed. */
export const OPERATIONS: readonly Operation[] = [
  publishClaim,
  compileContext,
  getRecentClaims,
  watchClaims,
  getClaim,
  createTask,
  startTask,
  completeTask,
  failTask,
  listTasks,
  nextTask,
  updatePresence,
  getPresence,
  createOffer,
  listOffers,
  purchaseOffer,
  ...knowledgeDesk,
  ...contextDesk,
  ...taskDesk,
  ...groupDesk,
  ...tokenDesk,
  ...marketDesk,
  ...orderDesk,
  ...historyDesk,
  ...nodeDesk,
  ...networkDesk,
];

const BY_NAME: ReadonlyMap<string, Operation> = new Map(OPERATIONS.map((one) => [one.name, one]));

export function operationNamed(name: string): Operation | undefined {
  return BY_NAME.get(name);
}

/** The operations of some toolsets, in their order. */
export function operationsOf(toolsets: ReadonlySet<Toolset>): readonly Operation[] {
  return OPERATIONS.filter(({ toolset }) => toolsets.has(toolset));
}
