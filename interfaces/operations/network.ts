/** The network: who is connected, how far groups are, and what waits for their sealers. */

import { compareUtf8 } from '../../events/bytes.ts';
import { NetworkError } from '../../protocol/errors.ts';
import type { NetworkService } from '../../protocol/network-service.ts';
import { repairGroup as repair } from '../../protocol/repair.ts';
import { toWire } from '../cli/json.ts';
import { syncFailure } from '../cli/sync-failure.ts';
import { cursor, groupsOf, limit, onlyGroup } from './call.ts';
import { assertWanted } from './cancelled.ts';
import { type Call, define, type Operation } from './operation.ts';
import { describedPage, Room } from './room.ts';
import { flag, free, input, list, number, optional, output, pointOut, text } from './schema.ts';

/** How long `sync_now` waits for the blocks of a group, and for own work to be sealed. */
const SYNC_WAIT_MS = 30_000;
const SEALED_WAIT_MS = 10_000;

/** The network of the node. @throws NetworkError where it is off */
export function networkOf({ node }: Call): NetworkService {
  if (node.network !== undefined) return node.network;
  throw new NetworkError('network_stopped', 'the network of this node is off; lb up starts a node with it');
}

/** A group or a peer, in one list for all pages. */
interface Listed {
  readonly kind: 'group' | 'peer';
  readonly key: string;
  readonly value: unknown;
}

const keyOf = ({ kind, key }: Listed): string => `${kind} ${key}`;

const networkStatus = define({
  name: 'network_status',
  title: 'See the network',
  description: 'Peers that are connected, addresses of this node, and how far each group is.',
  toolset: 'network',
  effect: 'reads',
  isOpenWorld: true,
  input: input({ limit: limit(100), cursor }),
  output: output({
    is_running: flag(),
    addresses: list(text()),
    peers: list(free()),
    groups: list(free()),
    next_cursor: optional(text('groups come first, then peers')),
  }),
  run(call, { limit = 100, cursor }) {
    const status = call.node.network?.status();
    if (status === undefined) return { is_running: false, addresses: [], peers: [], groups: [] };
    const all: readonly Listed[] = [
      ...status.groups.map((value): Listed => ({ kind: 'group', key: value.groupId, value })),
      ...status.peers.map((value): Listed => ({ kind: 'peer', key: value.key, value })),
    ].sort((one, other) => compareUtf8(keyOf(one), keyOf(other)));
    const describe = ({ kind, value }: Listed) => ({ kind, value: toWire(value) as Record<string, unknown> });
    const { page, next } = describedPage(call, all, { keyOf, describe, cursor, limit });
    const valuesOf = (wanted: Listed['kind']) =>
      page.flatMap(({ kind, value }) => (kind === wanted ? [value] : []));
    return {
      is_running: true,
      addresses: status.addresses.map((address) => `${address}/p2p/${status.peerId}`),
      peers: valuesOf('peer'),
      groups: valuesOf('group'),
      ...next,
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
  input: input({ group_id: onlyGroup }),
  output: output({
    groups: list(free()),
    more: optional(text()),
    is_level: flag(),
    problems: list(text()),
  }),
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
    const room = new Room(call);
    const takenOf = <T extends object>(all: readonly T[]): T[] => {
      const end = all.findIndex((one) => room.take(one) === undefined);
      return end < 0 ? [...all] : all.slice(0, end);
    };
    const shownProblems = takenOf(problems.map((text) => ({ text }))).map(({ text }) => text);
    const shown = takenOf(groups.map((group) => toWire(group) as Record<string, unknown>));
    const left = groups.length - shown.length;
    return {
      groups: shown,
      ...(left === 0 ? {} : { more: `${left} more groups: network_status shows them` }),
      is_level: problems.length === 0,
      problems: shownProblems,
    };
  },
});

const listOutbox = define({
  name: 'list_outbox',
  title: 'See what waits',
  description: 'Work of this node that waits for sealers elsewhere, and what they refused.',
  toolset: 'network',
  effect: 'reads',
  input: input({ group_id: onlyGroup, limit: limit(100), cursor }),
  output: output({
    entries: list(
      output({
        group_id: text(),
        tx_id: text(),
        author: text(),
        status: text(),
        queued_ms: pointOut(),
        refusal: optional(text()),
      }),
    ),
    next_cursor: optional(text()),
  }),
  run(call, { group_id, limit = 100, cursor }) {
    const { outbox } = call.node;
    const entries = groupsOf(call, group_id).flatMap(({ groupId }) => [
      ...outbox.pending(groupId).map((entry) => ({ ...entry, status: 'pending' })),
      ...outbox.refused(groupId).map((entry) => ({ ...entry, status: 'refused' })),
    ]);
    const keyOf = ({ groupId, txId }: (typeof entries)[number]) => `${groupId}${txId}`;
    const sorted = entries.toSorted((one, other) => compareUtf8(keyOf(one), keyOf(other)));
    const { page, next } = describedPage(call, sorted, {
      keyOf,
      describe: ({ groupId, txId, author, status, queuedMs, refusal }) => ({
        group_id: groupId,
        tx_id: txId,
        author,
        status,
        queued_ms: queuedMs,
        ...(refusal === undefined ? {} : { refusal: refusal.code }),
      }),
      cursor,
      limit,
    });
    return { entries: page, ...next };
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
  input: input({ group_id: text('group: id or name') }),
  output: output({ group_id: text(), from: text(), height: number(), is_level: flag() }),
  async run(call, { group_id }) {
    const { groupId } = call.node.group(group_id);
    const repaired = await repair(networkOf(call), groupId, { waitMs: SYNC_WAIT_MS });
    const { from, height, isLevel } = repaired;
    return { group_id: groupId, from, height, is_level: isLevel };
  },
});

export const networkDesk: readonly Operation[] = [networkStatus, syncNow, listOutbox, repairGroup];
