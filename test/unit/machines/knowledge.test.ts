import { describe, expect, it } from 'vitest';
import { holds, type Standing, standingOf } from '../../../machines/knowledge.ts';
import { claim, experience, memberAdd, memberRemove, reinstate, retract } from '../../support/operations.ts';
import { alice, bob, founder, hashOf, stranger } from '../../support/people.ts';
import { by, effects, given, joined, opened, refused } from '../../support/rules.ts';
import type { World } from '../../support/world.ts';

const people = [opened({ claim_reward_amount: 3n }), joined(alice), joined(bob)];
const on = (...evidence: string[]) => ({ evidence: evidence.map(hashOf) });
const isIn = (world: World, text: string) => holds(hashOf(text), (id) => standingOf(world.chain.state, id));

describe('claim', () => {
  it('is published with its parent, evidence and tags, and earns the reward', () => {
    given(...people, by(bob, claim('thread'), experience('run')))
      .when(alice, claim('c', { parent: hashOf('thread'), ...on('thread', 'run'), tags: ['a', 'b'] }))
      .thenExactly(
        effects(
          {
            kind: 'claim.published',
            claim: hashOf('c'),
            author: alice.publicKey,
            parent: hashOf('thread'),
            evidence: [hashOf('thread'), hashOf('run')],
            tags: ['a', 'b'],
          },
          { kind: 'reward.paid', source: 'claim', to: alice.publicKey, amount: 3n },
        ),
      );
  });

  it('of an artifact that the group knows is refused, whoever made it known and how', () => {
    given(...people, by(bob, claim('c'), experience('run')), by(bob, retract('c')))
      .when(alice, claim('c'))
      .thenExactly(refused('artifact_known'))
      .when(alice, claim('run'))
      .thenExactly(refused('artifact_known'))
      .when(alice, experience('c'))
      .thenExactly(refused('artifact_known'))
      .when(alice, claim('twice'), claim('twice'))
      .thenExactly(refused('artifact_known'));
  });

  it('has a claim as parent, not just any artifact, and cannot refer to itself', () => {
    given(...people, by(bob, experience('run')))
      .when(alice, claim('c', { parent: hashOf('run') }))
      .thenExactly(refused('claim_unknown'))
      .when(alice, claim('c', { parent: hashOf('c') }))
      .thenExactly(refused('claim_unknown'))
      .when(alice, claim('c', on('c')))
      .thenExactly(refused('reference_unknown'));
  });

  it('may refer to a claim of the same transaction that stands before it', () => {
    given(...people)
      .when(alice, claim('a'), claim('b', on('a')))
      .thenAccepted();
    given(...people)
      .when(alice, claim('b', on('a')), claim('a'))
      .thenExactly(refused('reference_unknown'));
  });

  it('needs a member, as an experience does', () => {
    given(opened(), joined(alice, { role: 'viewer' }))
      .when(alice, claim('c'))
      .thenExactly(refused('role_insufficient', { needed: 'member', actual: 'viewer' }))
      .when(alice, experience('e'))
      .thenExactly(refused('role_insufficient'))
      .when(stranger, claim('c'))
      .thenExactly(refused('role_insufficient', { needed: 'member', actual: 'none' }));
  });
});

describe('experience', () => {
  it('is recorded and earns nothing', () => {
    given(...people)
      .when(alice, experience('run'))
      .thenExactly(
        effects({ kind: 'experience.recorded', artifact: hashOf('run'), author: alice.publicKey }),
      );
  });
});

describe('retract', () => {
  it('is for the author and for admins', () => {
    const steps = [...people, by(alice, claim('c'))];
    given(...steps)
      .when(bob, retract('c'))
      .thenExactly(refused('not_claim_author'));
    given(...steps)
      .when(alice, retract('c', 'was wrong'))
      .thenExactly(
        effects({ kind: 'claim.retracted', claim: hashOf('c'), by: alice.publicKey, reason: 'was wrong' }),
      );
    given(...steps)
      .when(founder, retract('c'))
      .thenExactly(effects({ kind: 'claim.retracted', claim: hashOf('c'), by: founder.publicKey }));
  });

  it('is not for an author who is no longer a member, or only a viewer', () => {
    given(...people, by(alice, claim('c')), by(founder, memberRemove(alice)))
      .when(alice, retract('c'))
      .thenExactly(refused('not_claim_author'))
      .given(by(founder, memberAdd(alice, 'viewer')))
      .when(alice, retract('c'))
      .thenExactly(refused('not_claim_author'));
  });

  it('of an unknown claim, or of an experience, is refused', () => {
    given(...people, by(alice, experience('run')))
      .when(alice, retract('run'))
      .thenExactly(refused('claim_unknown'));
  });
});

