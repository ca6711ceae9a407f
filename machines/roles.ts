/** Who may do what: viewers read, members act, admins also govern. */
import type { Hex32 } from '../events/bytes.ts';
import type { Role } from '../events/effects.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { RuleContext } from './domain.ts';
import type { StateView } from './state.ts';
import { memberTable } from './tables.ts';

const RANK: Record<Role, number> = { viewer: 0, member: 1, admin: 2 };

/** The present role of a key, or nothing for a stranger and for a former member. */
export function roleOf(state: StateView, member: Hex32): Role | undefined {
  return state.get(memberTable, member)?.role;
}

export function hasRole(state: StateView, member: Hex32, needed: Role): boolean {
  const role = roleOf(state, member);
  return role !== undefined && RANK[role] >= RANK[needed];
}

/** Refuses unless the author has at least the role `needed`. */
export function lacksRole(context: RuleContext, needed: Role): Refusal | undefined {
  const actual = roleOf(context.state, context.author);
  if (actual !== undefined && RANK[actual] >= RANK[needed]) return undefined;
  return refuse('role_insufficient', { needed, actual: actual ?? 'none' });
}
