/** Handing the sealing to somebody who is not up stops the group: said before it is done, wherever that is done. */
import type { Group } from '../../actors/group.ts';
import { SEALER_SILENT_MS } from '../../actors/sealers-heard.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import { formatMoment } from './text.ts';

/**
 * What to say before the sealing goes to a member; nothing where the member's node is known to be up.
 * @param name what the member is called
 */
export function newSealerWarning(
  node: BatteryNode,
  group: Group,
  member: Hex32,
  name: string,
): string | undefined {
  if (node.identities().some(({ publicKey }) => publicKey === member)) return undefined;
  const { network } = node;
  const isConnected = network?.peers
    .connectedKeys()
    .some((peer) => network.access.keysOf(peer).includes(member));
  if (isConnected === true) return undefined;
  const nowMs = Date.now();
  const seenMs = group.presence().find((one) => one.member === member)?.lastSeenMs;
  if (seenMs !== undefined && nowMs - seenMs <= SEALER_SILENT_MS) return undefined;
  const seen =
    seenMs === undefined ? 'was never heard here' : `was last heard ${formatMoment(seenMs, nowMs)}`;
  return `${name} ${seen}: once the sealing is theirs, nothing is sealed until their node is up`;
}
