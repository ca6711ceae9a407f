/**
 * What this node answers to each request. A group that the caller does not belong to is not there for them
 * (`not_found`, as for groups that do not exist), unless it is discoverable and they ask for what may be
 * discovered.
 */
import type { HandOvers } from '../../actors/checkpoint/hand-overs.ts';
import { StoredState } from '../../actors/group-view.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { concatBytes, fromHex, type Hex32 } from '../../events/bytes.ts';
import { groupTable, offerTable } from '../../machines/tables.ts';
import type { GroupReader, GroupStore } from '../../storage/port.ts';
import type { Access } from '../access.ts';
import { MisbehaviourError, RpcError } from '../errors.ts';
import type { Host } from '../host.ts';
import * as limits from '../limits.ts';
import type { AnnouncementDesk } from '../market/announcement-desk.ts';
import { marketHandlersOf } from '../market/handlers.ts';
import { PackageShelf } from '../market/packages.ts';
import type { PeerBook } from '../peers.ts';
import type { NetworkPort } from '../port.ts';
import { type SubmissionDesk, takeSubmissions } from '../submissions.ts';
import { missingArtifacts } from '../sync/artifacts.ts';
import { sealOf } from '../sync/evidence.ts';
import { type AnswerOf, INTRODUCTION_PREFIX, introductionMessage } from './methods.ts';
import type { Handlers } from './server.ts';

const SOFTWARE = 'battery-node';

export interface HandlerParts {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly access: Access;
  readonly book: PeerBook;
  readonly desk: SubmissionDesk;
  readonly announcements: AnnouncementDesk;
  readonly handOvers: HandOvers;
  /** A peer has shown further keys. */
  introduced(peer: Hex32): void;
}

export function handlersOf(parts: HandlerParts): Handlers {
  const { port, access, desk } = parts;
  const packages = new PackageShelf(port);
  const memberGroup = (groupId: Hex32, peer: Hex32): GroupStore => {
    if (!access.isMember(groupId, peer)) throw new RpcError('not_found', '');
    return port.store.group(groupId);
  };
  return {
    ping: () => ({ nowMs: port.clock.nowMs() }),
    health: () => ({
      isReady: true,
      groups: port.groupIds().length,
      peers: parts.host.node.getPeers().length,
    }),
    node_info: () => ({ software: SOFTWARE, key: port.signer.publicKey, nowMs: port.clock.nowMs() }),
    introduce: ({ identities }, peer) => introduce(parts, identities, peer),
    group_list_available: ({ after }, peer) => availableGroups(parts, after, peer),
    group_head: ({ groupId, height }, peer) => {
      const group = memberGroup(groupId, peer);
      const block = group.block(height ?? group.head()!.height);
      if (block === undefined) throw new RpcError('not_found', 'there is no such height');
      return sealOf(block);
    },
    tx_submit: async (request, peer) => ({ verdicts: await takeSubmissions(desk, request, peer) }),
    tx_status: ({ groupId, txIds }, peer) => {
      const group = memberGroup(groupId, peer);
      return { statuses: txIds.map((txId) => statusOf(group, txId)) };
    },
    cas_have: ({ groupId, hashes }, peer) => {
      const read = artifactReader(parts, packages, groupId, peer);
      return { present: hashes.map((hash) => read.has(hash)) };
    },
    cas_get: ({ groupId, hashes }, peer) => ({
      artifacts: gatherArtifacts(artifactReader(parts, packages, groupId, peer), hashes),
    }),
    market_list_offers: ({ groupId, after }, peer) => {
      if (!access.has(groupId) || !(access.isMember(groupId, peer) || access.isDiscoverable(groupId)))
        throw new RpcError('not_found', '');
      return listOffers(port.store.group(groupId), after);
    },
    sync_status: ({ groupId }, peer) => ({
      height: memberGroup(groupId, peer).head()!.height,
      isSealer: port.seals(groupId),
      artifactsMissing: missingArtifacts(port.store.network, groupId),
    }),
    peer_exchange: ({ groupId }, peer) => {
      memberGroup(groupId, peer);
      return { peers: knownMembers(parts, groupId, peer) };
    },
    ...marketHandlersOf({ ...parts, packages }),
  };
}

function introduce(
  { port, access, introduced }: HandlerParts,
  identities: readonly { key: Hex32; signature: Uint8Array }[],
  peer: Hex32,
): Record<never, never> {
  const message = concatBytes(INTRODUCTION_PREFIX, introductionMessage(peer, port.signer.publicKey));
  if (!identities.every(({ key, signature }) => verifySignature(fromHex(key), message, signature)))
    throw new MisbehaviourError('an introduction that is forged');
  access.introduced(
    peer,
    identities.map(({ key }) => key),
  );
  introduced(peer);
  return {};
}

