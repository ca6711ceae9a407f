/** Everything that can be looked at about a node, from the machine up, in one list. */
import { layoutOf } from '../../../storage/directory.ts';
import type { Run } from '../context.ts';
import { checkConfig, checkDirectory, checkLeftovers, checkModes, findingOf } from './directory.ts';
import type { Finding } from './finding.ts';
import { checkNode, type NodeHealth } from './groups.ts';
import {
  checkClock,
  checkDisk,
  checkNativeModules,
  checkRuntime,
  fileSystemOf,
  freeBytes,
} from './machine.ts';
import { checkNetwork } from './network.ts';
import { checkViews } from './views.ts';

export interface Health extends NodeHealth {
  /** Bytes; nothing where the system does not say. */
  readonly diskFree: number | undefined;
}

/** Looks at everything; what cannot be opened is a finding too. */
export async function lookAtHealth(
  run: Run,
  isDeep: boolean,
  onGroup?: (done: number, of: number) => void,
): Promise<Health> {
  const layout = layoutOf(run.path(run.data));
  const nowMs = Date.now();
  const findings: Finding[] = [checkRuntime(process.versions.node), ...(await checkNativeModules())];
  const directory = checkDirectory(layout.root);
  const disk = fileSystemOf(layout.root);
  const diskFree = disk && freeBytes(disk);
  findings.push(directory, ...checkDisk(disk));
  if (directory.severity === 'critical')
    return { findings: [...findings, checkClock(nowMs, undefined)], groups: [], diskFree };
  findings.push(
    ...checkModes(layout),
    ...checkLeftovers(layout),
    ...(await checkConfig(layout, run.env, run.isUpHere)),
  );
  const node = await openedNode(run, layout.root, isDeep, onGroup);
  const newest = node.groups.reduce((latest, { tsMs }) => Math.max(latest, tsMs), 0);
  return {
    findings: [...findings, ...node.findings, checkClock(nowMs, newest)],
    groups: node.groups,
    diskFree,
  };
}

async function openedNode(
  run: Run,
  data: string,
  isDeep: boolean,
  onGroup?: (done: number, of: number) => void,
): Promise<NodeHealth> {
  try {
    const node = await run.node();
    const { findings, groups } = await checkNode(node, data, isDeep, onGroup);
    const views = await checkViews(node, layoutOf(data), isDeep);
    return { findings: [...findings, ...(await checkNetwork(node, groups)), ...views], groups };
  } catch (error) {
    return { findings: [findingOf('database', error)], groups: [] };
  }
}
