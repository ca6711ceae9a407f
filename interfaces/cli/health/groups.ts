/** The open node: its keys, and each of its groups, quickly or to the last bit. */

import type { Group } from '../../../actors/group.ts';
import { describeFinding } from '../../../actors/history/findings.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { toHex } from '../../../events/bytes.ts';
import type { BatteryNode } from '../../../node.ts';
import { checkStorage } from '../../observability/health.ts';
import { cleanLine, count, shortId } from '../text.ts';
import { failedParts } from '../verbs/node.ts';
import { findingOf } from './directory.ts';
import { critical, type Finding, notice, ok, warning } from './finding.ts';

/** A group as monitors see it. */
export interface GroupHealth {
  readonly groupId: string;
  readonly name: string;
  readonly status: string;
  readonly height: number;
  readonly tsMs: number;
}

export interface NodeHealth {
  readonly findings: readonly Finding[];
  readonly groups: readonly GroupHealth[];
}

/**
 * @param data the data directory
 * @param isDeep audits every group: every signature, rule, sum and index
 */
export async function checkNode(
  node: BatteryNode,
  data: string,
  isDeep: boolean,
  onGroup: (done: number, of: number) => void = () => {},
): Promise<NodeHealth> {
  const findings: Finding[] = [
    checkEncryption(node),
    ...(await checkWorking(node, data)),
    ...checkParts(node),
  ];
  const groups: GroupHealth[] = [];
  const ids = node.groupIds();
  for (const [at, id] of ids.entries()) {
    try {
      const group = node.group(id);
      const { groupId, name, status, haltReason, head } = group.info();
      groups.push({ groupId, name, status, height: head.height, tsMs: head.tsMs });
      findings.push(
        ...checkHalt(name, haltReason),
        ...(isDeep ? await checkHistory(group) : checkHead(group)),
      );
    } catch (error) {
      findings.push(findingOf(`group_${shortId(id)}`, error));
    }
    onGroup(at + 1, ids.length);
  }
  const isSound = !findings.some(({ severity }) => severity === 'critical');
  if (isSound)
    findings.push(ok('groups', `${count(ids.length, 'group')}, ${isDeep ? 'audited' : 'heads in order'}`));
  return { findings, groups };
}

function checkEncryption(node: BatteryNode): Finding {
  if (node.hasPassword) return ok('keys', 'encrypted with a password');
  return notice(
    'keys',
    'not encrypted: whoever reads the file has them',
    'set a password: lb identity password',
  );
}

/** What monitors ask as well, with advice. */
async function checkWorking(node: BatteryNode, data: string): Promise<Finding[]> {
  const storage = await checkStorage(data);
  const { sealingDoubt } = node;
  const findings = [
    storage.status === 'ok'
      ? ok('storage', storage.detail)
      : critical('storage', storage.detail, 'look at the disk, its quota and its mount'),
  ];
  if (sealingDoubt !== undefined) {
    const { code, message } = sealingDoubt;
    findings.push(critical(code, message, 'set the clock right, or if it is right now: lb trust-clock'));
  }
  return findings;
}

/** Task boards and presences that stopped; a chain that did is a halted group. */
function checkParts(node: BatteryNode): Finding[] {
  return failedParts(node).map(({ part, groupId, reason }) =>
    warning(
      `${part}_stopped`,
      `${shortId(groupId)}: ${reason}`,
      'it is started again by itself; if it stays so: lb support-bundle',
    ),
  );
}

function checkHalt(name: string, haltReason: string | undefined): Finding[] {
  if (haltReason === undefined) return [];
  const message = `${cleanLine(name)} is halted: ${haltReason}`;
  return [critical('group_halted', message, 'put right what the reason says, then: lb reload')];
}

/** The head is where everything begins: if it is what its id says, the database was not cut off under it. */
function checkHead(group: Group): Finding[] {
  const { height, blockId } = group.head;
  const { block } = group.block(height);
  if (toHex(sha256(block.headerBytes)) === blockId) return [];
  const message = `the head of ${cleanLine(group.info().name)} is not the block that it says`;
  return [critical('database', message, 'look closer with: lb audit')];
}

async function checkHistory(group: Group): Promise<Finding[]> {
  const result = await group.audit();
  if (result.status === 'sound') return [];
  const message = `${cleanLine(group.info().name)}: ${describeFinding(result.finding)}`;
  return [critical('history', message, 'restore the node from a backup, or fetch the group again')];
}
