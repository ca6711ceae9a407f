/** An operation, done for a session: whether it may be called, what it is asked with, and what came of it. */
import { describeFailure, type FailureKind, failureWire } from '../operations/failure.ts';
import { type Once, performOnce } from '../operations/idempotency.ts';
import { whyClosed } from '../operations/may-call.ts';
import type { Call, Operation } from '../operations/operation.ts';
import type { Session } from './session.ts';

export type Input = Parameters<Operation['run']>[1];

/** What came of a call: what `work` gave, or an error that says what to do next. */
export type Outcome<T> =
  | { readonly done: T; readonly error?: never }
  | { readonly error: Readonly<Record<string, unknown>>; readonly kind: FailureKind };

interface Performing<T> extends Pick<Once<T>, 'takesHandles'> {
  readonly call: Call;
  readonly work: (input: Input) => Promise<T>;
}

/** Does `work` with what was given, where the session may call the operation and the operation takes it. */
export async function perform<T>(
  session: Session,
  operation: Operation,
  given: unknown,
  { call, work, takesHandles = false }: Performing<T>,
): Promise<Outcome<T>> {
  const closed = whyClosed(session, operation);
  if (closed !== undefined) return { kind: 'forbidden', error: { code: 'forbidden', ...closed } };
  const asked = keyed(operation, given);
  const taken = operation.take(asked.input);
  if (taken.input === undefined) {
    session.toolCalled?.('usage');
    const next = `see the input schema of ${operation.name}`;
    return { kind: 'usage', error: { code: 'usage', message: taken.problems.join('; '), next } };
  }
  const { input } = taken;
  try {
    const { result } = await performOnce(call, operation, input, {
      key: asked.key,
      work: () => work(input),
      takesHandles,
    });
    session.toolCalled?.('ok');
    return { done: result };
  } catch (error) {
    const failure = describeFailure(error, call, { operation, input });
    if (failure.kind === 'bug') session.report(error);
    session.toolCalled?.(failure.code);
    return { kind: failure.kind, error: failureWire(failure) };
  }
}

/** What a call is asked with, and its key. */
function keyed(operation: Operation, given: unknown): { input: unknown; key: string | undefined } {
  const { idempotency_key: key, ...input } = (given ?? {}) as Record<string, unknown>;
  if (operation.effect === 'reads' || key === undefined || key === null)
    return { input: key === null ? input : given, key: undefined };
  if (Number.isSafeInteger(key)) return { input, key: String(key) };
  // What is no text is refused as such: it fits no key.
  return { input, key: typeof key === 'string' ? key : '' };
}
