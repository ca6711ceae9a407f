/** Errors as A2A has them: those of the protocol as they are, all others in the words that every caller gets. */
import { A2AError, RequestMalformedError, UnsupportedOperationError } from '@a2a-js/sdk/errors';
import { describeFailure } from '../operations/failure.ts';
import { inOneLine } from '../operations/quote.ts';
import type { A2aCall } from './call.ts';
import { PushTargetError } from './push-target.ts';

function inWords(error: unknown, call: A2aCall, report: (error: unknown) => void): Error {
  if (error instanceof A2AError) return error;
  if (error instanceof PushTargetError) return new RequestMalformedError(error.message);
  const { kind, message, next } = describeFailure(error, call.operation);
  if (kind === 'bug') report(error);
  const text = inOneLine(next === undefined ? message : `${message}; ${next}`);
  if (kind === 'usage' || kind === 'notFound') return new RequestMalformedError(text);
  if (kind === 'refused' || kind === 'forbidden') return new UnsupportedOperationError(text);
  return new Error(text);
}

export async function guarded<T>(
  call: A2aCall,
  report: (error: unknown) => void,
  work: (call: A2aCall) => Promise<T>,
): Promise<T> {
  try {
    return await work(call);
  } catch (error) {
    throw inWords(error, call, report);
  }
}

export async function* guardedStream<T>(
  call: A2aCall,
  report: (error: unknown) => void,
  work: (call: A2aCall) => AsyncGenerator<T>,
): AsyncGenerator<T, void> {
  try {
    yield* work(call);
  } catch (error) {
    throw inWords(error, call, report);
  }
}
