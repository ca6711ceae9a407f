/** One request over A2A: who calls, how they addressed the node, and whether they are still there. */
import { type RequestHeaders, ServerCallContext } from '@a2a-js/sdk/server';
import type { BatteryNode } from '../../node.ts';
import type { AccessToken } from '../access/tokens.ts';
import type { Call } from '../operations/operation.ts';

/** Where the node is, as the card says it. */
export interface Place {
  /** The address under which the caller knows this node. */
  readonly base: string;
  /** Whether the operator has given the node that name, or it is a loopback name; anybody can address it by another. */
  readonly isOurs: boolean;
}

export interface Caller {
  /** The node as the caller reaches it. */
  readonly node: BatteryNode;
  readonly access: AccessToken;
  readonly place: Place;
  readonly signal: AbortSignal;
}

export class A2aCall extends ServerCallContext {
  readonly caller: Caller;

  constructor(caller: Caller, headers: RequestHeaders, tenant?: string) {
    const requested = headers['a2a-version'];
    super({
      user: { isAuthenticated: true, userName: caller.access.identity ?? caller.access.id },
      ...(typeof requested === 'string' && requested !== '' ? { requestedVersion: requested } : {}),
      ...(tenant === undefined ? {} : { tenant }),
    });
    this.caller = caller;
  }

  /** The call as operations know it. */
  get operation(): Call {
    const { node, access, signal } = this.caller;
    // Who speaks A2A has messages and tasks, and no operations.
    return { node, identity: access.identity, signal, names: () => undefined, progress: () => {} };
  }
}

/** The call of a request, which the SDK hands through. */
export function callOf(context: ServerCallContext): A2aCall {
  if (!(context instanceof A2aCall)) throw new TypeError('a context that this server did not make');
  return context;
}
