/** Requests of the protocol itself that ask for what cannot be given: their errors have a code and a message alone. */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { describeFailure, type Failed } from '../operations/failure.ts';
import type { Session } from './session.ts';

export function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

/** The error for what an operation threw that was called for such a request. */
export function invalidFor({ report }: Pick<Session, 'report'>, error: unknown, call: Failed): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const { kind, message, next } = describeFailure(error, call);
  const said = `${message}; ${next}`;
  if (kind !== 'bug') return invalid(said);
  report(error);
  return new ProtocolError(ProtocolErrorCode.InternalError, said);
}
