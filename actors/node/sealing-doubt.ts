/** What the clock keeps a node from: for health, metrics, and whoever asks before the first block is refused. */
import type { ClockError, WatchedClock } from '../clock.ts';
import type { Groups } from './groups.ts';

/**
 * Why a group that is sealed here is not sealed by the clock as it is; nothing where all are. Where none is sealed here
 * it is what founding one would meet.
 */
export function sealingDoubt(clock: WatchedClock, groups: Groups): ClockError | undefined {
  const sealed = groups.ids().filter((groupId) => groups.seals(groupId));
  if (sealed.length === 0) return clock.doubt();
  for (const groupId of sealed) {
    const doubt = clock.doubt(groups.find(groupId).head.tsMs);
    if (doubt !== undefined) return doubt;
  }
  return undefined;
}
