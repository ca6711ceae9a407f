/** The answer of a call, made again from the transaction that it signed: what the chain says of it. */
import type { Noted } from '../../actors/chain/signed-within.ts';
import type { Group } from '../../actors/group.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Effect } from '../../events/effects.ts';
import type { Operation as SignedOperation } from '../../events/registry.ts';
import { fits, type Operation } from './operation.ts';

/** A transaction of a call that was sealed. */
export interface Sealed {
  readonly group: Group;
  readonly txId: Hex32;
  readonly height: number;
  readonly tsMs: number;
  readonly operations: readonly SignedOperation[];
  readonly effects: readonly Effect[];
}

/** What is known of a call that was done, and whose answer was never written down. */
export interface LeftBehind {
  /** The last transaction that it signed and that was sealed. */
  readonly sealed: Sealed | undefined;
  readonly noted: Noted;
}

export function sealedOf(group: Group, txId: Hex32): Sealed {
  const { height, index } = group.findTransaction(txId).location;
  const { block, transactions, effects } = group.block(height);
  return {
    ...{ group, txId, height },
    tsMs: block.header.tsMs,
    operations: transactions[index]!.operations,
    effects: effects.filter(({ transaction }) => transaction === index).map(({ effect }) => effect),
  };
}

/** The answer that the operation would have given; nothing where the transaction does not say all of it. */
export function receiptOf(sealed: Sealed, { output }: Operation): unknown {
  const { txId, height, tsMs, operations, effects } = sealed;
  const known: Record<string, unknown> = { tx_id: txId, height, ts_ms: tsMs };
  for (const effect of effects) Object.assign(known, saidBy(effect));
  for (const operation of operations) {
    if (operation.type === 'task_complete' && operation.result !== undefined) known.result = operation.result;
    if (operation.type === 'presence') known.status = operation.status;
  }
  // Whatever says where it was sealed says when as well.
  const isSaid = (name: string): boolean =>
    Object.hasOwn(output.properties, name === 'ts_ms' ? 'tx_id' : name);
  const answer = Object.fromEntries(Object.entries(known).filter(([name]) => isSaid(name)));
  return fits(output, answer) ? answer : undefined;
}

/** What an effect says of what an operation answers. */
function saidBy(effect: Effect): Readonly<Record<string, unknown>> {
  switch (effect.kind) {
    case 'claim.published':
      return { claim_id: effect.claim };
    case 'experience.recorded':
      return { artifact: effect.artifact };
    case 'task.changed':
      return { task_id: effect.task, status: effect.status, attempt: effect.attempt };
    case 'invite.changed':
      return { invite_id: effect.invite };
    case 'offer.created':
      return { offer_id: effect.offer, price: effect.price.toString() };
    case 'purchase.changed':
      return { purchase_id: effect.purchase, offer_id: effect.offer, price: effect.amount.toString() };
    default:
      return {};
  }
}
