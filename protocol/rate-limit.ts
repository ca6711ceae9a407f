/**
 * Counting what peers ask for: tables that strangers can fill are bounded, and forget what was not used for longest.
 */
import type { Hex32 } from '../events/bytes.ts';
import { PEER_TABLE_MAX } from './limits.ts';

/** A map that forgets what was not used for longest when it is full. */
export class BoundedMap<K, V> {
  private readonly entries = new Map<K, V>();
  private readonly sizeMax: number;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: K): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size <= this.sizeMax) return;
    const [oldest] = this.entries.keys();
    this.entries.delete(oldest!);
  }

  /** Every entry, the least recently used first. */
  all(): IterableIterator<[K, V]> {
    return this.entries.entries();
  }

  delete(key: K): void {
    this.entries.delete(key);
  }
}

/** A bucket that holds a minute's worth and fills evenly. */
export class RateLimit<K extends string = Hex32> {
  private readonly buckets = new BoundedMap<K, { tokens: number; atMs: number }>(PEER_TABLE_MAX);
  private readonly perMinute: number;
  private readonly nowMs: () => number;

  constructor(perMinute: number, nowMs: () => number) {
    this.perMinute = perMinute;
    this.nowMs = nowMs;
  }

  /** Whether `key` may go on; if so, `cost` is counted. */
  take(key: K, cost = 1): boolean {
    const atMs = this.nowMs();
    const bucket = this.buckets.get(key) ?? { tokens: this.perMinute, atMs };
    const refilled = bucket.tokens + ((atMs - bucket.atMs) * this.perMinute) / 60_000;
    const tokens = Math.min(this.perMinute, refilled);
    const isEnough = tokens >= cost;
    this.buckets.set(key, { tokens: isEnough ? tokens - cost : tokens, atMs });
    return isEnough;
  }
}
