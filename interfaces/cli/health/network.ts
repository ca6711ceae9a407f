/** The network of a node: whether it runs and reaches anybody, and what waits or is missing because it does not. */
import type { BatteryNode } from '../../../node.ts';
import { BACK_IN, removalInWords } from '../refusals/removal.ts';
import { plainSay } from '../refusals/say.ts';
import { SILENT_ADVICE, type SyncState, silentInWords, syncStateOf } from '../sync-state.ts';
import { cleanLine, count } from '../text.ts';
import { type Finding, ok, warning } from './finding.ts';
import type { GroupHealth } from './groups.ts';

/** @param groups those that can be read */
export async function checkNetwork(node: BatteryNode, groups: readonly GroupHealth[]): Promise<Finding[]> {
  const findings: Finding[] = [checkPeers(node)];
  for (const { groupId, name, height } of groups)
    if (!node.networkPort.seals(groupId))
      findings.push(...checkSync(cleanLine(name), await syncStateOf(node, groupId, height)));
  return findings;
}

function checkPeers({ network }: BatteryNode): Finding {
  if (network === undefined) return ok('network', 'does not run now');
  const { peers, counters, addresses } = network.status();
  const shutOut = counters.bans === 0 ? '' : `, ${count(counters.bans, 'ban')} so far`;
  const where = addresses.length === 0 ? 'does not listen' : `listens on ${addresses.join(' ')}`;
  return ok('network', `${where}; ${count(peers.length, 'peer')} connected${shutOut}`);
}

function checkSync(name: string, state: SyncState): Finding[] {
  if (state.removal !== undefined) {
    const message = `${name}: ${removalInWords(state.removal, plainSay(Date.now()))}`;
    return [warning('membership', message, BACK_IN)];
  }
  const findings = [...checkFollowing(name, state), ...checkWaiting(name, state)];
  return findings.length > 0 ? findings : [ok('sync', `${name}: nothing waits, nothing is missing`)];
}

function checkFollowing(name: string, state: SyncState): Finding[] {
  const { status, sources, isInDispute, lastError, isSealerSilent, sealerHeardMs } = state;
  if (isInDispute) {
    const message = `the sealer of ${name} sealed two blocks at one height; it is not followed`;
    return [
      warning('equivocation', message, 'look with lb evidence, and speak with the admins of the group'),
    ];
  }
  if (status === 'backoff')
    return [warning('sync', `${name}: the last try failed: ${lastError}`, 'see: lb peers')];
  const silent = isSealerSilent
    ? [warning('sealer', `${name}: ${silentInWords(sealerHeardMs, Date.now())}`, SILENT_ADVICE)]
    : [];
  if (status !== 'idle' || sources > 0) return silent;
  return [
    warning('sync', `nobody who has ${name} is connected`, 'add a peer who has it: lb peer-add ADDRESS'),
    ...silent,
  ];
}

function checkWaiting(name: string, { pending, refused, artifactsMissing }: SyncState): Finding[] {
  const waiting = `${count(pending, 'transaction')} of ${name} wait for the sealer`;
  const missing = `${count(artifactsMissing, 'artifact')} of ${name} are not here yet`;
  const counted: [number, Finding][] = [
    [pending, warning('outbox', waiting, 'keep the node up, or run: lb sync-now')],
    [
      refused,
      warning('outbox', `the sealer of ${name} refused ${refused}`, 'see the reasons with: lb outbox'),
    ],
    [
      artifactsMissing,
      warning('artifacts', missing, 'they are asked for again by themselves; ask now with: lb sync-now'),
    ],
  ];
  return counted.flatMap(([many, finding]) => (many > 0 ? [finding] : []));
}
