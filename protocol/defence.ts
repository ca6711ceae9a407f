/**
 * Defence: how much one peer and one address may ask for, and what becomes of those who misbehave.
 *
 * Each misbehaviour shuts a peer out, each time for four times as long; guilt halves every ten minutes, so that a
 * mistake is forgotten and a habit is not. A peer is banned by its key. Its address is not: many honest peers may
 * stand behind one, and an address is limited anyway. All tables are bounded; the least recently used entry goes
 * first, which for a ban means that an attacker must make more keys than the table holds to be forgotten.
 */
import type { NetworkDefence } from '../actors/telemetry.ts';
import type { Hex32 } from '../events/bytes.ts';
import {
  BAN_FACTOR,
  BAN_MS_FIRST,
  BAN_MS_MAX,
  CONNECTIONS_PER_ADDRESS_MAX,
  CONNECTIONS_PER_PEER_MAX,
  GUILT_HALF_LIFE_MS,
  PEER_TABLE_MAX,
  REQUESTS_PER_MINUTE_MAX,
  SYNCS_PER_MINUTE_MAX,
} from './limits.ts';

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
export class RateLimit {
  private readonly buckets = new BoundedMap<Hex32, { tokens: number; atMs: number }>(PEER_TABLE_MAX);
  private readonly perMinute: number;
  private readonly nowMs: () => number;

  constructor(perMinute: number, nowMs: () => number) {
    this.perMinute = perMinute;
    this.nowMs = nowMs;
  }

  /** Whether `key` may go on; if so, `cost` is counted. */
  take(key: Hex32, cost = 1): boolean {
    const atMs = this.nowMs();
    const bucket = this.buckets.get(key) ?? { tokens: this.perMinute, atMs };
    const refilled = bucket.tokens + ((atMs - bucket.atMs) * this.perMinute) / 60_000;
    const tokens = Math.min(this.perMinute, refilled);
    const isEnough = tokens >= cost;
    this.buckets.set(key, { tokens: isEnough ? tokens - cost : tokens, atMs });
    return isEnough;
  }
}

/** Members of a common group may ask so many times as often as strangers. */
const MEMBER_FACTOR = 10;

interface Record {
  guilt: number;
  atMs: number;
  untilMs: number;
}

export interface DefenceOptions {
  /** Whether a peer is a member of a group of this node: he may ask ten times as often as a stranger. */
  isKnown?(peer: Hex32): boolean;
  /** A clock that only grows, milliseconds. */
  nowMs(): number;
  readonly requestsPerMinute?: number | undefined;
  readonly connectionsPerAddress?: number | undefined;
  /** Told of each ban. */
  banned(peer: Hex32, reason: string, forMs: number): void;
}

export class Defence {
  readonly requests: RateLimit;
  readonly syncs: RateLimit;
  /** Requests beyond the limit that are still answered with an error. */
  readonly floods: RateLimit;
  private readonly options: DefenceOptions;
  private readonly records = new BoundedMap<Hex32, Record>(PEER_TABLE_MAX);
  private readonly byAddress = new Map<string, number>();
  private readonly byPeer = new Map<Hex32, number>();
  private readonly counts = { bans: 0, rateLimited: 0, connectionsRefused: 0 };

  constructor(options: DefenceOptions) {
    this.options = options;
    this.requests = new RateLimit(options.requestsPerMinute ?? REQUESTS_PER_MINUTE_MAX, options.nowMs);
    this.floods = new RateLimit(10 * (options.requestsPerMinute ?? REQUESTS_PER_MINUTE_MAX), options.nowMs);
    this.syncs = new RateLimit(SYNCS_PER_MINUTE_MAX, options.nowMs);
  }

  get counters(): NetworkDefence {
    return { ...this.counts };
  }

  /** Whether the peer may ask once more; a refusal is counted. */
  allows(limit: 'requests' | 'syncs', peer: Hex32): boolean {
    const cost = this.options.isKnown?.(peer) === true ? 1 / MEMBER_FACTOR : 1;
    const isAllowed = this[limit].take(peer, cost);
    if (!isAllowed) this.counts.rateLimited++;
    return isAllowed;
  }

  /** Counts a misbehaviour against a peer and shuts it out; for how long, milliseconds. */
  punish(peer: Hex32, reason: string): number {
    const atMs = this.options.nowMs();
    const before = this.records.get(peer) ?? { guilt: 0, atMs, untilMs: 0 };
    const guilt = before.guilt * 0.5 ** ((atMs - before.atMs) / GUILT_HALF_LIFE_MS) + 1;
    const forMs = Math.min(BAN_MS_MAX, BAN_MS_FIRST * BAN_FACTOR ** (guilt - 1));
    this.records.set(peer, { guilt, atMs, untilMs: atMs + forMs });
    this.counts.bans++;
    this.options.banned(peer, reason, forMs);
    return forMs;
  }

  isBanned(peer: Hex32): boolean {
    const record = this.records.get(peer);
    return record !== undefined && this.options.nowMs() < record.untilMs;
  }

  /** Who is shut out now, and for how much longer, milliseconds. */
  *banned(): Generator<readonly [peer: Hex32, forMs: number]> {
    const nowMs = this.options.nowMs();
    for (const [peer, { untilMs }] of this.records.all()) if (untilMs > nowMs) yield [peer, untilMs - nowMs];
  }

  /** Lets a peer in again, with a clean slate. */
  forgive(peer: Hex32): void {
    this.records.delete(peer);
  }

  /** Whether one more connection from an address may begin its handshake; counted until `addressLeft`. */
  admitAddress(address: string): boolean {
    const count = this.byAddress.get(address) ?? 0;
    if (count >= (this.options.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS_MAX)) {
      this.counts.connectionsRefused++;
      return false;
    }
    this.byAddress.set(address, count + 1);
    return true;
  }

  addressLeft(address: string): void {
    drop(this.byAddress, address);
  }

  /** Whether one more connection of a peer may come up; `peerJoined` and `peerLeft` count. */
  admitPeer(peer: Hex32): boolean {
    const isFull = (this.byPeer.get(peer) ?? 0) >= CONNECTIONS_PER_PEER_MAX;
    if (isFull || this.isBanned(peer)) this.counts.connectionsRefused++;
    return !isFull && !this.isBanned(peer);
  }

  peerJoined(peer: Hex32): void {
    this.byPeer.set(peer, (this.byPeer.get(peer) ?? 0) + 1);
  }

  peerLeft(peer: Hex32): void {
    drop(this.byPeer, peer);
  }
}

/** Counts one down; entries of nothing go. */
function drop<K>(counts: Map<K, number>, key: K): void {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
