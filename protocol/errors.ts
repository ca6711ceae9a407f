/** Errors of the network: the environment's, typed. What a peer refuses by its rules is a `Refusal`, not an error. */
import type { Hex32 } from '../events/bytes.ts';

export type NetworkErrorCode =
  /** No connection to the peer could be made, or it broke. */
  | 'peer_unreachable'
  /** The peer answered that it will not. */
  | 'peer_refused'
  /** The peer said something that no honest peer says. */
  | 'peer_misbehaved'
  | 'request_timeout'
  | 'network_stopped'
  /** The address or port cannot be listened on. */
  | 'listen_failed';

export class NetworkError extends Error {
  override readonly name: string = 'NetworkError';
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** How a peer says no. The position is the code on the wire, which is never reused. */
export const RPC_ERRORS = [
  'not_found',
  'forbidden',
  'bad_request',
  'rate_limited',
  'rejected',
  'internal',
] as const;
export type RpcErrorCode = (typeof RPC_ERRORS)[number];

/** A peer answered a request with an error. */
export class RpcError extends NetworkError {
  override readonly name = 'RpcError';
  readonly reason: RpcErrorCode;
  /** What goes over the wire beside the code. */
  readonly detail: string;

  constructor(reason: RpcErrorCode, message: string) {
    super(
      'peer_refused',
      message === '' ? `the peer answered: ${reason}` : `the peer answered ${reason}: ${message}`,
    );
    this.reason = reason;
    this.detail = message;
  }
}

/** A peer did what no honest peer does: whoever catches this counts it against the peer. */
export class MisbehaviourError extends NetworkError {
  override readonly name = 'MisbehaviourError';

  constructor(what: string, options?: ErrorOptions) {
    super('peer_misbehaved', what, options);
  }
}

/** Short form of a key, for messages. */
export const short = (key: Hex32): string => key.slice(0, 8);

/** The environment may be better next time; what has no code is a bug, and shall be seen. */
export function throwBugs(error: unknown): void {
  if (typeof (error as { code?: unknown }).code !== 'string') throw error;
}
