/** The network of a node: whether it runs and reaches anybody, and what waits or is missing because it does not. */
import type { BatteryNode } from '../../../node.ts';
import { type SyncState, syncStateOf } from '../sync-state.ts';
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
  const { status, sources, pending, refused, artifactsMissing, isInDispute, lastError } = state;
  const findings: Finding[] = [];
  if (isInDispute)
    findings.push(
      warning(
        'equivocation',
        `the sealer of ${name} sealed two blocks at one height; it is not followed`,
        'look with lb evidence, and speak with the admins of the group',
      ),
    );
  else if (status === 'backoff')
    findings.push(warning('sync', `${name}: the last try failed: ${lastError}`, 'see: lb peers'));
  else if (status === 'idle' && sources === 0)
    findings.push(
      warning('sync', `nobody who has ${name} is connected`, 'add a peer who has it: lb peer-add ADDRESS'),
    );
  if (pending > 0)
    findings.push(
      warning(
        'outbox',
        `${count(pending, 'transaction')} of ${name} wait for the sealer`,
        'keep the node up, or run: lb sync-now',
      ),
    );
  if (refused > 0)
    findings.push(
      warning('outbox', `the sealer of ${name} refused ${refused}`, 'see the reasons with: lb outbox'),
    );
  if (artifactsMissing > 0)
    findings.push(
      warning(
        'artifacts',
        `${count(artifactsMissing, 'artifact')} of ${name} are not here yet`,
        'they are asked for again by themselves; ask now with: lb sync-now',
      ),
    );
  return findings.length > 0 ? findings : [ok('sync', `${name}: nothing waits, nothing is missing`)];
}
