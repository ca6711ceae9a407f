/**
 * Errors as interfaces for machines give them out: a code that never changes, one sentence that says what and why,
 * and what to do next, both in terms of what the caller was offered: whoever reads it holds tools and no shell.
 */
import { RefusedError } from '../../actors/errors.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { EXIT } from '../cli/exit-codes.ts';
import { failureOf } from '../cli/failures.ts';
import { toWire } from '../cli/json.ts';
import { explain } from '../cli/refusals/explain.ts';
import { plainSay, type Say } from '../cli/refusals/say.ts';
import { shortId } from '../cli/text.ts';
import { everyName, inTermsOf, STEPS, stepOf, stepsOf } from './next-steps.ts';
import type { Call, Operation } from './operation.ts';
import { quoted } from './quote.ts';
import { operationNamed } from './registry.ts';

export type FailureKind = keyof typeof EXIT;

export interface OperationFailure {
  readonly kind: FailureKind;
  /** Stable; for a refusal, the code of the refusal. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly next: string;
  /** The refusal's own fields, or the candidates that a short id fits. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Who failed at what: enough to say it in terms that the caller knows. */
export type Failed = Pick<Call, 'node' | 'identity' | 'names'>;

/** What was called, and with what. */
interface Called {
  readonly operation?: Operation | undefined;
  readonly input?: unknown;
}

/** What an error means for a caller. @param called what was asked; no more than a line of its input is repeated */
export function describeFailure(error: unknown, call: Failed, called?: Called): OperationFailure {
  const failure = failureFor(error, call, called?.operation);
  return { ...failure, message: quoted(failure.message, called?.input) };
}

function failureFor(error: unknown, call: Failed, operation: Operation | undefined): OperationFailure {
  if (error instanceof RefusedError) return describeRefusal(error, call);
  const { names = everyName } = call;
  const found = failureOf(error);
  const kind = kindOf(found?.exitCode ?? EXIT.bug);
  if (found === undefined || kind === 'bug')
    return {
      kind: 'bug',
      code: 'bug',
      message: 'the node failed in a way that it should not',
      next: stepOf(stepsOf({ code: 'bug', kind: 'bug' }, []), names),
      details: {},
    };
  const details = toWire(found.details) as Record<string, unknown>;
  const { code } = found;
  const parameters = operation === undefined ? [] : Object.keys(operation.input.properties);
  const message = inTermsOf(found.message, names, isOperation);
  return { kind, code, message, next: stepOf(stepsOf({ code, kind }, parameters), names), details };
}

function describeRefusal({ refusal, removal }: RefusedError, call: Failed): OperationFailure {
  const { names = everyName } = call;
  const { why } = explain(refusal, sayOf(call), removal);
  const { code, ...fields } = refusal;
  const isUnsigned = code === 'malformed' || code === 'transaction_too_large';
  return {
    kind: isUnsigned ? 'usage' : 'refused',
    code,
    message: inTermsOf(why, names, isOperation),
    next: stepOf(STEPS[code], names),
    details: toWire({ ...fields, ...(removal === undefined ? {} : { removal }) }) as Record<string, unknown>,
  };
}

function sayOf({ node, identity }: Failed): Say {
  const own = new Map<Hex32, string>(node.identities().map(({ name, publicKey }) => [publicKey, name]));
  return {
    ...plainSay(Date.now()),
    name: (key) => own.get(key) ?? shortId(key),
    ...(identity === undefined ? {} : { signer: identity }),
  };
}

const isOperation = (name: string): boolean => operationNamed(name) !== undefined;

function kindOf(exitCode: number): FailureKind {
  return (Object.keys(EXIT) as FailureKind[]).find((kind) => EXIT[kind] === exitCode) ?? 'bug';
}

/** The failure as JSON. */
export function failureWire({ code, message, next, details }: OperationFailure): Record<string, unknown> {
  return {
    code,
    message,
    next,
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}
