/** Laws of the tree, against an oracle that is RFC 6962 section 2.1 word for word and slow. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, toHex } from '../../events/bytes.ts';
import {
  consistencyProof,
  consistencyProofFromNodes,
  inclusionProof,
  inclusionProofFromNodes,
  leafHash,
  merkleRoot,
  type NodeLookup,
} from '../../events/merkle.ts';
import { Frontier } from '../../events/merkle-frontier.ts';
import {
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from '../../events/merkle-verify.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const hash = (prefix: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  sha256(Buffer.concat([Buffer.of(prefix), ...parts]));
const split = (size: number): number => 2 ** Math.floor(Math.log2(size - 1));

function oracleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return hash(0, leaves[0]!);
  const k = split(leaves.length);
  return hash(1, oracleRoot(leaves.slice(0, k)), oracleRoot(leaves.slice(k)));
}

function oraclePath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...oraclePath(index, leaves.slice(0, k)), oracleRoot(leaves.slice(k))]
    : [...oraclePath(index - k, leaves.slice(k)), oracleRoot(leaves.slice(0, k))];
}

function oracleSubproof(size: number, leaves: readonly Uint8Array[], known: boolean): Uint8Array[] {
  if (size === leaves.length) return known ? [] : [oracleRoot(leaves)];
  const k = split(leaves.length);
  return size <= k
    ? [...oracleSubproof(size, leaves.slice(0, k), known), oracleRoot(leaves.slice(k))]
    : [...oracleSubproof(size - k, leaves.slice(k), false), oracleRoot(leaves.slice(0, k))];
}

/** SUBTREE_PROOF of draft-ietf-plants-merkle-tree-certs section 4.4.1. */
function oracleSubtreeProof(
  start: number,
  end: number,
  leaves: readonly Uint8Array[],
  known = true,
): Uint8Array[] {
  if (start === 0 && end === leaves.length) return known ? [] : [oracleRoot(leaves)];
  const k = split(leaves.length);
  const left = leaves.slice(0, k);
  const right = leaves.slice(k);
  if (end <= k) return [...oracleSubtreeProof(start, end, left, known), oracleRoot(right)];
  if (start >= k) return [...oracleSubtreeProof(start - k, end - k, right, known), oracleRoot(left)];
  return [...oracleSubtreeProof(0, end - k, right, false), oracleRoot(left)];
}

const leavesOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => sha256(Buffer.from(`leaf ${index}`)));

/** Grows a tree leaf by leaf and keeps what a node's storage would keep. */
function grow(leaves: readonly Uint8Array[]): { frontier: Frontier; node: NodeLookup } {
  const stored = new Map<string, Uint8Array>();
  const frontier = new Frontier(sha256);
  for (const leaf of leaves) {
    for (const { level, index, hash } of frontier.append(leaf)) {
      expect(stored.has(`${level}/${index}`)).toBe(false);
      stored.set(`${level}/${index}`, hash);
    }
  }
  const node: NodeLookup = (level, index) => {
    const found = stored.get(`${level}/${index}`);
    if (found === undefined) throw new Error(`node ${level}/${index} was never completed`);
    return found;
  };
  return { frontier, node };
}

const hex = (proof: readonly Uint8Array[]): string[] => proof.map(toHex);

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}

