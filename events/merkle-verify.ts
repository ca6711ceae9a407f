/**
 * Checking Merkle proofs: of inclusion (this leaf is in that tree) and of consistency (this smaller tree is a prefix
 * of that larger one). Verifiers are given a stranger's numbers and hashes: they answer `false` and never throw.
 *
 * Source: RFC 9162 section 2.1, draft-ietf-plants-merkle-tree-certs section 4.
 */
import { equalBytes } from './bytes.ts';
import { half, isHash, isOdd, isSize, nodeHash, type Sha256, splitPoint } from './merkle.ts';

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
