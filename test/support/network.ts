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

/** Blocks of `rounds` times 112 KB: enough of them fill every buffer on the way to a reader who takes nothing. */
export async function writeMuch(group: Group, rounds: number): Promise<void> {
  const description = 'x'.repeat(4_000);
  for (let at = 0; at < rounds; at++)
    await group.as('node').do(
      ...Array.from({ length: 28 }, (_, nth) => ({
        type: 'task_create' as const,
        task: `t${at}-${nth}`,
        title: 'large',
        description,
        assignee: undefined,
        dueMs: undefined,
        reward: undefined,
        rewardFrom: undefined,
        leaseMs: undefined,
        tags: [],
      })),
    );
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
