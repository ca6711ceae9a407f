/** Nodes with their networks on loopback, as tests use them: real stores, real sockets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Group } from '../../actors/group.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Role } from '../../events/effects.ts';
import { BatteryNode, type OpenOptions } from '../../node.ts';
import { subscribe } from '../../protocol/membership.ts';
import type { NetworkService } from '../../protocol/network-service.ts';
import type { NetworkOptions } from '../../protocol/network-types.ts';

export interface Peer {
  readonly data: string;
  readonly node: BatteryNode;
  readonly network: NetworkService;
  readonly key: Hex32;
  readonly log: string[];
}

const peers: Peer[] = [];
const directories: string[] = [];

/** A node that listens on a free port of the loopback, without mDNS. */
export async function peer(
  options: NetworkOptions & { data?: string; open?: Partial<OpenOptions> } = {},
): Promise<Peer> {
  const data = options.data ?? newDirectory();
  const node = await BatteryNode.openOrInit({ data, threads: 1, ...options.open });
  const log: string[] = [];
  const network = await node.startNetwork({
    listen: { host: '127.0.0.1', port: 0 },
    mdns: false,
    headComparisonMs: 2_000,
    log: (line) => log.push(line),
    ...options,
  });
  const made = { data, node, network, key: node.networkPort.signer.publicKey, log };
  peers.push(made);
  return made;
}

export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lb-net-'));
  directories.push(directory);
  return join(directory, 'node');
}

/** Closes every node that a test has opened, and takes their directories away. */
export async function closePeers({ isKeepingData = false } = {}): Promise<void> {
  for (const { node } of peers.splice(0)) await node.close();
  if (isKeepingData) return;
  for (const data of directories.splice(0)) rmSync(data, { recursive: true, force: true });
}

/** Connects one node to another. */
export function connect(from: Peer, to: Peer): Promise<void> {
  return from.network.host.dial(to.key, to.network.host.addresses());
}

/** Waits until something holds; says what was waited for when it never does. */
export async function until(what: string, holds: () => boolean, withinMs = 15_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Has `joiner` become a member of a group that `host` founded, through the network. */
export async function joinGroup(
  host: Peer,
  joiner: Peer,
  groupId: Hex32,
  role: Role = 'member',
): Promise<Group> {
  const group = host.node.group(groupId);
  await group.as('node').addMember(joiner.key, role);
  await connect(joiner, host);
  await subscribe(joiner.network, groupId, host.key);
  return joiner.node.group(groupId);
}
