/**
 * Merkle trees as Certificate Transparency builds them: roots, proofs and a frontier that grows.
 *
 * A block commits to its transactions (`txRoot`) and to all blocks before it (`historyRoot`) with one
 * hash each. The tree of RFC 6962 is chosen because it allows two short proofs: *inclusion* (this leaf
 * is in that tree) and *consistency* (this smaller tree is a prefix of that larger one), which together
 * make a receipt and an audit that a stranger can check with nothing but SHA-256.
 *
 * The whole file rests on one picture: a proof lists the roots of *ranges* of leaves, and a range's root
 * comes either from the leaves themselves or from stored roots of perfect subtrees. The walk that names
 * the ranges is written once. Node `(level, index)` is the perfect subtree over the leaves
 * `[index * 2^level, (index + 1) * 2^level)`; it never changes once it is full, so it can be stored.
 *
 * Sizes and indexes are safe integers (below 2^53), halved by division because a 32-bit shift would cut
 * them. Verifiers are given a stranger's numbers: they answer `false` and never throw. Makers are given
 * our own numbers: a wrong one is a bug, and throws `RangeError`.
 *
 * Source: RFC 6962 section 2.1, RFC 9162 section 2.1, draft-ietf-plants-merkle-tree-certs section 4.
 */
import { equalBytes } from './bytes.ts';

/** SHA-256. It must not keep a reference to its argument, which is a buffer that is used again. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Looks up the 32-byte hash of the perfect subtree over leaves `[index * 2^level, (index + 1) * 2^level)`. */
export type NodeLookup = (level: number, index: number) => Uint8Array;

/** A perfect subtree that an append has just filled, for storage to keep. */
export interface CompletedNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

const HASH_BYTES = 32;
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** One buffer for all inner nodes: a root over 4,096 leaves would otherwise allocate 4,095 of them. */
const nodeScratch = new Uint8Array(1 + 2 * HASH_BYTES);
nodeScratch[0] = NODE_PREFIX;

/** SHA-256(0x00 || data): the hash of one leaf. */
export function leafHash(data: Uint8Array, sha256: Sha256): Uint8Array {
  const prefixed = new Uint8Array(1 + data.length);
  prefixed[0] = LEAF_PREFIX;
  prefixed.set(data, 1);
  return sha256(prefixed);
}

/** SHA-256(0x01 || left || right): the hash of an inner node over two 32-byte hashes. */
export function nodeHash(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  nodeScratch.set(left, 1);
  nodeScratch.set(right, 1 + HASH_BYTES);
  return sha256(nodeScratch);
}

/**
 * The root over raw leaf data; of no leaves, SHA-256 of the empty string.
 *
 * Level by level, an odd last node moving up unchanged, which gives the same tree as the recursive
 * definition of RFC 6962 and needs one array.
 */
export function merkleRoot(leaves: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  return rootOfLeaves(leaves, 0, leaves.length, sha256);
}

function rootOfLeaves(leaves: readonly Uint8Array[], start: number, end: number, sha256: Sha256): Uint8Array {
  if (start === end) return sha256(new Uint8Array(0));
  const level = hashLeaves(leaves, start, end, sha256);
  for (let width = level.length; width > 1; ) {
    let parent = 0;
    for (let child = 0; child < width; child += 2, parent++) {
      const left = level[child]!;
      level[parent] = child + 1 < width ? nodeHash(left, level[child + 1]!, sha256) : left;
    }
    width = parent;
  }
  return level[0]!;
}

function hashLeaves(leaves: readonly Uint8Array[], start: number, end: number, sha256: Sha256): Uint8Array[] {
  let scratch = new Uint8Array(1 + HASH_BYTES); // leaves are nearly always 32-byte ids
  const hashes = new Array<Uint8Array>(end - start);
  for (let at = start; at < end; at++) {
    const leaf = leaves[at]!;
    if (scratch.length !== leaf.length + 1) scratch = new Uint8Array(leaf.length + 1);
    scratch.set(leaf, 1); // scratch[0] is already LEAF_PREFIX, zero
    hashes[at - start] = sha256(scratch);
  }
  return hashes;
}

/** The root over leaves `[start, end)`, where `start` is a multiple of the smallest power of two >= size. */
type RangeRoot = (start: number, end: number) => Uint8Array;

/** Ranges from stored perfect subtrees: at most one lookup for each bit of the range's size. */
function rangesOfNodes(node: NodeLookup, sha256: Sha256): RangeRoot {
  return (start, end) => {
    const parts: Uint8Array[] = [];
    let at = start;
    while (at < end) {
      const { level, width } = largestPowerOfTwo(end - at);
      parts.push(node(level, at / width));
      at += width;
    }
    return foldRight(parts, sha256);
  };
}

/** Joins perfect subtrees, largest first, into one root: H(a, H(b, c)). */
function foldRight(parts: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  let root = parts[parts.length - 1]!;
  for (let at = parts.length - 2; at >= 0; at--) root = nodeHash(parts[at]!, root, sha256);
  return root;
}

