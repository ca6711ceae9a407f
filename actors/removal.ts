/**
 * The end of a membership: a member who was removed, or who left. Whoever is removed is given the blocks up
 * to the one that removed them, and nothing after it: so their own chain says it, as it says everything else.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { Effect } from '../events/effects.ts';
import type { Outcome, Removal } from '../events/receipt.ts';
import { type Refusal, type RefusalCode, refuse } from '../events/refusals.ts';
import type { Operation } from '../events/registry.ts';
import type { Transaction } from '../events/transaction.ts';
import { memberTable } from '../machines/tables.ts';
import { decodeEffects } from '../storage/effects.ts';
import type { GroupReader } from '../storage/port.ts';
import { eventsOfStoredBlock } from './chain/publish.ts';
import { StoredState } from './group-view.ts';
import { EffectScan } from './history/effect-scan.ts';

/** Blocks that are looked at for the one that removed an identity of this node: it is the head, or near it. */
const BLOCKS_BACK_MAX = 20_000;

/** Whether somebody was a member, and is none now. */
export const isRemoved = (reader: GroupReader, member: Hex32): boolean => {
  const record = new StoredState(reader).get(memberTable, member);
  return record !== undefined && record.role === undefined;
};

const removes = (effect: Effect, member: Hex32): boolean =>
  effect.kind === 'member.changed' && effect.role === 'none' && effect.member === member;

/** When and by whom a member was removed; nothing for members, and for those who never were. */
export function removalOf(reader: GroupReader, member: Hex32): Removal | undefined {
  if (!isRemoved(reader, member)) return undefined;
  const { height: head } = reader.head()!;
  for (let height = head; height >= Math.max(0, head - BLOCKS_BACK_MAX); height--) {
    const effects = reader.effects(height);
    if (effects === undefined) break;
    if (!decodeEffects(effects).some(({ effect }) => removes(effect, member))) continue;
    for (const { event, tsMs, author } of eventsOfStoredBlock(reader, height))
      if (event.kind !== 'block.sealed' && removes(event, member))
        return { member, height, tsMs, by: author! };
  }
  return { member };
}

/** How the membership of a node in a group ended: where none of its identities is a member, and one was. */
export function endedMembership(reader: GroupReader, identities: Iterable<Hex32>): Removal | undefined {
  const state = new StoredState(reader);
  let removed: Hex32 | undefined;
  for (const key of identities) {
    const record = state.get(memberTable, key);
    if (record?.role !== undefined) return undefined;
    if (record !== undefined) removed ??= key;
  }
  return removed === undefined ? undefined : removalOf(reader, removed);
}

/** Refusals that somebody gets for being a member no more. */
const FOR_MEMBERS: ReadonlySet<RefusalCode> = new Set(['author_unknown', 'role_insufficient']);

/** An outcome with how the author's membership ended, where that may be why it was refused. */
export function withRemoval(outcome: Outcome, removal: () => Removal | undefined): Outcome {
  if (outcome.status === 'sealed' || !FOR_MEMBERS.has(outcome.refusal.code)) return outcome;
  const ended = removal();
  return ended === undefined ? outcome : { ...outcome, removal: ended };
}

/** What a stranger may have sealed by others: coming in by an invite, and seeing to their own purchases. */
export const FOR_STRANGERS: ReadonlySet<Operation['type']> = new Set([
  'invite_accept',
  'purchase',
  'purchase_accept',
  'purchase_dispute',
  'purchase_refund',
]);

/** Why nobody seals a transaction of somebody who was a member, unless any stranger might have made it. */
export function refusalOfRemoved(
  reader: GroupReader,
  { author, operations }: Pick<Transaction, 'author' | 'operations'>,
): Refusal | undefined {
  if (!isRemoved(reader, author) || operations.every(({ type }) => FOR_STRANGERS.has(type))) return undefined;
  return refuse('role_insufficient', { needed: 'member', actual: 'none' });
}

/** Up to which block a former member may be shown a group: the one that ended their last membership. */
export class Removals {
  private readonly scan = new EffectScan((effect) =>
    effect.kind === 'member.changed' && effect.role === 'none' ? effect.member : undefined,
  );

  /** @returns nothing for members and strangers, and where not all of the history is here */
  async heightOf(reader: GroupReader, members: readonly Hex32[]): Promise<number | undefined> {
    const removed = members.filter((member) => isRemoved(reader, member));
    if (removed.length === 0) return undefined;
    return (await this.scan.of(reader))?.findLast(({ what }) => removed.includes(what))?.height;
  }
}
