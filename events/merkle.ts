/**
 * Merkle trees as Certificate Transparency builds them: roots, and the making of proofs. Checking them is in
 * `merkle-verify.ts`, the tree that grows in `merkle-frontier.ts`.
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
 * them. Makers of proofs are given our own numbers: a wrong one is a bug, and throws `RangeError`.
 *
 * Source: RFC 6962 section 2.1, RFC 9162 section 2.1, draft-ietf-plants-merkle-tree-certs section 4.
 */

/** SHA-256. It must not keep a reference to its argument, which is a buffer that is used again. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Looks up the 32-byte hash of the perfect subtree over leaves `[index * 2^level, (index + 1) * 2^level)`. */
export type NodeLookup = (level: number, index: number) => Uint8Array;

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
export function foldRight(parts: readonly Uint8Array[], sha256: Sha256): Uint8Array {
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
export const splitPoint = (size: number): number => largestPowerOfTwo(size - 1).width;

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

/** Whether a number can be a count of leaves. */
export const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0;
export const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;
/** Half of an index, downwards: the node above. */
export const half = (value: number): number => Math.floor(value / 2);
export const isOdd = (value: number): boolean => value % 2 === 1;