/** The largest power of two that is at most `size` (at least 1), and its exponent. */
function largestPowerOfTwo(size: number): { level: number; width: number } {
  let level = 0;
  while (2 ** (level + 1) <= size) level++;
  return { level, width: 2 ** level };
}

/** Where a tree over `size` > 1 leaves splits: the largest power of two below `size`. */
const splitPoint = (size: number): number => largestPowerOfTwo(size - 1).width;

/** PATH(index, D[size]) of RFC 6962 section 2.1.1, from the leaf upwards. */
function inclusionPath(index: number, size: number, rangeRoot: RangeRoot): Uint8Array[] {
  if (!isSize(size) || !isSize(index) || index >= size) {
    throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  }
  const fromTop: Uint8Array[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      fromTop.push(rangeRoot(middle, end));
      end = middle;
    } else {
      fromTop.push(rangeRoot(start, middle));
      start = middle;
    }
  }
  return fromTop.reverse();
}

/** PROOF(oldSize, D[newSize]) of RFC 6962 section 2.1.2, from the old tree's last subtree upwards. */
function consistencyPath(oldSize: number, newSize: number, rangeRoot: RangeRoot): Uint8Array[] {
  if (!isSize(oldSize) || !isSize(newSize) || oldSize < 1 || oldSize > newSize) {
    throw new RangeError(`no consistency proof from size ${oldSize} to ${newSize}`);
  }
  const fromTop: Uint8Array[] = [];
  let start = 0;
  let end = newSize;
  while (oldSize < end) {
    const middle = start + splitPoint(end - start);
    if (oldSize <= middle) {
      fromTop.push(rangeRoot(middle, end));
      end = middle;
    } else {
      fromTop.push(rangeRoot(start, middle));
      start = middle;
    }
  }
  // The old tree is one perfect subtree: its root is known to whoever asks, and is left out.
  if (start > 0) fromTop.push(rangeRoot(start, end));
  return fromTop.reverse();
}

/** The audit path of leaf `index`, leaf's sibling first. O(n) hashes. Throws `RangeError` for no such leaf. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number, sha256: Sha256): Uint8Array[] {
  return inclusionPath(index, leaves.length, (start, end) => rootOfLeaves(leaves, start, end, sha256));
}

/** As `inclusionProof`, from stored perfect subtrees in O(log² n) lookups at worst and no leaf. */
export function inclusionProofFromNodes(
  index: number,
  treeSize: number,
  node: NodeLookup,
  sha256: Sha256,
): Uint8Array[] {
  return inclusionPath(index, treeSize, rangesOfNodes(node, sha256));
}

/**
 * Proof that the tree over the first `oldSize` leaves is a prefix of the tree over all of them.
 *
 * Empty when the sizes are equal. Throws `RangeError` unless 1 <= oldSize <= leaves.length: the empty
 * tree is a prefix of everything, so a proof of it would say nothing.
 */
export function consistencyProof(
  leaves: readonly Uint8Array[],
  oldSize: number,
  sha256: Sha256,
): Uint8Array[] {
  return consistencyPath(oldSize, leaves.length, (start, end) => rootOfLeaves(leaves, start, end, sha256));
}

/** As `consistencyProof`, from stored perfect subtrees. */
export function consistencyProofFromNodes(
  oldSize: number,
  newSize: number,
  node: NodeLookup,
  sha256: Sha256,
): Uint8Array[] {
  return consistencyPath(oldSize, newSize, rangesOfNodes(node, sha256));
}

const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0;
const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;
const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;

/** Whether `[start, end)` is a subtree: not empty, and starting at a multiple of a power of two >= its size. */
function isSubtree(start: number, end: number): boolean {
  if (!isSize(start) || !isSize(end) || start >= end) return false;
  const size = end - start;
  return start % (size === 1 ? 1 : 2 * splitPoint(size)) === 0;
}

export interface InclusionClaim {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Whether `proof` shows that the leaf hash stands at `leafIndex` of the tree with that root. Never throws. */
export function verifyInclusion(claim: InclusionClaim, sha256: Sha256): boolean {
  return verifySubtreeInclusion({ ...claim, start: 0, end: claim.treeSize }, sha256);
}

export interface SubtreeInclusionClaim extends Omit<InclusionClaim, 'treeSize'> {
  /** First leaf of the subtree. */
  readonly start: number;
  /** One past its last leaf. */
  readonly end: number;
}

/**
 * Whether the leaf at `leafIndex` (counted in the whole tree) is in the subtree `[start, end)` with that
 * root. Never throws. Source: RFC 9162 section 2.1.3.2, with the index counted from `start`.
 */
export function verifySubtreeInclusion(claim: SubtreeInclusionClaim, sha256: Sha256): boolean {
  const { leafIndex, start, end, proof, root } = claim;
  if (!isSubtree(start, end) || !isSize(leafIndex) || leafIndex < start || leafIndex >= end) return false;
  if (!isHash(claim.leafHash) || !proof.every(isHash)) return false;
  let index = leafIndex - start;
  let last = end - start - 1;
  let hash = claim.leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(index) || index === last) {
      hash = nodeHash(sibling, hash, sha256);
      // A last node without a sibling moves up unchanged: skip the levels at which it did.
      while (!isOdd(index) && index !== 0) {
        index = half(index);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling, sha256);
    }
    index = half(index);
    last = half(last);
  }
  return last === 0 && equalBytes(hash, root);
}

