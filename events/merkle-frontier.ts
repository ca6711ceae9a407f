/** The Merkle tree that grows: appending to it, and its root at any time, without its leaves. */
import { foldRight, half, isHash, isOdd, isSize, leafHash, nodeHash, type Sha256 } from './merkle.ts';

/** A perfect subtree that an append has just filled, for storage to keep. */
export interface CompletedNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
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
