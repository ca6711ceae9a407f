/**
 * What a token reaches of a node: all of it, or the groups that it is for. A bearer who is confined to some groups sees
 * a node that has no others; whatever looks groups up on it, by name, id or prefix, finds those alone.
 */
import type { Group } from '../../actors/group.ts';
import { groupNamed } from '../../actors/group-names.ts';
import { resolveId } from '../../actors/ids.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import type { AccessToken } from './tokens.ts';

/** The node as the bearer of a token sees it. What is not of a group is unchanged; see `isNodeWide` of operations. */
export function reachOf(node: BatteryNode, { groups }: Pick<AccessToken, 'groups'>): BatteryNode {
  if (groups === undefined) return node;
  const reached = new Set<Hex32>(groups);
  const groupIds = (): Hex32[] => node.groupIds().filter((id) => reached.has(id));
  const own = (): Group[] => groupIds().map((id) => node.group(id));
  const confined: Pick<BatteryNode, 'groupIds' | 'groups' | 'loadedGroups' | 'group'> = {
    groupIds,
    groups: own,
    loadedGroups: () => node.loadedGroups().filter(({ groupId }) => reached.has(groupId)),
    // Ids come before names, as everywhere.
    group(idOrName) {
      const isPrefix = /^[0-9a-f]{8,64}$/i.test(idOrName);
      const fitting = isPrefix ? groupIds().filter((id) => id.startsWith(idOrName.toLowerCase())) : [];
      if (fitting.length > 0) return node.group(resolveId('group', idOrName, fitting));
      const named = own().map((group) => ({ group, groupId: group.groupId, name: group.standing().name }));
      return groupNamed(idOrName, named).group;
    },
  };
  return Object.assign(Object.create(node) as BatteryNode, confined);
}
