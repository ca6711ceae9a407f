/** What `sync-now` could not do, and why: a group that is as new as its sealer, and of which nothing waits, is done. */
import type { GroupNetworkStatus } from '../../protocol/network-types.ts';
import { SyncFailedError } from './errors.ts';
import { BACK_IN, removalInWords } from './refusals/removal.ts';
import { plainSay } from './refusals/say.ts';
import { count, formatTime, shortId } from './text.ts';

/** @param isReached whether a member who has the group answered */
export function syncFailure(row: GroupNetworkStatus, isReached: boolean): SyncFailedError | undefined {
  const { groupId, isSealedHere, sources, removal, isInDispute, pending, lastError, sealerHeardMs } = row;
  const failed = (code: SyncFailedError['code'], why: string): SyncFailedError =>
    new SyncFailedError(code, `${shortId(groupId)}: ${why}`);
  if (removal !== undefined)
    return failed('removed', `${removalInWords(removal, plainSay(Date.now()))}; ${BACK_IN}`);
  if (isInDispute)
    return failed('in_dispute', 'its sealer sealed two blocks at one height; look with: lb evidence');
  if (isSealedHere) return undefined;
  if (!isReached || sources.length === 0)
    return failed(
      'peer_unreachable',
      lastError ?? 'nobody who has it was reached; name a member with --peer',
    );
  if (pending === 0) return undefined;
  const heard = sealerHeardMs === undefined ? 'never heard here' : `last heard ${formatTime(sealerHeardMs)}`;
  return failed(
    'pending',
    `${count(pending, 'transaction')} wait for its sealer, which was ${heard}; they are kept`,
  );
}
