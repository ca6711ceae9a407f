/** What a caller may call, over whichever protocol: by its scopes, and by how much of the node it reaches. */
import type { Names } from './next-steps.ts';
import type { Operation, Scope } from './operation.ts';
import { operationNamed } from './registry.ts';

export interface Caller {
  readonly scopes: ReadonlySet<Scope>;
  /** Whether it reaches only some groups of the node. */
  readonly isConfined?: boolean;
}

/** Why something is closed to a caller, and what to do about it. */
export interface Closed {
  readonly message: string;
  readonly next: string;
}

export function mayCall(caller: Caller, operation: Operation): boolean {
  return whyClosed(caller, operation) === undefined;
}

/** Why a caller may not call an operation; nothing where it may. */
export function whyClosed(
  { scopes, isConfined = false }: Caller,
  { name, scope, isNodeWide }: Operation,
): Closed | undefined {
  if (!scopes.has(scope))
    return {
      message: `${name} needs the scope ${scope}, which this caller does not have`,
      next: `ask the operator of the node for a token or an identity that may ${scope}`,
    };
  return isConfined && isNodeWide ? aboutAll(name) : undefined;
}

/** Why what is about more than some groups is closed to who reaches no more than those. */
export function aboutAll(what: string): Closed {
  return {
    message: `${what} is about the whole node, and this token is for some of its groups`,
    next: 'ask the operator of the node for a token that reaches all groups',
  };
}

/** Operations by their own names, where the caller may call them and they are offered to it. */
export function namesFor(caller: Caller, isOffered: (operation: Operation) => boolean = () => true): Names {
  return (name) => {
    const operation = operationNamed(name);
    return operation !== undefined && isOffered(operation) && mayCall(caller, operation) ? name : undefined;
  };
}