export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Whether `proof` shows that the old tree is a prefix of the new one. Never throws.
 *
 * `oldSize` 0 is always `false`: the empty tree is a prefix of every tree, so there is nothing to prove.
 */
export function verifyConsistency(claim: ConsistencyClaim, sha256: Sha256): boolean {
  if (claim.oldSize === 0) return false;
  const { newSize: size, newRoot: root, oldRoot: subtreeRoot, proof } = claim;
  return verifySubtreeConsistency({ start: 0, end: claim.oldSize, size, subtreeRoot, root, proof }, sha256);
}

export interface SubtreeConsistencyClaim {
  /** First leaf of the subtree. */
  readonly start: number;
  /** One past its last leaf. */
  readonly end: number;
  /** Number of leaves of the whole tree. */
  readonly size: number;
  readonly subtreeRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Whether `proof` shows that the subtree `[start, end)` is part of the tree of `size` leaves. Never throws.
 *
 * An empty subtree needs no proof and is part of every tree, if its root is the hash of the empty string.
 * Source: draft-ietf-plants-merkle-tree-certs section 4.4.3.
 */
export function verifySubtreeConsistency(claim: SubtreeConsistencyClaim, sha256: Sha256): boolean {
  const { start, end, size, subtreeRoot, root, proof } = claim;
  if (!isSize(start) || !isSize(end) || !isSize(size) || end > size) return false;
  if (start === end) return proof.length === 0 && equalBytes(subtreeRoot, sha256(new Uint8Array(0)));
  if (!isSubtree(start, end) || !proof.every(isHash)) return false;
  if (proof.length > 0 && !isHash(subtreeRoot)) return false;
  let first = start; // first and last node of the subtree, and last node of the tree, level by level
  let last = end - 1;
  let treeLast = size - 1;
  const up = (): void => {
    first = half(first);
    last = half(last);
    treeLast = half(treeLast);
  };
  // Climb to the node where the proof begins: the subtree itself, or its last perfect part.
  if (last === treeLast) while (first !== last) up();
  else while (first !== last && isOdd(last)) up();
  const whole = first === last;
  const seed = whole ? subtreeRoot : proof[0];
  if (seed === undefined) return false;
  let subtreeHash = seed;
  let treeHash = seed;
  for (const sibling of whole ? proof : proof.slice(1)) {
    if (treeLast === 0) return false;
    if (isOdd(last) || last === treeLast) {
      if (first < last) subtreeHash = nodeHash(sibling, subtreeHash, sha256);
      treeHash = nodeHash(sibling, treeHash, sha256);
      while (!isOdd(last) && last !== 0) up();
    } else {
      treeHash = nodeHash(treeHash, sibling, sha256);
    }
    up();
  }
  return treeLast === 0 && equalBytes(subtreeHash, subtreeRoot) && equalBytes(treeHash, root);
}

/**
 * The right edge of a growing tree (a compact range): one hash for each 1 bit of its size.
 *
 * Enough to append and to give the root at any time, without the leaves. A node keeps one per group.
 */
export class Frontier {
  readonly #sha256: Sha256;
  /** Perfect subtrees from left to right, so from the largest to the smallest. */
  readonly #peaks: Uint8Array[];
  #size: number;

  /** An empty tree, or the one that `size` and `peaks()` came from. Throws `RangeError` if they do not fit. */
  constructor(sha256: Sha256, size = 0, peaks: readonly Uint8Array[] = []) {
    let bits = 0;
    for (let rest = size; rest >= 1; rest = half(rest)) if (isOdd(rest)) bits++;
    if (!isSize(size) || peaks.length !== bits || !peaks.every(isHash)) {
      throw new RangeError(`${peaks.length} hashes do not make the frontier of a tree of ${size}`);
    }
    this.#sha256 = sha256;
    this.#size = size;
    this.#peaks = [...peaks];
  }

  /** The number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** The hashes to keep in order to go on later, together with `size`: one for each 1 bit of it. */
  peaks(): Uint8Array[] {
    return [...this.#peaks];
  }

  /** Appends raw leaf data; returns the perfect subtrees it fills, the leaf's own node (level 0) first. */
  append(data: Uint8Array): CompletedNode[] {
    let hash = leafHash(data, this.#sha256);
    let index = this.#size;
    const completed: CompletedNode[] = [{ level: 0, index, hash }];
    for (let level = 1; isOdd(index); level++) {
      hash = nodeHash(this.#peaks.pop()!, hash, this.#sha256);
      index = half(index);
      completed.push({ level, index, hash });
    }
    this.#peaks.push(hash);
    this.#size++;
    return completed;
  }

  /** The root over all leaves so far; of none, SHA-256 of the empty string. */
  root(): Uint8Array {
    if (this.#size === 0) return this.#sha256(new Uint8Array(0));
    return foldRight(this.#peaks, this.#sha256);
  }
}
