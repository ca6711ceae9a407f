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
import { similarTo } from '../cli/suggest.ts';
import { asMeant, doubtsAbout, type Form, formOf, quoted } from './arguments.ts';
import type { Names } from './next-steps.ts';
import type { LeftBehind } from './receipt-again.ts';
import type { ObjectSchema, ValueOf } from './schema.ts';
import { textProblems } from './text-check.ts';
import type { Toolset } from './toolset.ts';

/**
 * What an operation does: `reads` nothing changes; `adds` something new comes about; `sets` it is so afterwards,
 * however often it is said; `ends` something is over that was not.
 */
export type OperationEffect = 'reads' | 'adds' | 'sets' | 'ends';

/** What a caller must be allowed: to read, to sign as its identity, or to act on the node itself. */
export type Scope = 'read' | 'write' | 'admin';

/** One call of an operation. */
export interface Call {
  readonly node: BatteryNode;
  /** The identity that signs; nothing for a caller that may only read. */
  readonly identity: string | undefined;
  /** Aborted when the caller goes away or takes the call back. */
  readonly signal: AbortSignal;
  /** What operations are called where the caller is, and which are offered there; all, by their names, if not given. */
  readonly names?: Names;
  /** How long the answer may be, as JSON, in estimated tokens; about a mebibyte, if not given. */
  readonly answerTokens?: number;
  /** Aborted when nobody will ask again: what waits for something to happen then answers with what there is. */
  readonly leaving?: AbortSignal;
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
  /**
   * The answer of a call that was done before its node went down; nothing where it was not done. For what the
   * transaction alone does not say: see `receipt-again.ts`.
   */
  again?(call: Call, input: ValueOf<I>, left: LeftBehind): Promise<ValueOf<O> | undefined>;
  /** The input that a caller means by what it sent, or why that is none. */
  readonly take: Taker;
}

/** What a caller sent: an input, or what is wrong with it, a line for each thing. */
export type Taken =
  | { readonly input: ValueOf<ObjectSchema>; readonly problems?: never }
  | { readonly input?: never; readonly problems: readonly string[] };
export type Taker = (given: unknown) => Taken;

type Described<I extends ObjectSchema, O extends ObjectSchema> = Omit<
  Operation<I, O>,
  'run' | 'again' | 'take' | 'scope' | 'isOpenWorld' | 'isNodeWide'
> & {
  readonly scope?: Scope;
  readonly isOpenWorld?: boolean;
  readonly isNodeWide?: boolean;
  run(call: Call, input: ValueOf<I>): Promise<ValueOf<O>> | ValueOf<O>;
  again?(
    call: Call,
    input: ValueOf<I>,
    left: LeftBehind,
  ): Promise<ValueOf<O> | undefined> | ValueOf<O> | undefined;
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
  const { again, ...rest } = described;
  const operation: Operation<I, O> = {
    ...rest,
    ...(again === undefined
      ? {}
      : { again: async (call: Call, input: ValueOf<I>, left: LeftBehind) => again(call, input, left) }),
    scope,
    isOpenWorld,
    isNodeWide,
    run: async (call, input) => described.run(call, input),
    take: taker(described.input),
  };
  // Callers hold operations of every kind in one table, and check the input before they hand it over.
  return operation as unknown as Operation;
}

/** Takes what hosts send for a schema. The check is compiled when it is first needed: most processes use few. */
export function taker(schema: ObjectSchema): Taker {
  let compiled: ReturnType<typeof Compile> | undefined;
  return (given) => {
    compiled ??= Compile(schema);
    const input = asMeant(schema, given);
    if (!compiled.Check(input)) return { problems: describeProblems(schema, input, compiled.Errors(input)) };
    const problems = [...doubtsAbout(schema, input), ...textProblems(schema, input)].slice(0, PROBLEMS_MAX);
    return problems.length > 0 ? { problems } : { input: input as ValueOf<ObjectSchema> };
  };
}

/** Whether a value is what a schema says, to the letter. */
export function fits(schema: ObjectSchema, value: unknown): boolean {
  return Compile(schema).Check(value);
}

/** Problems that one answer names; a caller mends the first ones first anyway. */
const PROBLEMS_MAX = 5;

interface Problem {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
}

function describeProblems(schema: ObjectSchema, input: unknown, problems: readonly Problem[]): string[] {
  const { properties = {} } = schema as Form;
  const lines = problems.flatMap(({ keyword, instancePath, params }) => {
    const [name = '', ...within] = instancePath.slice(1).split('/');
    if (name === '' && keyword === 'additionalProperties')
      return [unknownOnes(namesIn(params, 'additionalProperties'), Object.keys(properties))];
    if (name === '' && keyword === 'required')
      return namesIn(params, 'requiredProperties').map(
        (missing) => `${missing} is missing: it must be ${formOf(properties[missing] ?? {})}`,
      );
    // What is not allowed is named by `additionalProperties`, and reported once more for each of its names.
    if (keyword === 'boolean') return [];
    if (name === '') return [`the parameters must be an object; they are ${quoted(input)}`];
    const value = (input as Record<string, unknown>)[name];
    const form = properties[name] ?? {};
    const [at] = within;
    // Which of a list it is, where it is one of them and not the list.
    if (at !== undefined && Array.isArray(value))
      return [`${name} must be ${formOf(form)}; number ${Number(at) + 1} is ${quoted(value[Number(at)])}`];
    return [`${name} must be ${formOf(form)}; it is ${quoted(value)}`];
  });
  return [...new Set(lines)].slice(0, PROBLEMS_MAX);
}

/** Parameters that there are not, with the one that each may have meant. */
function unknownOnes(names: readonly string[], known: readonly string[]): string {
  const described = names.slice(0, PROBLEMS_MAX).map((name) => {
    const [meant] = similarTo(name, known);
    return meant === undefined ? quoted(name) : `${quoted(name)} (did you mean ${meant}?)`;
  });
  const there = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
  return `there is no parameter ${described.join(', ')}; ${there}`;
}

function namesIn(params: object, key: string): string[] {
  const names: unknown = Reflect.get(params, key);
  return Array.isArray(names) ? names.map(String) : [String(names)];
}
