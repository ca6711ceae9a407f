/**
 * Who may seal a group, and from which height on, as far as a stranger can know: the founder, whom block 0 names, and
 * whoever took the sealing over from there, by acceptances that were proved one after the other, each of them sealed
 * by somebody who could seal at its height.
 */
import { MarketError } from '../../actors/market/errors.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { ProofFacts } from '../../events/proof.ts';
import { MisbehaviourError } from '../errors.ts';
import { HAND_OVERS_MAX } from '../limits.ts';

interface Term {
  /** The block that handed the sealing over: the next one is the first of this term. */
  readonly after: number;
  readonly sealers: readonly Hex32[];
}

export class ProvedSealers {
  private readonly terms: Term[];

  constructor(founder: Hex32) {
    this.terms = [{ after: -1, sealers: [founder] }];
  }

  /** The height of the last hand-over that is known; 0 where none is, since block 0 holds none. */
  get lastHandOver(): number {
    return Math.max(0, this.terms.at(-1)!.after);
  }

  /** Those who may seal now. */
  get present(): readonly Hex32[] {
    return this.terms.at(-1)!.sealers;
  }

  private at(height: number): readonly Hex32[] {
    return this.terms.findLast(({ after }) => after < height)!.sealers;
  }

  /** Whether both seals of a proof are of keys that could seal at their heights. */
  haveSealed({ sealer, height, head }: ProofFacts): boolean {
    return this.at(height).includes(sealer) && this.at(head.height).includes(head.sealer);
  }

  /**
   * Takes in a hand-over, proved against its own block; one that is known already changes nothing.
   * @throws MisbehaviourError for a proof of something else, MarketError where it does not follow from what is known
   */
  follow(facts: ProofFacts): void {
    const { height, head, operations, author } = facts;
    if (height <= this.lastHandOver) return;
    if (!operations.some(({ type }) => type === 'sealer_accept') || head.height !== height)
      throw new MisbehaviourError('a proof of something else than a hand-over');
    if (!this.haveSealed(facts))
      throw new MarketError(
        'proof_rejected',
        'the sealing of the group was handed over by somebody who could not',
      );
    if (this.terms.length > HAND_OVERS_MAX)
      throw new MarketError(
        'proof_rejected',
        `the sealing of the group was handed over more than ${HAND_OVERS_MAX} times; become a member to buy`,
      );
    this.terms.push({ after: height, sealers: [author] });
  }
}
