/** Which offer is meant, where it may not have come to this node yet. */
import { expect, test } from 'vitest';
import { NotFoundError } from '../../../../actors/errors.ts';
import { findOffer } from '../../../../interfaces/operations/found-offer.ts';
import { openTestNode } from '../../../support/node.ts';

const UNSEEN = 'ab'.repeat(32);

test('an offer with its whole id may be newer than the group on this node', async () => {
  const { node } = await openTestNode();
  const { groupId } = await node.createGroup({ name: 'one' });
  const meant = { groupId, offer: UNSEEN, isHere: true, peers: [] };
  expect(findOffer(node, UNSEEN, undefined)).toEqual(meant);
  expect(findOffer(node, UNSEEN, 'one')).toEqual(meant);
  expect(() => findOffer(node, UNSEEN.slice(0, 8), undefined)).toThrow(NotFoundError);
  // Of two groups neither is meant, unless it is named.
  await node.createGroup({ name: 'two' });
  expect(() => findOffer(node, UNSEEN, undefined)).toThrow(NotFoundError);
  expect(findOffer(node, UNSEEN, 'one')).toEqual(meant);
  const elsewhere = 'cd'.repeat(32);
  expect(findOffer(node, UNSEEN, elsewhere)).toEqual({
    groupId: elsewhere,
    offer: UNSEEN,
    isHere: false,
    peers: [],
  });
});
