/** What this node says of itself each minute: the beats of its identities, and a sign of life where it seals. */
import { StoredState } from '../actors/group-view.ts';
import type { Hex32 } from '../events/bytes.ts';
import { presenceTable } from '../machines/tables.ts';
import type { Access } from './access.ts';
import type { GroupGossip } from './gossip.ts';
import { IDENTITIES_PER_PEER_MAX } from './limits.ts';
import type { NetworkPort } from './port.ts';
import { encodeSign } from './sealer-signs.ts';

interface BeatParts {
  readonly port: NetworkPort;
  readonly access: Access;
  readonly gossip: GroupGossip;
  readonly groups: { ids(): Iterable<Hex32> };
}

/** Beats for the identities of this node that have said that they are there, and not that they are away. */
export function beatAll(parts: BeatParts): void {
  const { port, groups } = parts;
  const signers = port.signers().slice(0, IDENTITIES_PER_PEER_MAX);
  for (const groupId of groups.ids()) {
    const state = new StoredState(port.store.group(groupId));
    for (const signer of signers) {
      const said = state.get(presenceTable, signer.publicKey)?.status ?? 'offline';
      if (said !== 'offline') port.presence(groupId).beat(signer);
    }
    if (port.seals(groupId) && port.canSeal(groupId)) giveSign(parts, groupId);
  }
}

/** Says that this node is there to seal, and how far the group is. */
function giveSign({ port, access, gossip }: BeatParts, groupId: Hex32): void {
  const sealers = access.sealers(groupId);
  const signer = port.signers().find(({ publicKey }) => sealers.includes(publicKey));
  const { height } = port.store.group(groupId).head()!;
  if (signer !== undefined)
    gossip.sign(groupId, () => encodeSign(signer, { groupId, height, tsMs: port.clock.nowMs() }));
}
