/** Who may seal at which height, as a stranger learns it: only from hand-overs that follow from each other. */
import { describe, expect, it } from 'vitest';
import { MarketError } from '../../../actors/market/errors.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { ProofFacts } from '../../../events/proof.ts';
import { MisbehaviourError } from '../../../protocol/errors.ts';
import { HAND_OVERS_MAX } from '../../../protocol/limits.ts';
import { ProvedSealers } from '../../../protocol/market/proved-sealers.ts';
import { hashOf } from '../../support/people.ts';

const [ann, ben, eve] = [hashOf('ann'), hashOf('ben'), hashOf('eve')];

function proof(height: number, sealer: Hex32, more: Partial<ProofFacts> = {}): ProofFacts {
  const [groupId, txId, author, blockId] = ['group', 'transaction', 'author', 'block'].map(hashOf) as Hex32[];
  const head = { height, blockId: blockId!, tsMs: 0, sealer };
  return {
    groupId: groupId!,
    txId: txId!,
    author: author!,
    operations: [],
    height,
    index: 0,
    blockId: blockId!,
    tsMs: 0,
    sealer,
    head,
    founder: ann,
    sealerIsFounder: sealer === ann,
    ...more,
  };
}

const handOver = (height: number, from: Hex32, to: Hex32): ProofFacts =>
  proof(height, from, { author: to, operations: [{ type: 'sealer_accept' }] });

const under = (facts: ProofFacts, headHeight: number, sealer: Hex32): ProofFacts => ({
  ...facts,
  head: { ...facts.head, height: headHeight, sealer },
});

describe('the sealers that hand-overs prove', () => {
  it('are the founder alone, until the founder hands over; each counts at the heights of their own time', () => {
    const sealers = new ProvedSealers(ann);
    expect(sealers.haveSealed(under(proof(0, ann), 9, ann))).toBe(true);
    expect(sealers.haveSealed(under(proof(0, ann), 9, ben))).toBe(false);
    sealers.follow(handOver(5, ann, ben));
    sealers.follow(handOver(8, ben, ann));
    expect(sealers.present).toEqual([ann]);
    expect(sealers.lastHandOver).toBe(8);
    const wholes: [height: number, sealer: Hex32, head: number, headSealer: Hex32, holds: boolean][] = [
      [5, ann, 6, ben, true],
      [6, ben, 8, ben, true],
      [6, ben, 9, ann, true],
      // Whoever has handed over cannot seal on in secret.
      [6, ann, 9, ann, false],
      [5, ann, 7, ann, false],
      [9, ben, 9, ben, false],
    ];
    for (const [height, sealer, headHeight, headSealer, holds] of wholes)
      expect(sealers.haveSealed(under(proof(height, sealer), headHeight, headSealer)), `${height}`).toBe(
        holds,
      );
  });

  it('change by nothing that somebody sealed who could not, that is older, or that is no hand-over', () => {
    const sealers = new ProvedSealers(ann);
    expect(() => sealers.follow(handOver(3, eve, eve))).toThrow(MarketError);
    expect(() => sealers.follow(proof(3, ann))).toThrow(MisbehaviourError);
    expect(() => sealers.follow(under(handOver(3, ann, eve), 4, ann))).toThrow(MisbehaviourError);
    sealers.follow(handOver(5, ann, ben));
    sealers.follow(handOver(5, ann, eve));
    sealers.follow(handOver(4, ann, eve));
    expect(() => sealers.follow(handOver(6, ann, eve))).toThrow(MarketError);
    expect(sealers.present).toEqual([ben]);
  });

  it('are followed for so many hand-overs, and no further', () => {
    const sealers = new ProvedSealers(ann);
    const at = (count: number): Hex32 => (count % 2 === 0 ? ann : ben);
    for (let count = 0; count < HAND_OVERS_MAX; count++)
      sealers.follow(handOver(count + 1, at(count), at(count + 1)));
    expect(() => sealers.follow(handOver(HAND_OVERS_MAX + 1, at(0), ben))).toThrow(MarketError);
  });
});
