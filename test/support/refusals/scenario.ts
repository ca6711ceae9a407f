/**
 * A scenario: a script, and the one thing that is refused after it with a certain code and payload. The unit
 * tests run each by its code; the vectors carry their bytes to other implementations.
 */
import type { Refusal, RefusalCode, RefusalPayloads } from '../../../events/refusals.ts';
import type { Person } from '../people.ts';
import type { Scripted, Step, World } from '../world.ts';

type Payload<C extends RefusalCode> = RefusalPayloads[C] | ((world: World) => RefusalPayloads[C]);

export type Attempt =
  /** A signed transaction of these operations. */
  | { readonly kind: 'operations'; readonly author: Person; readonly operations: readonly Scripted[] }
  /** A transaction's bytes. */
  | { readonly kind: 'transaction'; readonly bytes: (world: World) => Uint8Array }
  /** A block's bytes. */
  | { readonly kind: 'block'; readonly bytes: (world: World) => Uint8Array }
  /** Something that no bytes alone can bring about: admission, or a clock. */
  | { readonly kind: 'local'; readonly judge: (world: World) => Refusal | undefined };

export interface Scenario<C extends RefusalCode = RefusalCode> {
  readonly given: readonly Step[];
  readonly attempt: Attempt;
  /** The exact payload; left out only where it is a text for people. */
  readonly payload: Payload<C> | undefined;
}

/** One for each code. */
export type Scenarios = { readonly [C in RefusalCode]: Scenario<C> };
/** For the codes of one domain: all.ts puts them together, and there the compiler asks for what is missing. */
export type SomeScenarios = Partial<Scenarios>;

export const operations = <C extends RefusalCode>(
  given: readonly Step[],
  author: Person,
  list: readonly Scripted[],
  payload?: Payload<C>,
): Scenario<C> => ({ given, attempt: { kind: 'operations', author, operations: list }, payload });

export const transaction = <C extends RefusalCode>(
  given: readonly Step[],
  bytes: (world: World) => Uint8Array,
  payload?: Payload<C>,
): Scenario<C> => ({ given, attempt: { kind: 'transaction', bytes }, payload });

export const block = <C extends RefusalCode>(
  given: readonly Step[],
  bytes: (world: World) => Uint8Array,
  payload?: Payload<C>,
): Scenario<C> => ({ given, attempt: { kind: 'block', bytes }, payload });

export const local = <C extends RefusalCode>(
  given: readonly Step[],
  judge: (world: World) => Refusal | undefined,
  payload?: Payload<C>,
): Scenario<C> => ({ given, attempt: { kind: 'local', judge }, payload });