describe('reinstate', () => {
  it('takes back the own retraction; an admin’s stands until an admin takes it back', () => {
    given(...people, by(alice, claim('c')), by(alice, retract('c')))
      .when(alice, reinstate('c', 'was right'))
      .thenExactly(
        effects({ kind: 'claim.reinstated', claim: hashOf('c'), by: alice.publicKey, reason: 'was right' }),
      )
      .given(by(founder, retract('c')))
      .when(alice, reinstate('c'))
      .thenExactly(refused('not_claim_author', { claim: hashOf('c'), author: founder.publicKey }))
      .when(founder, reinstate('c'))
      .thenAccepted();
  });
});

describe('truth maintenance', () => {
  it('a claim without evidence is in until it is retracted, and again when it is reinstated', () => {
    const { world } = given(...people, by(alice, claim('c')));
    expect(isIn(world, 'c')).toBe(true);
    by(alice, retract('c'))(world);
    expect(isIn(world, 'c')).toBe(false);
    by(alice, reinstate('c'))(world);
    expect(isIn(world, 'c')).toBe(true);
    expect(isIn(world, 'never published')).toBe(false);
  });

  it('retraction goes up the evidence and comes back', () => {
    const chain = by(alice, claim('ground'), claim('middle', on('ground')), claim('top', on('middle')));
    const { world } = given(...people, chain);
    expect(['ground', 'middle', 'top'].map((text) => isIn(world, text))).toEqual([true, true, true]);
    by(alice, retract('ground'))(world);
    expect(['ground', 'middle', 'top'].map((text) => isIn(world, text))).toEqual([false, false, false]);
    by(alice, reinstate('ground'))(world);
    expect(['ground', 'middle', 'top'].map((text) => isIn(world, text))).toEqual([true, true, true]);
  });

  it('one piece of evidence that is in is enough', () => {
    const { world } = given(...people, by(alice, claim('a'), claim('b'), claim('top', on('a', 'b'))));
    by(alice, retract('a'))(world);
    expect(isIn(world, 'top')).toBe(true);
    by(alice, retract('b'))(world);
    expect(isIn(world, 'top')).toBe(false);
  });

  it('an artifact as evidence neither carries a claim nor drops it', () => {
    const { world } = given(
      ...people,
      by(
        alice,
        claim('a'),
        experience('run'),
        claim('on a run', on('run')),
        claim('on both', on('run', 'a')),
      ),
      by(alice, retract('a')),
    );
    expect(isIn(world, 'on a run')).toBe(true);
    expect(isIn(world, 'on both')).toBe(false);
  });

  it('a parent is no evidence', () => {
    const { world } = given(...people, by(alice, claim('p'), claim('c', { parent: hashOf('p') })));
    by(alice, retract('p'))(world);
    expect(isIn(world, 'c')).toBe(true);
  });

  it('walks a chain of a hundred thousand without running out of stack, and a wide one once', () => {
    const length = 100_000;
    const standing = (...evidence: string[]): Standing => ({ evidence, isRetracted: false });
    const claims = new Map([['0', standing()]]);
    for (let at = 1; at < length; at++) claims.set(String(at), standing(String(at - 1)));
    let reads = 0;
    const read = (id: string) => {
      reads++;
      return claims.get(id);
    };
    expect(holds(String(length - 1), read)).toBe(true);
    expect(reads).toBeLessThan(5 * length);
    claims.set('0', { evidence: [], isRetracted: true });
    expect(holds(String(length - 1), read)).toBe(false);
  });
});
