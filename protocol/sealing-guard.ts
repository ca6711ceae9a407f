/**
 * The guard of a sealer against its own past: a node that was restored from a backup has forgotten blocks
 * that it sealed. Sealing others at their heights would be equivocation. So nothing is sealed after a start
 * until the peers that can be reached have shown their heads, and what they have more of has been fetched.
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
  /** Whether all members of a group are identities of this node: there is nobody else to ask. */
  isAlone(groupId: Hex32): boolean;
  /** The longest that sealing is held for peers that do not answer. */
  readonly withinMs: number;
}

export interface SealingGuard {
  /** Ends every hold at once. */
  release(): void;
  /** When all holds are over: the groups of which nobody was there to ask, though others are in them. */
  readonly uncompared: Promise<readonly Hex32[]>;
}

/** Holds the sealing of all groups until their heads have been compared. */
export function guardSealing(options: GuardOptions): SealingGuard {
  const guards = options.groups
    .filter(({ groupId }) => options.port.seals(groupId))
    .map((sync) => ({ ...guardOne(sync, options), groupId: sync.groupId }));
  const uncompared = Promise.all(
    guards.map(async ({ groupId, isCompared }) => ({ groupId, is: await isCompared })),
  );
  return {
    release: () => {
      for (const { release } of guards) release();
    },
    uncompared: uncompared.then((all) => all.filter(({ is }) => !is).map(({ groupId }) => groupId)),
  };
}

function guardOne(
  sync: GroupSync,
  { port, tried, withinMs, connectedSources, isAlone }: GuardOptions,
): { release(): void; isCompared: Promise<boolean> } {
  const release = port.holdSealing(sync.groupId);
  const isLevel = sync.whenLevel(withinMs);
  const compare = async (): Promise<boolean> => {
    // An address where nobody answers takes longer than anybody is to wait for.
    await Promise.race([tried(), isLevel]);
    // Nobody is there to ask: whoever is alone may seal.
    if (connectedSources(sync.groupId) === 0) return false;
    sync.pull();
    return isLevel;
  };
  const isLevelOrAlone = async (): Promise<boolean> => {
    try {
      return (await compare()) || isAlone(sync.groupId);
    } catch {
      // A node that ends has nobody to ask any more, and perhaps nobody listens to the answer.
      return false;
    } finally {
      release();
    }
  };
  return { release, isCompared: isLevelOrAlone() };
}
