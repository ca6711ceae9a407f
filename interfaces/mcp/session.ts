/** Who speaks to the node over MCP, and what he may see of it. */
import type { BatteryNode } from '../../node.ts';
import type { Call, Scope, Toolset } from '../operations/operation.ts';

export interface Session {
  readonly node: BatteryNode;
  /** The identity that signs; nothing for one who may only read. */
  readonly identity: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
  /** Whether he reaches some groups of the node only; `node` has no others then. */
  readonly isConfined?: boolean;
  readonly toolsets: ReadonlySet<Toolset>;
  /** Told of each tool that was called: `ok`, or the code of its failure. */
  readonly toolCalled?: ((code: string) => void) | undefined;
  /** Told of what must not happen: a bug, and not a refusal. */
  readonly report: (error: unknown) => void;
}

/** A call that nobody watches: for what is done at once. */
export function quickCall({ node, identity }: Session, signal: AbortSignal): Call {
  return { node, identity, signal, progress: () => {} };
}
