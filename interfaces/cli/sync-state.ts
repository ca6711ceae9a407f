/** How a group that others seal stands on this node: what waits, what is missing, and whether it is followed. */

import { type HistoryGap, historyGap } from '../../actors/checkpoint/marker.ts';
import { endedMembership } from '../../actors/removal.ts';
import { isSilent } from '../../actors/sealers-heard.ts';
import type { SyncStatus } from '../../events/bus.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Removal } from '../../events/receipt.ts';
import type { BatteryNode } from '../../node.ts';
import { removalInWords } from './refusals/removal.ts';
import { count, formatMoment, shortId } from './text.ts';

export interface SyncState {
  /** What the network is doing with the group; `paused` also without one, where it was told to rest. */
  readonly status: SyncStatus | 'offline';
  /** The greatest height that is known of. */
  readonly target: number;
  /** Members that are connected and have the group. */
  readonly sources: number;
  /** Transactions of this node that wait for the sealer, and those that the sealer refused. */
  readonly pending: number;
  readonly refused: number;
  /** Artifacts that the history names and that are not here. */
  readonly artifactsMissing: number;
  /** What of the history is not here yet, where the group began at a checkpoint. */
  readonly history: HistoryGap | undefined;
  /** A sealer sealed two blocks at one height, and nobody has decided yet. */
  readonly isInDispute: boolean;
  readonly lastError: string | undefined;
  /** When the sealer was last heard, and whether that is longer ago than one who is up stays unheard. */
  readonly sealerHeardMs: number | undefined;
  readonly isSealerSilent: boolean;
  /** Where this node is in the group no more. */
  readonly removal: Removal | undefined;
}

/** Looks without starting a network. */
export async function syncStateOf(node: BatteryNode, groupId: Hex32, height: number): Promise<SyncState> {
  const { networkPort, outbox, network } = node;
  const [{ missingArtifacts }, { isInDispute }, { Subscriptions }] = await Promise.all([
    import('../../protocol/sync/artifacts.ts'),
    import('../../protocol/sync/evidence.ts'),
    import('../../protocol/subscriptions.ts'),
  ]);
  const records = networkPort.store.network;
  const sync = network?.groups.known(groupId);
  const isPaused = new Subscriptions(records).get(groupId).isPaused;
  return {
    status: sync?.status ?? (isPaused ? 'paused' : 'offline'),
    target: sync?.target ?? height,
    sources: network?.groups.sourcesOf(groupId).length ?? 0,
    pending: outbox.pending(groupId).length,
    refused: outbox.refused(groupId).length,
    artifactsMissing: missingArtifacts(records, groupId),
    history: historyGap(records, groupId),
    isInDispute: isInDispute(networkPort, groupId),
    lastError: sync?.lastError,
    sealerHeardMs: networkPort.sealersHeard.lastMs(groupId),
    isSealerSilent: isSilent(false, networkPort.sealersHeard.lastMs(groupId), networkPort.clock.nowMs()),
    removal: endedMembership(
      networkPort.store.group(groupId),
      node.identities().map(({ publicKey }) => publicKey),
    ),
  };
}

/** One line for people; nothing where there is nothing to say. */
export function describeSync(
  state: SyncState & { readonly height: number },
  nowMs = Date.now(),
): string | undefined {
  const {
    height,
    status,
    target,
    sources,
    pending,
    refused,
    artifactsMissing,
    isInDispute,
    lastError,
    history,
    removal,
    isSealerSilent,
    sealerHeardMs,
  } = state;
  const say = { name: shortId, tokens: String, nowMs };
  if (removal !== undefined) {
    const given = refused > 0 ? `; ${refused} refused (lb outbox)` : '';
    return `${removalInWords(removal, say)}${given}`;
  }
  const parts = [
    isInDispute && 'its sealer sealed two blocks at one height; look with: lb evidence',
    status === 'paused' && !isInDispute && 'not followed: paused',
    status === 'syncing' && `fetching blocks: ${height} of ${target}`,
    status === 'backoff' && `the last try failed: ${lastError}`,
    status === 'idle' && sources === 0 && 'nobody who has it is connected',
    history !== undefined &&
      `its history is being fetched: ${history.filled} of ${count(history.height, 'block')}`,
    isSealerSilent && status !== 'offline' && silentInWords(sealerHeardMs, nowMs),
    pending > 0 && `${pending} waiting for the sealer`,
    refused > 0 && `${refused} refused (lb outbox)`,
    artifactsMissing > 0 && `${count(artifactsMissing, 'artifact')} missing`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** `its sealer is silent: last heard 2026-01-31 12:00:00 UTC (2h ago)`. */
export function silentInWords(heardMs: number | undefined, nowMs: number): string {
  const when = heardMs === undefined ? 'never heard here' : `last heard ${formatMoment(heardMs, nowMs)}`;
  return `its sealer is silent: ${when}`;
}

/** What can be done about a sealer who stays silent: nobody else can seal, and what is written meanwhile is kept. */
export const SILENT_ADVICE =
  'have the node of the sealer started, with lb up; if that machine is lost, its backup can be restored on another one with lb restore; what you write meanwhile is kept (lb outbox), and nobody but the sealer can hand the sealing on';
