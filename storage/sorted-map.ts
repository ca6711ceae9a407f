/**
 * A map of text keys that can also be walked in the order of their UTF-8 bytes.
 *
 * Order is made only when it is asked for: new keys wait in a list of their own and are merged into the sorted one
 * at the next range, so that a million writes without a range in between cost a million map writes.
 */
import { compareUtf8 } from '../events/bytes.ts';
import type { StateRange } from './port.ts';

/** Text keys to bytes, with ranges. */
export class SortedMap {
  readonly #values = new Map<string, Uint8Array>();
  /** Sorted; may hold keys that were deleted since. */
  #sorted: string[] = [];
  /** Keys that are in `values` and perhaps not in `sorted`. */
  #fresh: string[] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#fresh.push(key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  /** The entries whose key begins with `prefix`, as they are when the walk begins. */
  range(prefix: string, { start, reverse = false, limit = Number.POSITIVE_INFINITY }: StateRange = {}) {
    this.#merge();
    const keys = this.#sorted;
    const entries: (readonly [string, Uint8Array])[] = [];
    const step = reverse ? -1 : 1;
    let at = reverse
      ? this.#lastBelow(prefix, start)
      : indexOfFirst(keys, (key) => compareUtf8(key, start ?? prefix) >= 0);
    for (; entries.length < limit && keys[at]?.startsWith(prefix); at += step) {
      const value = this.#values.get(keys[at]!);
      if (value) entries.push([keys[at]!, value]);
    }
    return entries;
  }

  #lastBelow(prefix: string, start: string | undefined): number {
    if (start !== undefined) return indexOfFirst(this.#sorted, (key) => compareUtf8(key, start) > 0) - 1;
    // Keys with the prefix are neighbours; the first one behind them is greater than the prefix and has it not.
    return indexOfFirst(this.#sorted, (key) => !key.startsWith(prefix) && compareUtf8(key, prefix) > 0) - 1;
  }

  #merge(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh.sort(compareUtf8);
    const merged: string[] = [];
    let at = 0;
    for (const key of this.#sorted) {
      while (at < fresh.length && compareUtf8(fresh[at]!, key) < 0) this.#keep(merged, fresh[at++]!);
      this.#keep(merged, key);
    }
    while (at < fresh.length) this.#keep(merged, fresh[at++]!);
    this.#sorted = merged;
    this.#fresh = [];
  }

  /** A key that was deleted and set again may come from both lists, and twice from one. */
  #keep(merged: string[], key: string): void {
    if (merged.at(-1) !== key && this.#values.has(key)) merged.push(key);
  }
}

/** The first index at which `holds`, which is false up to there and true from there; the length when nowhere. */
function indexOfFirst(keys: readonly string[], holds: (key: string) => boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(keys[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
