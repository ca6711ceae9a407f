/**
 * What the network needs of a node, and no more: the node gives this, and knows nothing else of the network.
 */
import type { Bus } from '../actors/bus.ts';
import type { GroupChain } from '../actors/chain/chain.ts';
import type { SealedStatement } from '../actors/checkpoint/format.ts';
import type { WatchedClock } from '../actors/clock.ts';
import type { Market } from '../actors/market/market.ts';
import type { Groups } from '../actors/node/groups.ts';
import type { Identities } from '../actors/node/identities.ts';
import type { Outbox } from '../actors/outbox.ts';
import type { GroupPresence } from '../actors/presence/group-presence.ts';
import type { Presences } from '../actors/presence/presences.ts';
import type { SealersHeard } from '../actors/sealers-heard.ts';
import type { Signer } from '../crypto/identity.ts';
import type { Keystore } from '../crypto/keystore.ts';
import type { Verifier } from '../crypto/verifier.ts';
import type { Hex32 } from '../events/bytes.ts';
import type { CommitBatch } from '../storage/port.ts';
import type { Store } from '../storage/store.ts';

export interface NetworkPort {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly bus: Bus;
  readonly clock: WatchedClock;
  /** Orders, grants and announcements of the node. */
  readonly market: Market;
  /** The node's own key, which is its identity on the network. Throws while the keys are locked. */
  readonly signer: Signer;
  /** All identities of the node, its own among them. */
  signers(): readonly Signer[];
  groupIds(): readonly Hex32[];
  /** The chain of a group of this node. */
  chain(groupId: Hex32): GroupChain;
  /** Whether this node holds a key that may seal the group; its chain is not loaded for that. */
  seals(groupId: Hex32): boolean;
  /** Whether it could seal now: its chain stands, and its clock is not in doubt. */
  canSeal(groupId: Hex32): boolean;
  /** When those who seal were last heard. */
  readonly sealersHeard: SealersHeard;
  /** Seals nothing in the group until the release is called. */
  holdSealing(groupId: Hex32): () => void;
  /** Who is there in a group of this node. */
  presence(groupId: Hex32): GroupPresence;
  /** Adds a group that another node founded, from its block 0; its id is the block's. */
  adopt(block: Uint8Array): Promise<GroupChain>;
  /** Adds a group that begins at a checkpoint. */
  adoptAt(groupId: Hex32, batch: CommitBatch, sealed: SealedStatement): Promise<void>;
  /** Gives a damaged group an empty place; then it is adopted anew, and `renewed` ends it. */
  renew(groupId: Hex32): Promise<void>;
  renewed(groupId: Hex32): void;
  /** The history behind a checkpoint is whole. */
  historyFilled(groupId: Hex32): void;
  readonly verifier: Verifier;
}

interface NodeParts
  extends Pick<NetworkPort, 'store' | 'outbox' | 'bus' | 'clock' | 'market' | 'verifier' | 'sealersHeard'> {
  readonly keystore: Keystore;
  readonly identities: Identities;
  readonly groups: Groups;
  readonly presences: Presences;
}

/** The port of a node, from its parts. */
export function networkPort(parts: NodeParts): NetworkPort {
  const {
    store,
    outbox,
    bus,
    clock,
    market,
    verifier,
    sealersHeard,
    keystore,
    identities,
    groups,
    presences,
  } = parts;
  return {
    store,
    outbox,
    bus,
    clock,
    market,
    verifier,
    sealersHeard,
    get signer() {
      return keystore.signer();
    },
    signers: () => identities.list().flatMap(({ publicKey }) => identities.signerOf(publicKey) ?? []),
    groupIds: () => groups.ids(),
    chain: (groupId) => groups.chain(groupId),
    seals: (groupId) => groups.seals(groupId),
    canSeal: (groupId) => clock.jumpMs === undefined && groups.standing(groupId).status === 'sealing',
    holdSealing: (groupId) => groups.holdSealing(groupId),
    presence: (groupId) => presences.of(groupId),
    adopt: (block) => groups.adopt(block),
    adoptAt: (groupId, batch, sealed) => groups.adoptAt(groupId, batch, sealed),
    renew: (groupId) => groups.renew(groupId),
    renewed: (groupId) => groups.renewed(groupId),
    historyFilled: (groupId) => groups.historyFilled(groupId),
  };
}
