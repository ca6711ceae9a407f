/** The network: who is connected, how far groups are, and what waits for their sealers. */

import { NetworkError } from '../../protocol/errors.ts';
import type { NetworkService } from '../../protocol/network-service.ts';
import { repairGroup as repair } from '../../protocol/repair.ts';
import { toWire } from '../cli/json.ts';
import { syncFailure } from '../cli/sync-failure.ts';
import { groupsOf } from './call.ts';
import { assertWanted } from './cancelled.ts';
import { type Call, define, type Operation } from './operation.ts';
import { flag, free, input, list, number, optional, output, text } from './schema.ts';

/** How long `sync_now` waits for the blocks of a group, and for own work to be sealed. */
const SYNC_WAIT_MS = 30_000;
const SEALED_WAIT_MS = 10_000;

/** The network of the node. @throws NetworkError where it is off */
export function networkOf({ node }: Call): NetworkService {
  if (node.network !== undefined) return node.network;
  throw new NetworkError('network_stopped', 'the network of this node is off; lb up starts a node with it');
}

const networkStatus = define({
  name: 'network_status',
  title: 'See the network',
  description: 'Peers that are connected, addresses of this node, and how far each group is.',
  toolset: 'network',
  effect: 'reads',
  isOpenWorld: true,
  input: input({}),
  output: output({
    is_running: flag(),
    addresses: list(text()),
    peers: list(free()),
    groups: list(free()),
  }),
  run({ node }) {
    const status = node.network?.status();
    if (status === undefined) return { is_running: false, addresses: [], peers: [], groups: [] };
    return {
      is_running: true,
      addresses: status.addresses.map((address) => `${address}/p2p/${status.peerId}`),
      peers: status.peers.map((peer) => toWire(peer) as Record<string, unknown>),
      groups: status.groups.map((group) => toWire(group) as Record<string, unknown>),
    };
  },
});

const syncNow = define({
  name: 'sync_now',
  title: 'Sync now',
  description:
    'Sends what waits and fetches what is new, of all groups or one; problems says of which that was not possible, and why. May take long.',
  toolset: 'network',
  effect: 'sets',
  isOpenWorld: true,
  input: input({ group_id: optional(text('only this group')) }),
  output: output({ groups: list(free()), is_level: flag(), problems: list(text()) }),
  async run(call, { group_id }) {
    const network = networkOf(call);
    const wanted = groupsOf(call, group_id).map(({ groupId }) => groupId);
    const reached = new Set<string>();
    for (const [at, groupId] of wanted.entries()) {
      assertWanted(call.signal);
      call.progress(at, wanted.length, `group ${at + 1} of ${wanted.length}`);
      if (await network.syncGroup(groupId, { waitMs: SYNC_WAIT_MS, sealedMs: SEALED_WAIT_MS }))
        reached.add(groupId);
    }
    const groups = network.status().groups.filter(({ groupId }) => wanted.includes(groupId));
    const problems = groups.flatMap((group) => syncFailure(group, reached.has(group.groupId))?.message ?? []);
    return {
      groups: groups.map((group) => toWire(group) as Record<string, unknown>),
      is_level: problems.length === 0,
      problems,
    };
  },
});

const listOutbox = define({
  name: 'list_outbox',
  title: 'See what waits',
  description: 'Work of this node that waits for sealers elsewhere, and what they refused.',
  toolset: 'network',
  effect: 'reads',
  input: input({ group_id: optional(text('only this group')) }),
  output: output({
    entries: list(
      output({
        group_id: text(),
        tx_id: text(),
        author: text(),
        status: text(),
        queued_ms: number(),
        refusal: optional(text()),
      }),
    ),
  }),
  run(call, { group_id }) {
    const { outbox } = call.node;
    const entries = groupsOf(call, group_id).flatMap(({ groupId }) => [
      ...outbox.pending(groupId).map((entry) => ({ ...entry, status: 'pending' })),
      ...outbox.refused(groupId).map((entry) => ({ ...entry, status: 'refused' })),
    ]);
    return {
      entries: entries.map(({ groupId, txId, author, status, queuedMs, refusal }) => ({
        group_id: groupId,
        tx_id: txId,
        author,
        status,
        queued_ms: queuedMs,
        ...(refusal === undefined ? {} : { refusal: refusal.code }),
      })),
    };
  },
});

const repairGroup = define({
  name: 'repair_group',
  title: 'Repair a damaged group',
  description:
    'Fetches a group that is halted for damage on disk again from its other members. Every block is verified again. Refused where no member has as much of it as this node had.',
  toolset: 'network',
  effect: 'sets',
  isOpenWorld: true,
  input: input({ group_id: text('the group') }),
  output: output({ group_id: text(), from: text(), height: number(), is_level: flag() }),
  async run(call, { group_id }) {
    const { groupId } = call.node.group(group_id);
    const repaired = await repair(networkOf(call), groupId, { waitMs: SYNC_WAIT_MS });
    const { from, height, isLevel } = repaired;
    return { group_id: groupId, from, height, is_level: isLevel };
  },
});

export const networkDesk: readonly Operation[] = [networkStatus, syncNow, listOutbox, repairGroup];
