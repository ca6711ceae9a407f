/**
 * Where in the log a purchase left its traces. The state knows when it was made and granted, and blocks are found by
 * their times; only the end has to be searched for.
 */
import { sha256 } from '../../crypto/hash.ts';
import { decodeBlock } from '../../events/block.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import type { PurchaseStatus } from '../../events/effects.ts';
import { decodeTransaction } from '../../events/transaction.ts';
import { offerIdOf } from '../../machines/market.ts';
import type { GroupReader } from '../../storage/port.ts';
import { heightsAt } from '../block-times.ts';
import { eventsOfStoredBlock } from '../chain/publish.ts';
import type { Offer, Purchase } from '../group-view.ts';

/** Blocks looked through between two turns of the event loop. */
const BLOCKS_PER_TURN = 64;

/** The transaction that brought a purchase to `status`, in one of the blocks of that time. */
function changeAt(
  reader: GroupReader,
  tsMs: number,
  purchase: Hex32,
  status: PurchaseStatus,
): { txId: Hex32; height: number } | undefined {
  for (const height of heightsAt(reader, tsMs)) {
    const txId = changeIn(reader, height, purchase, [status]);
    if (txId !== undefined) return { txId, height };
  }
  return undefined;
}

function changeIn(
  reader: GroupReader,
  height: number,
  purchase: Hex32,
  statuses: readonly PurchaseStatus[],
): Hex32 | undefined {
  for (const { event, txId } of eventsOfStoredBlock(reader, height))
    if (event.kind === 'purchase.changed' && event.purchase === purchase && statuses.includes(event.status))
      return txId;
  return undefined;
}

/** The transaction that granted a purchase. */
export function grantOf(reader: GroupReader, purchase: Purchase): Hex32 | undefined {
  const { disputeUntilMs, disputeWindowMs } = purchase;
  if (disputeUntilMs === undefined) return undefined;
  return changeAt(reader, disputeUntilMs - disputeWindowMs, purchase.purchase, 'granted')?.txId;
}

/** The transactions that made, granted and ended a purchase, in this order; those that there are. */
export async function trailOf(reader: GroupReader, purchase: Purchase): Promise<Hex32[]> {
  const made = changeAt(reader, purchase.createdMs, purchase.purchase, 'escrowed');
  if (made === undefined) return [];
  const granted = grantOf(reader, purchase);
  const trail = granted === undefined ? [made.txId] : [made.txId, granted];
  if (purchase.status === 'escrowed' || purchase.status === 'granted') return trail;
  const ends = ['settled', 'refunded', 'disputed'] as const;
  const last = reader.head()!.height;
  for (let height = made.height; height <= last; height++) {
    const ended = changeIn(reader, height, purchase.purchase, ends);
    if (ended !== undefined) return [...trail, ended];
    if (height % BLOCKS_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return trail;
}

/** The transaction that made an offer. */
export function creationOf(reader: GroupReader, offer: Offer): Hex32 | undefined {
  for (const height of heightsAt(reader, offer.createdMs)) {
    const { transactions } = decodeBlock(reader.block(height)!);
    for (const bytes of transactions) {
      const { payload, operations } = decodeTransaction(bytes);
      const txId = sha256(payload);
      if (
        operations.some(
          (one, at) => one.type === 'offer_create' && offerIdOf(txId, at, sha256) === offer.offer,
        )
      )
        return toHex(txId);
    }
  }
  return undefined;
}
