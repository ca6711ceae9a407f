/** Who speaks to the node over MCP, and what they may see of it. */
import type { BatteryNode } from '../../node.ts';
import { type Caller, mayCall, namesFor } from '../operations/may-call.ts';
import type { Names } from '../operations/next-steps.ts';
import type { Call, Operation } from '../operations/operation.ts';
import { operationsOf } from '../operations/registry.ts';
import type { Toolset } from '../operations/toolset.ts';

/** `node` has no other groups than those that the caller reaches. */
export interface Session extends Caller {
  readonly node: BatteryNode;
  /** The identity that signs; nothing for one who may only read. */
  readonly identity: string | undefined;
  readonly toolsets: ReadonlySet<Toolset>;
  /** How long one answer may be, in estimated tokens. */
  readonly answerTokens: number;
  /** Aborted when the client asks for nothing more, and waits for what it asked. */
  readonly leaving?: AbortSignal;
  /** Told of each tool that was called: `ok`, or the code of its failure. */
  readonly toolCalled?: ((code: string) => void) | undefined;
  /** Told of what must not happen: a bug, and not a refusal. */
  readonly report: (error: unknown) => void;
}

/** What a session is offered: the operations of its toolsets that it may call. */
export function offeredIn(session: Session): readonly Operation[] {
  return operationsOf(session.toolsets).filter((operation) => mayCall(session, operation));
}

/** Tools go by the names of their operations. */
export function namesIn(session: Session): Names {
  return namesFor(session, ({ toolset }) => session.toolsets.has(toolset));
}

/** A call that nobody watches: for what is done at once. */
export function quickCall(session: Session, signal: AbortSignal): Call {
  return { ...sceneOf(session), signal, progress: () => {} };
}

/** What all calls of a session have in common. */
export function sceneOf(session: Session): Omit<Call, 'signal' | 'progress'> {
  const { node, identity, leaving } = session;
  return {
    node,
    identity,
    names: namesIn(session),
    answerTokens: jsonTokensOf(session),
    ...(leaving === undefined ? {} : { leaving }),
  };
}

/** A result says the same twice, as text and structured, and a host counts both. */
function jsonTokensOf({ answerTokens }: Session): number {
  return Math.floor(answerTokens / 2);
}
