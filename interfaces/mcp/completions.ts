/** What may stand in the place of an argument: names of groups, and ids that begin as typed. */
import type { CompleteRequest, CompleteResult } from '@modelcontextprotocol/server';
import type { Group } from '../../actors/group.ts';
import { isSameName, namedSo, normalForm } from '../../events/normal-form.ts';
import type { Session } from './session.ts';

/** Values of one answer, as the protocol has it. */
const VALUES_MAX = 100;

export function complete(session: Session, { argument, context }: CompleteRequest['params']): CompleteResult {
  const { name, value } = argument;
  const found = candidates(session, name, value, context?.arguments?.group);
  const values = found.slice(0, VALUES_MAX);
  return { completion: { values, total: found.length, hasMore: found.length > values.length } };
}

function candidates({ node }: Session, name: string, value: string, group: string | undefined): string[] {
  if (name === 'group') return startingWith(value, namesOf(node.groups()));
  const chosen = groupNamed(node.groups(), group);
  if (chosen === undefined) return [];
  if (name === 'task') return startingWith(value, chosen.now.taskIds());
  if (name === 'claim') return startingWith(value, chosen.now.claimIds(value.toLowerCase()));
  return [];
}

/** A name where it is the only one, else the id: what is completed must be found. */
function namesOf(groups: readonly Group[]): string[] {
  const names = groups.map((group) => group.standing().name);
  return groups.map(({ groupId }, at) =>
    names.filter((name) => isSameName(name, names[at]!)).length === 1 ? names[at]! : groupId,
  );
}

function groupNamed(groups: readonly Group[], given: string | undefined): Group | undefined {
  if (given === undefined) return groups.length === 1 ? groups[0] : undefined;
  const byId = groups.find((group) => group.groupId === given);
  if (byId !== undefined) return byId;
  const named = namedSo(given, groups, (group) => group.standing().name);
  return named.length === 1 ? named[0] : undefined;
}

function startingWith(value: string, all: Iterable<string>): string[] {
  const found: string[] = [];
  const form = normalForm(value);
  for (const one of all) if (normalForm(one).startsWith(form)) found.push(one);
  return found;
}
