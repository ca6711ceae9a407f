/**
 * What the rest of the node knows of storage: plain reads, and one way to write.
 *
 * A group's chain, its state and its indexes change together or not at all, so there is a single `commit`, and
 * what it takes is data. Reads are synchronous: they touch a memory map, and a rule that waited for a look-up
 * would cost more than the look-up. Two adapters keep this port (LMDB and memory) and one contract suite runs
 * over both.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { Id } from './keys.ts';

export type { Id } from './keys.ts';

/** Where a group's chain ends, and what is needed to seal or check the next block without reading history. */
export interface Head {
  readonly height: number;
  readonly blockId: Hex32;
  /** Block time, milliseconds since 1970. */
  readonly tsMs: number;
  /** Roots of the perfect subtrees that make up the history tree, 32 bytes each, largest first. */
  readonly frontier: readonly Uint8Array[];
  /** Operations applied since genesis. */
  readonly operations: number;
  /** Transactions sealed since genesis. */
  readonly transactions: number;
}

/** Where a transaction stands. */
export interface TxLocation {
  readonly height: number;
  readonly index: number;
}

/** Bounds of a state range. Keys are ordered by their UTF-8 bytes. */
export interface StateRange {
  /** The first key to give, inclusive, whether it exists or not: the least one, or with `reverse` the greatest. */
  readonly start?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** A block and its effects, as they are kept. */
export interface StoredBlock {
  readonly height: number;
  readonly id: Hex32;
  readonly bytes: Uint8Array;
}

/** An artifact of a group. */
export interface ArtifactEntry {
  readonly hash: Hex32;
  /** Bytes. */
  readonly size: number;
}

/**
 * Reads of one group. All bytes given out are the caller's own. Each throws `StorageError` (`closed`, `corrupt`,
 * `io`). Iterables read ahead in small pages and hold nothing open; consumed within one turn of the event loop,
 * or from a snapshot, they see one state of the group.
 */
export interface GroupReader {
  readonly groupId: Hex32;
  head(): Head | undefined;
  block(height: number): Uint8Array | undefined;
  blockId(height: number): Hex32 | undefined;
  heightOf(blockId: Id): number | undefined;
  /** Ids of stored blocks that begin with these lower-case hex digits, ascending. */
  blockIds(digits: string): Iterable<Hex32>;
  /** Blocks with from ≤ height < to, ascending; a gap in the log ends nothing, the heights tell. */
  blocks(from: number, to?: number): Iterable<StoredBlock>;
  /** The opaque bytes kept beside a block. */
  effects(height: number): Uint8Array | undefined;
  txLocation(txId: Id): TxLocation | undefined;
  /** The transaction that spent a replaced id: the one that made another impossible. */
  replacement(replacedId: Id): TxLocation | undefined;
  /** Whether there is a replaced id at all. */
  hasReplacements(): boolean;
  /** Ids that `txLocation` knows and that begin with these lower-case hex digits, ascending. */
  txIds(digits: string): Iterable<Hex32>;
  state(key: string): Uint8Array | undefined;
  /** Entries whose key starts with `prefix` ('' for all). */
  stateRange(prefix: string, range?: StateRange): Iterable<readonly [key: string, value: Uint8Array]>;
  /** A node of the history tree: the root of the perfect subtree `index` of 2^level leaves. */
  node(level: number, index: number): Uint8Array | undefined;
  /** An artifact that belongs to this group; undefined when the group does not refer to it, even if it is stored. */
  artifact(hash: Id): Uint8Array | undefined;
  hasArtifact(hash: Id): boolean;
  /** The group's artifacts in order of hash, from `start` (inclusive). */
  artifacts(start?: Id): Iterable<ArtifactEntry>;
  /** How many artifacts belong to the group; walks the index (about 10 million a second). */
  artifactCount(): number;
}

/** A block to keep. */
export interface CommitBlock {
  readonly height: number;
  readonly id: Id;
  readonly bytes: Uint8Array;
  readonly effects?: Uint8Array;
}

/** An id to mark as spent. */
export interface CommitTx {
  /** The id of the transaction, or the replaced id that it spends as well. */
  readonly txId: Id;
  readonly height: number;
  /** Position in the block, below 65,536. */
  readonly index: number;
  /** True for a replaced id. */
  readonly replaced?: boolean;
}

/** Everything that one commit writes; it is read once, before `commit` returns, and may be reused after. */
export interface CommitBatch {
  /** Ascending and without gaps. With `head` they continue the chain and end at it; without, they fill in history. */
  readonly blocks?: readonly CommitBlock[];
  /** The first commit of a group that begins at a checkpoint: its blocks are block 0 and the one of the state. */
  readonly isCheckpoint?: boolean;
  readonly head?: Head;
  /** Pairs of key and value; undefined deletes. */
  readonly state?: Iterable<readonly [key: string, value: Uint8Array | undefined]>;
  readonly txs?: Iterable<CommitTx>;
  readonly nodes?: Iterable<readonly [level: number, index: number, hash: Uint8Array]>;
  /** Artifacts of this group. The caller has checked the hashes. */
  readonly artifacts?: Iterable<{ readonly hash: Id; readonly bytes: Uint8Array }>;
}

/** One group: its reads, and the one way to change it. */
export interface GroupStore extends GroupReader {
  /**
   * Keeps the batch in one transaction and resolves when it is as durable as the store promises (flushed to disk).
   *
   * Commits of one group take effect in the order they are issued, and may be issued before earlier ones have
   * resolved. When one fails, those issued after it on top of it fail too, with the same error or `out_of_order`;
   * nothing of them is kept. Reads show a commit when its promise has resolved (and not long before).
   * @throws StorageError `disk_full`, `io`, `map_full`, `closed`, `out_of_order`
   * @throws RangeError for a batch that cannot be stored at all (a bug of the caller)
   */
  commit(batch: CommitBatch): Promise<void>;
}