describe('merkle trees', () => {
  it('root, frontier root and proofs equal the recursive definition for every size up to 40', () => {
    for (let size = 0; size <= 40; size++) {
      const leaves = leavesOf(size);
      const { frontier, node } = grow(leaves);
      const root = toHex(oracleRoot(leaves));
      expect(toHex(merkleRoot(leaves, sha256))).toBe(root);
      expect(toHex(frontier.root())).toBe(root);
      expect(frontier.size).toBe(size);
      for (let index = 0; index < size; index++) {
        const path = hex(oraclePath(index, leaves));
        expect(hex(inclusionProof(leaves, index, sha256))).toEqual(path);
        expect(hex(inclusionProofFromNodes(index, size, node, sha256))).toEqual(path);
      }
      for (let oldSize = 1; oldSize <= size; oldSize++) {
        const proof = hex(oracleSubproof(oldSize, leaves, true));
        expect(hex(consistencyProof(leaves, oldSize, sha256))).toEqual(proof);
        expect(hex(consistencyProofFromNodes(oldSize, size, node, sha256))).toEqual(proof);
      }
    }
  });

  it('every proof verifies, and fails with any bit flipped', () => {
    const shape = fc.integer({ min: 1, max: 300 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        index: fc.nat(size - 1),
        oldSize: fc.integer({ min: 1, max: size }),
        bit: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(shape, ({ size, index, oldSize, bit }) => {
        const leaves = leavesOf(size);
        const root = merkleRoot(leaves, sha256);
        const inclusion = {
          leafIndex: index,
          treeSize: size,
          leafHash: leafHash(leaves[index]!, sha256),
          proof: inclusionProof(leaves, index, sha256),
          root,
        };
        expect(verifyInclusion(inclusion, sha256)).toBe(true);
        for (const broken of flipEach(inclusion, bit)) expect(verifyInclusion(broken, sha256)).toBe(false);

        const consistency = {
          oldSize,
          newSize: size,
          oldRoot: merkleRoot(leaves.slice(0, oldSize), sha256),
          newRoot: root,
          proof: consistencyProof(leaves, oldSize, sha256),
        };
        expect(verifyConsistency(consistency, sha256)).toBe(true);
        for (const broken of flipEach(consistency, bit)) {
          expect(verifyConsistency(broken, sha256)).toBe(false);
        }
      }),
      { numRuns: 60, seed: 6962 },
    );
  });

  it('every subtree of a tree of 21 verifies against it, and no other claim of its proof does', () => {
    const size = 21;
    const leaves = leavesOf(size);
    const root = merkleRoot(leaves, sha256);
    for (let start = 0; start < size; start++) {
      for (let end = start + 1; end <= size; end++) {
        if (start % 2 ** Math.ceil(Math.log2(end - start)) !== 0) continue;
        const within = leaves.slice(start, end);
        const proof = oracleSubtreeProof(start, end, leaves);
        const claim = { start, end, size, subtreeRoot: merkleRoot(within, sha256), root, proof };
        expect(verifySubtreeConsistency(claim, sha256)).toBe(true);
        for (const broken of flipEach(claim, 7)) expect(verifySubtreeConsistency(broken, sha256)).toBe(false);
        const leafIndex = start + ((end - start) >> 1);
        const inclusion = {
          leafIndex,
          start,
          end,
          leafHash: leafHash(leaves[leafIndex]!, sha256),
          proof: inclusionProof(within, leafIndex - start, sha256),
          root: claim.subtreeRoot,
        };
        expect(verifySubtreeInclusion(inclusion, sha256)).toBe(true);
        expect(verifySubtreeInclusion({ ...inclusion, leafIndex: leafIndex - start - 1 }, sha256)).toBe(
          false,
        );
      }
    }
  });

  it('a frontier goes on from its peaks as if it had never stopped', () => {
    const leaves = leavesOf(100);
    for (const stop of [0, 1, 2, 3, 31, 32, 33, 63, 99]) {
      const before = new Frontier(sha256);
      for (const leaf of leaves.slice(0, stop)) before.append(leaf);
      const after = new Frontier(sha256, before.size, before.peaks());
      for (const leaf of leaves.slice(stop)) after.append(leaf);
      expect(equalBytes(after.root(), merkleRoot(leaves, sha256))).toBe(true);
    }
  });

  it('peaks that do not fit the size are refused', () => {
    const one = sha256(new Uint8Array(0));
    expect(() => new Frontier(sha256, 3, [one])).toThrow(RangeError);
    expect(() => new Frontier(sha256, 0, [one])).toThrow(RangeError);
    expect(() => new Frontier(sha256, 1, [one.subarray(1)])).toThrow(RangeError);
    expect(() => new Frontier(sha256, -1)).toThrow(RangeError);
    expect(() => new Frontier(sha256, 1.5, [one])).toThrow(RangeError);
  });

  it('proofs beyond 2^32 leaves are made and verified without losing bits', () => {
    const size = 2 ** 45 + 3; // every leaf the same, so a node's hash depends on its level alone
    const leaf = sha256(Buffer.from('leaf'));
    const levels = [leafHash(leaf, sha256)];
    for (let level = 1; level <= 46; level++) levels.push(hash(1, levels[level - 1]!, levels[level - 1]!));
    const node: NodeLookup = (level, index) => {
      expect((index + 1) * 2 ** level).toBeLessThanOrEqual(size);
      return levels[level]!;
    };
    const root = hash(1, levels[45]!, hash(1, levels[1]!, levels[0]!));
    for (const leafIndex of [0, 2 ** 31, 2 ** 32 + 1, 2 ** 45 - 1, 2 ** 45, 2 ** 45 + 2]) {
      const proof = inclusionProofFromNodes(leafIndex, size, node, sha256);
      const claim = { leafIndex, treeSize: size, leafHash: levels[0]!, proof, root };
      expect(verifyInclusion(claim, sha256)).toBe(true);
    }
    const oldSize = 2 ** 33;
    const proof = consistencyProofFromNodes(oldSize, size, node, sha256);
    const claim = { oldSize, newSize: size, oldRoot: levels[33]!, newRoot: root, proof };
    expect(verifyConsistency(claim, sha256)).toBe(true);
    expect(verifyConsistency({ ...claim, oldSize: oldSize + 1 }, sha256)).toBe(false);
  });

  it('a maker is told of a size that cannot be; a verifier says no', () => {
    const leaves = leavesOf(3);
    expect(() => inclusionProof(leaves, 3, sha256)).toThrow(RangeError);
    expect(() => inclusionProof(leaves, -1, sha256)).toThrow(RangeError);
    expect(() => consistencyProof(leaves, 0, sha256)).toThrow(RangeError);
    expect(() => consistencyProof(leaves, 4, sha256)).toThrow(RangeError);
    const root = merkleRoot(leaves, sha256);
    const claim = { leafHash: leafHash(leaves[0]!, sha256), proof: [], root };
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53, 2 ** 64]) {
      expect(verifyInclusion({ ...claim, leafIndex: number, treeSize: 1 }, sha256)).toBe(false);
      expect(verifyInclusion({ ...claim, leafIndex: 0, treeSize: number }, sha256)).toBe(false);
      const sizes = { oldSize: number, newSize: number, oldRoot: root, newRoot: root, proof: [] };
      expect(verifyConsistency(sizes, sha256)).toBe(false);
    }
  });
});

type Claim = Record<string, unknown> & { readonly proof: readonly Uint8Array[] };

/** The claim with one bit flipped in each of its hashes in turn. */
function* flipEach<T extends object>(claim: T, bit: number): Generator<T> {
  const { proof } = claim as unknown as Claim;
  for (const [field, value] of Object.entries(claim)) {
    if (value instanceof Uint8Array) yield { ...claim, [field]: flipBit(value, bit % (value.length * 8)) };
  }
  for (const [at, item] of proof.entries()) {
    yield { ...claim, proof: proof.with(at, flipBit(item, bit % (item.length * 8))) };
  }
}
