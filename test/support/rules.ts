/**
 * Given, when, then for rules, strict about order:
 *
 *     given(opened(), joined(alice), by(alice, taskCreate('t')))
 *       .when(alice, taskCreate('t'))
 *       .thenExactly(refused('task_exists', { task: 't' }));
 *
 * Every step of `given` must be accepted. `thenExactly` compares all effects in their order, or the refusal.
 */
import { expect } from 'vitest';
import type { Effect } from '../../events/effects.ts';
import type { Policy } from '../../events/operations/group.ts';
import { describeRefusal, type RefusalCode, type RefusalPayloads } from '../../events/refusals.ts';
import { genesis, memberAdd, mint } from './operations.ts';
import { founder, type Person } from './people.ts';
import { type Outcome, type Scripted, type Step, World } from './world.ts';

/** A transaction that must be accepted. */
export const by =
  (author: Person, ...operations: Scripted[]): Step =>
  (world) => {
    const { refusal } = world.act(author, ...operations);
    if (refusal !== undefined)
      throw new Error(`a step of the script was refused: ${describeRefusal(refusal)}`);
  };

/** The group is founded, with `POLICY` as changed. */
export const opened = (policy: Partial<Policy> = {}): Step => by(founder, genesis(policy));

/** Somebody becomes a member, and owns this much. */
export const joined =
  (
    who: Person,
    { role = 'member', balance = 0n }: { role?: 'viewer' | 'member' | 'admin'; balance?: bigint } = {},
  ): Step =>
  (world) => {
    by(founder, memberAdd(who, role))(world);
    if (balance > 0n) by(founder, mint(who, balance))(world);
  };

/** Time passes. */
export const later =
  (ms: number): Step =>
  (world) => {
    world.nowMs += ms;
  };

interface ExpectedRefusal {
  readonly code: RefusalCode;
  readonly payload: object | undefined;
}
type Expected = ExpectedRefusal | { readonly effects: readonly Effect[] };

/** That the transaction is refused with this code and, when given, exactly this payload. */
export function refused<C extends RefusalCode>(code: C, payload?: RefusalPayloads[C]): ExpectedRefusal {
  return { code, payload };
}

/** That the transaction is accepted and brings about exactly these effects in this order. */
export const effects = (...list: readonly Effect[]): Expected => ({ effects: list });

export class Then {
  readonly world: World;
  readonly outcome: Outcome;

  constructor(world: World, outcome: Outcome) {
    this.world = world;
    this.outcome = outcome;
  }

  thenExactly(expected: Expected): this {
    if ('effects' in expected) expect(this.outcome).toStrictEqual({ effects: expected.effects });
    else if (expected.payload === undefined) expect(this.outcome.refusal?.code).toBe(expected.code);
    else expect(this.outcome).toEqual({ refusal: { code: expected.code, ...expected.payload } });
    return this;
  }

  /** That the transaction is accepted, whatever it brings about. */
  thenAccepted(): this {
    expect(this.outcome.refusal).toBeUndefined();
    return this;
  }

  /** Looks at the state afterwards. */
  and(check: (world: World) => void): this {
    check(this.world);
    return this;
  }

  /** Goes on in the same world. */
  when(author: Person, ...operations: Scripted[]): Then {
    return new Then(this.world, this.world.act(author, ...operations));
  }

  /** Further steps in the same world, which must be accepted. */
  given(...steps: Step[]): this {
    for (const step of steps) step(this.world);
    return this;
  }
}

/** A world in which all these steps were accepted. */
export class Given {
  readonly world = new World();

  constructor(steps: readonly Step[]) {
    for (const step of steps) step(this.world);
  }

  /** Looks at the state as it is. */
  and(check: (world: World) => void): this {
    check(this.world);
    return this;
  }

  when(author: Person, ...operations: Scripted[]): Then {
    return new Then(this.world, this.world.act(author, ...operations));
  }
}

export const given = (...steps: Step[]): Given => new Given(steps);
