/**
 * What the network needs of a node, and no more: the node gives this, and knows nothing else of the network.
 */
import type { Bus } from '../actors/bus.ts';
import type { GroupChain } from '../actors/chain/chain.ts';
import { readTransaction } from '../actors/chain/verify.ts';
import type { WatchedClock } from '../actors/clock.ts';
import { RefusedError } from '../actors/errors.ts';
import type { Outbox } from '../actors/outbox.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Signer } from '../crypto/identity.ts';
import { decodeBlock } from '../events/block.ts';
import { type Hex32, toHex } from '../events/bytes.ts';
import type { Store } from '../storage/store.ts';

export interface NetworkPort {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly bus: Bus;
  readonly clock: WatchedClock;
  /** The node's own key, which is its identity on the network. */
  readonly signer: Signer;
  /** All identities of the node, its own among them. */
  signers(): readonly Signer[];
  groupIds(): readonly Hex32[];
  /** The chain of a group of this node. */
  chain(groupId: Hex32): GroupChain;
  /** Adds a group that another node founded, from its block 0; its id is the block's. */
  adopt(block: Uint8Array): Promise<GroupChain>;
  /** Calls `stop` when the node closes, before anything else is closed. */
  beforeClose(stop: () => Promise<void>): void;
}

/**
 * Adds a group by its block 0. The caller has compared the block's id with the group that he wants.
 * @throws RefusedError when the block is not valid, MalformedError, StorageError
 */
export async function adoptGroup(
  parts: Pick<NetworkPort, 'store' | 'bus' | 'chain'>,
  bytes: Uint8Array,
): Promise<GroupChain> {
  const block = decodeBlock(bytes);
  const groupId = toHex(sha256(block.headerBytes));
  const founding = readTransaction(block.transactions[0]!);
  if ('code' in founding) throw new RefusedError(founding);
  const [genesis] = founding.operations;
  const name = genesis?.type === 'genesis' ? genesis.name : '';
  await parts.store.addGroup(groupId, name, block.header.tsMs);
  const chain = parts.chain(groupId);
  const refusal = await chain.follow([bytes]);
  if (refusal !== undefined) throw new RefusedError(refusal);
  parts.bus.moment({ kind: 'group.opened', groupId });
  return chain;
}
