/** What the clock keeps a node from: for health, metrics, and whoever asks before the first block is refused. */
import type { Hex32 } from '../../events/bytes.ts';
import { StorageError } from '../../storage/errors.ts';
import type { ClockError, WatchedClock } from '../clock.ts';
import type { Groups } from './groups.ts';

/**
 * Why a group that is sealed here is not sealed by the clock as it is; nothing where all are. Where none is sealed here
 * it is what founding one would meet.
 */
export function sealingDoubt(clock: WatchedClock, groups: Groups): ClockError | undefined {
  let isSealing = false;
  for (const groupId of groups.ids()) {
    const headMs = sealedHeadMs(groups, groupId);
    if (headMs === undefined) continue;
    isSealing = true;
    const doubt = clock.doubt(headMs);
    if (doubt !== undefined) return doubt;
  }
  return isSealing ? undefined : clock.doubt();
}

/** The time of the head of a group that is sealed here. One that is damaged is not sealed, whatever the clock says. */
function sealedHeadMs(groups: Groups, groupId: Hex32): number | undefined {
  try {
    return groups.seals(groupId) ? groups.find(groupId).head.tsMs : undefined;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'corrupt') return undefined;
    throw error;
  }
}
