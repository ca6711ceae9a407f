/**
 * Battery Node: the public API.
 *
 *   await using node = await BatteryNode.openOrInit({ data: './lb-data' });
 *   const group = await node.createGroup({ name: 'domain:research' });
 *   const { claim } = await group.as('node').publishClaim({ text: 'Always validate inputs.' });
 */
export { Agent, type Batch, type NewClaim, type NewOffer, type NewTask, unwrap } from './actors/agent.ts';
export { AmbiguousIdError, NotFoundError, RefusedError, UsageError } from './actors/errors.ts';
export { Group, type GroupInfo, type ReadBlock, type ReadClaim } from './actors/group.ts';
export { GroupView } from './actors/group-view.ts';
export { type Cursor, formatCursor, type LogEvent, type MomentEvent, parseCursor } from './events/bus.ts';
export type { Effect } from './events/effects.ts';
export type { Outcome, Receipt } from './events/receipt.ts';
export { describeRefusal, REFUSAL_CODES, type Refusal, type RefusalCode } from './events/refusals.ts';
export { OPERATIONS, type Operation } from './events/registry.ts';
export { BatteryNode, DEFAULT_POLICY, type NewGroup, type OpenOptions } from './node.ts';
