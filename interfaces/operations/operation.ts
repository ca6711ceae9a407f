/**
 * What an operation is: one description that MCP, HTTP and the command line serve alike. It names its parameters and
 * its result by schemas, says what it does to the group, and has one function that does it.
 *
 *   define({
 *     name: 'fail_task',
 *     title: 'Fail a task',
 *     description: 'Gives your work on a task up as failed.',
 *     toolset: 'default',
 *     effect: 'ends',
 *     input: input({ group_id: groupId, task_id: taskId, error: optional(…) }),
 *     output: taskResult,
 *     run: async (call, { task_id, error }) => …,
 *   })
 */
import { Compile } from 'typebox/compile';
import type { BatteryNode } from '../../node.ts';
import { cleanLine, shorten } from '../cli/text.ts';
import type { ObjectSchema, ValueOf } from './schema.ts';
import { textProblems } from './text-check.ts';

/** Which operations a server offers: `default` is what every agent needs, the others are asked for by name. */
export const TOOLSETS = {
  default: 'what every agent needs',
  knowledge: 'retractions, threads, records of runs',
  tasks: 'assign, release, cancel, report, delegate',
  groups: 'groups, members, invites, policy',
  tokens: 'balances, transfers, minting',
  market: 'what follows a purchase, for both sides; buying to the end, announcements',
  audit: 'history, audit, proofs',
  network: 'the node itself',
  conformance: "fixtures of the protocol's own test suite, for those who run it",
} as const;
export type Toolset = keyof typeof TOOLSETS;

/**
 * What an operation does: `reads` nothing changes; `adds` something new comes about; `sets` it is so afterwards,
 * however often it is said; `ends` something is over that was not.
 */
export type OperationEffect = 'reads' | 'adds' | 'sets' | 'ends';

/** What a caller must be allowed: to read, to sign as his identity, or to act on the node itself. */
export type Scope = 'read' | 'write' | 'admin';

/** One call of an operation. */
export interface Call {
  readonly node: BatteryNode;
  /** The identity that signs; nothing for a caller that may only read. */
  readonly identity: string | undefined;
  /** Aborted when the caller goes away or takes the call back. */
  readonly signal: AbortSignal;
  /** Says how far a long call is. */
  progress(done: number, total: number | undefined, message: string): void;
}

export interface Operation<I extends ObjectSchema = ObjectSchema, O extends ObjectSchema = ObjectSchema> {
  /** In snake_case; also the name of the tool and of the HTTP path. */
  readonly name: string;
  readonly title: string;
  /** One or two sentences for whoever chooses among operations. */
  readonly description: string;
  readonly toolset: Toolset;
  readonly effect: OperationEffect;
  readonly scope: Scope;
  /** Whether it is about things outside of this node's groups. */
  readonly isOpenWorld: boolean;
  /** Whether it is about more than the groups that a caller reaches: closed to callers who reach only some. */
  readonly isNodeWide: boolean;
  readonly input: I;
  readonly output: O;
  /** @throws every error that `failureOf` knows */
  run(call: Call, input: ValueOf<I>): Promise<ValueOf<O>>;
  /** Whether `value` is an input, and if not, why. */
  readonly check: Checker;
}

/** What is wrong with an input, one line each; nothing where it fits. */
export type Checker = (value: unknown) => readonly string[];

type Described<I extends ObjectSchema, O extends ObjectSchema> = Omit<
  Operation<I, O>,
  'run' | 'check' | 'scope' | 'isOpenWorld' | 'isNodeWide'
> & {
  readonly scope?: Scope;
  readonly isOpenWorld?: boolean;
  readonly isNodeWide?: boolean;
  run(call: Call, input: ValueOf<I>): Promise<ValueOf<O>> | ValueOf<O>;
};

/**
 * Declares an operation. What changes something needs the scope `write`, unless it says more; and what takes no
 * `group_id` is about the whole node, unless it says that it looks at the groups which its caller reaches alone.
 */
export function define<I extends ObjectSchema, O extends ObjectSchema>(
  described: Described<I, O>,
): Operation {
  const { scope = described.effect === 'reads' ? 'read' : 'write', isOpenWorld = false } = described;
  const { isNodeWide = !Object.hasOwn(described.input.properties, 'group_id') } = described;
  const operation: Operation<I, O> = {
    ...described,
    scope,
    isOpenWorld,
    isNodeWide,
    run: async (call, input) => described.run(call, input),
    check: checker(described.input),
  };
  // Callers hold operations of every kind in one table, and check the input before they hand it over.
  return operation as unknown as Operation;
}

/** A check that is compiled when it is first needed: most processes use few operations. */
export function checker(schema: ObjectSchema): Checker {
  let compiled: ReturnType<typeof Compile> | undefined;
  return (value) => {
    compiled ??= Compile(schema);
    if (!compiled.Check(value)) return describeProblems(compiled.Errors(value));
    return textProblems(schema, value).slice(0, PROBLEMS_MAX);
  };
}

/** Problems that one answer names; a caller mends the first ones first anyway. */
const PROBLEMS_MAX = 5;

interface Problem {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

function describeProblems(problems: readonly Problem[]): string[] {
  const lines = problems.flatMap((problem) => {
    const path = problem.instancePath.slice(1).replaceAll('/', '.');
    const { keyword, message, params } = problem;
    // What is not allowed is named by `additionalProperties`, and reported once more for each of its names.
    if (keyword === 'boolean') return [];
    if (keyword === 'additionalProperties')
      return [`there is no parameter ${namesIn(params, 'additionalProperties')}`];
    if (keyword === 'required') return [`${namesIn(params, 'requiredProperties')} is missing`];
    if (keyword === 'enum') return [`${path} must be one of ${namesIn(params, 'allowedValues')}`];
    return [`${path === '' ? 'the input' : path} ${message}`];
  });
  return [...new Set(lines)].slice(0, PROBLEMS_MAX);
}

/** Names that one line has: those of the caller can be as many, and as long, as the caller likes. */
const NAMES_MAX = 12;
const NAME_CHARACTERS_MAX = 40;

function namesIn(params: object, key: string): string {
  const found: unknown = Reflect.get(params, key);
  const names = Array.isArray(found) ? found : [found];
  const shown = names
    .slice(0, NAMES_MAX)
    .map((name) => shorten(cleanLine(String(name).slice(0, 2 * NAME_CHARACTERS_MAX)), NAME_CHARACTERS_MAX));
  return names.length > NAMES_MAX ? `${shown.join(', ')} … (${names.length} in all)` : shown.join(', ');
}