/** Groups that the caller belongs to, and those that may be discovered, a page in order of their ids. */
function availableGroups(
  { port, access }: HandlerParts,
  after: Hex32 | undefined,
  peer: Hex32,
): AnswerOf<'group_list_available'> {
  const found: AnswerOf<'group_list_available'>['groups'][number][] = [];
  for (const groupId of port.groupIds()) {
    if (after !== undefined && groupId <= after) continue;
    const isMember = access.isMember(groupId, peer);
    if (!isMember && !access.isDiscoverable(groupId)) continue;
    if (found.length === limits.GROUPS_PER_PAGE_MAX) return { groups: found, next: found.at(-1)!.groupId };
    const group = port.store.group(groupId);
    const { name } = new StoredState(group).get(groupTable, '')!;
    found.push({ groupId, name, height: group.head()!.height, isMember });
  }
  return { groups: found, next: undefined };
}

interface ArtifactReader {
  has(hash: Hex32): boolean;
  size(hash: Hex32): number;
  get(hash: Hex32): Uint8Array | undefined;
}

/** A group's artifacts for its members; without a group the packages, which belong to no group and to everybody. */
function artifactReader(
  { port, access }: HandlerParts,
  packages: PackageShelf,
  groupId: Hex32 | undefined,
  peer: Hex32,
): ArtifactReader {
  const { artifacts } = port.store;
  const content = {
    size: (hash: Hex32): number => artifacts.size(hash) ?? 0,
    get: (hash: Hex32): Uint8Array | undefined => artifacts.get(hash),
  };
  if (groupId === undefined) return { has: (hash) => packages.has(hash), ...content };
  if (!access.isMember(groupId, peer)) throw new RpcError('not_found', '');
  const group = port.store.group(groupId);
  return { has: (hash) => group.hasArtifact(hash), ...content };
}

/** As many as fit into an answer, at least one; what is too large for any answer is as if it were not here. */
function gatherArtifacts(reader: ArtifactReader, hashes: readonly Hex32[]): (Uint8Array | undefined)[] {
  const artifacts: (Uint8Array | undefined)[] = [];
  let gathered = 0;
  for (const hash of hashes) {
    const size = reader.has(hash) ? reader.size(hash) : undefined;
    const isThere = size !== undefined && size <= limits.ARTIFACT_BYTES_MAX;
    if (isThere) gathered += size;
    if (artifacts.length > 0 && gathered > limits.ARTIFACT_BATCH_BYTES) break;
    artifacts.push(isThere ? reader.get(hash) : undefined);
  }
  return artifacts;
}

function listOffers(group: GroupStore, after: Hex32 | undefined): AnswerOf<'market_list_offers'> {
  const state = new StoredState(group);
  const start = after === undefined ? {} : { start: offerTable.prefix + after };
  const offers: AnswerOf<'market_list_offers'>['offers'][number][] = [];
  for (const [key] of group.stateRange(offerTable.prefix, {
    ...start,
    limit: 4 * limits.OFFERS_PER_PAGE_MAX,
  })) {
    const offer = key.slice(offerTable.prefix.length);
    if (offer === after) continue;
    if (offers.length === limits.OFFERS_PER_PAGE_MAX) return { offers, next: offers.at(-1)!.offer };
    const { seller, title, tags, price, packageHash, expiresMs } = state.get(offerTable, offer)!;
    offers.push({ offer, seller, title, tags, price, packageHash, expiresMs });
  }
  return { offers, next: undefined };
}

/** Members of the group whom this node could reach lately; only members hear of them. */
function knownMembers({ access, book, host, port }: HandlerParts, groupId: Hex32, asking: Hex32) {
  return book
    .all()
    .filter(({ key, addresses }) => key !== asking && key !== port.signer.publicKey && addresses.length > 0)
    .filter(({ key }) => host.isConnected(key) && access.isMember(groupId, key))
    .slice(0, limits.PEERS_PER_ANSWER_MAX)
    .map(({ key, addresses }) => ({ key, addresses: addresses.slice(0, 8) }));
}

function statusOf(group: GroupReader, txId: Hex32): 'unknown' | 'sealed' | 'replaced' {
  if (group.txLocation(txId) !== undefined) return 'sealed';
  return group.replacement(txId) === undefined ? 'unknown' : 'replaced';
}
