/**
 * The guard of a sealer against his own past: a node that was restored from a backup has forgotten blocks that it
 * sealed. Sealing others at their heights would be equivocation. So nothing is sealed after a start until the peers
 * that can be reached have shown their heads, and what they have more of has been fetched.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { NetworkPort } from './port.ts';
import type { GroupSync } from './sync/group-sync.ts';

export interface GuardOptions {
  readonly groups: readonly GroupSync[];
  readonly port: NetworkPort;
  /** Resolves when every known peer has been dialled once. */
  tried(): Promise<void>;
  /** How many peers of a group are connected. */
  connectedSources(groupId: Hex32): number;
  /** The longest that sealing is held for peers that do not answer. */
  readonly withinMs: number;
}

/** Holds the sealing of all groups until their heads have been compared; what is returned ends every hold at once. */
export function guardSealing(options: GuardOptions): () => void {
  const releases = options.groups
    .filter(({ groupId }) => options.port.seals(groupId))
    .map((sync) => guardOne(sync, options));
  return () => {
    for (const release of releases) release();
  };
}

function guardOne(sync: GroupSync, { port, tried, withinMs, connectedSources }: GuardOptions): () => void {
  const release = port.holdSealing(sync.groupId);
  const isLevel = sync.whenLevel(withinMs);
  const isOver = tried().then(() => {
    // Nobody is there to ask: whoever is alone may seal.
    if (connectedSources(sync.groupId) === 0) return undefined;
    sync.pull();
    return isLevel;
  });
  isOver.then(release, release);
  return release;
}
