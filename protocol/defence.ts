/**
 * Defence: how much one peer and one address may ask for, and what becomes of those who misbehave.
 *
 * Each misbehaviour shuts a peer out, each time for four times as long; guilt halves every ten minutes, so that a
 * mistake is forgotten and a habit is not. A peer is banned by its key. Its address is not: many honest peers may
 * stand behind one, and an address is limited anyway. All tables are bounded; the least recently used entry goes
 * first, which for a ban means that an attacker must make more keys than the table holds to be forgotten.
 *
 * Some of what is done to a node is no proof of malice: a stream that stalls, a question about a group that is none
 * of the peer's, a burst of gossip. Each is counted, and only a peer that goes on and on is shut out; it is
 * suspected, and named, before. A peer that has proved no key yet is named by its address.
 */
import type { NetworkDefence } from '../actors/telemetry.ts';
import type { Hex32 } from '../events/bytes.ts';
import { blocksOf, siteOf } from './address-block.ts';
import { MisbehaviourError } from './errors.ts';
import {
  BAN_FACTOR,
  BAN_MS_FIRST,
  BAN_MS_MAX,
  CONNECTIONS_PER_ADDRESS_MAX,
  CONNECTIONS_PER_PEER_MAX,
  FORGERIES_PER_MINUTE_MAX,
  GOSSIP_PER_MINUTE_MAX,
  GUILT_HALF_LIFE_MS,
  HALF_OPEN_PER_MINUTE_MAX,
  PEER_TABLE_MAX,
  QUESTIONS_OUTSIDE_PER_MINUTE_MAX,
  REQUESTS_PER_MINUTE_MAX,
  REQUESTS_PER_SITE_FACTOR,
  SITE_FACTOR,
  STALLS_PER_MINUTE_MAX,
  STRANGERS_MAX,
  STRANGERS_PER_BLOCK_MAX,
  STREAMS_PER_MINUTE_MAX,
  SYNCS_PER_MINUTE_MAX,
  UNPROVED_PER_BLOCK_MAX,
} from './limits.ts';
import { BoundedMap, RateLimit } from './rate-limit.ts';

/** Members of a common group may ask so many times as often as strangers. */
const MEMBER_FACTOR = 10;

/** What a peer may do for a while before it is held against it. */
export type Patience = 'floods' | 'streams' | 'gossip' | 'stalls' | 'prying' | 'forgeries';

/** A suspect is told of at most so often, and all of them together at most so often in a minute. */
const SUSPECT_GAP_MS = 60_000;
const SUSPICIONS_PER_MINUTE_MAX = 60;

interface Record {
  guilt: number;
  atMs: number;
  untilMs: number;
}

export interface DefenceOptions {
  /** Whether a peer is a member of a group of this node: it may ask ten times as often as a stranger. */
  isKnown?(peer: Hex32): boolean;
  /** A clock that only grows, milliseconds. */
  nowMs(): number;
  readonly requestsPerMinute?: number | undefined;
  readonly connectionsPerAddress?: number | undefined;
  /** Told of each ban. */
  banned(peer: Hex32, reason: string, forMs: number): void;
  /** Told, at most once a minute of each, of a peer (its key) or an address that does what an honest one seldom does. */
  suspected?(who: string, reason: string): void;
}

export class Defence {
  private readonly requests: RateLimit;
  private readonly syncs: RateLimit;
  private readonly patience: Readonly<{ [P in Patience]: RateLimit }>;
  private readonly halfOpen: RateLimit<string>;
  private readonly suspicions: RateLimit<string>;
  private readonly options: DefenceOptions;
  private readonly records = new BoundedMap<Hex32, Record>(PEER_TABLE_MAX);
  private readonly suspects = new BoundedMap<string, { count: number; toldMs: number }>(PEER_TABLE_MAX);
  private readonly byAddress = new Map<string, number>();
  private readonly byPeer = new Map<Hex32, number>();
  /** Connections that have proved no key yet, and those of strangers. */
  private readonly unproved: BlockCounts;
  private readonly strangers: BlockCounts;
  private strangerCount = 0;
  /** Where strangers come from, and what all who come from there ask for together. */
  private readonly sites = new BoundedMap<Hex32, string>(PEER_TABLE_MAX);
  private readonly bySite: Readonly<{ requests: RateLimit<string>; syncs: RateLimit<string> }>;
  private readonly counts = { bans: 0, rateLimited: 0, connectionsRefused: 0 };

  constructor(options: DefenceOptions) {
    const { nowMs, requestsPerMinute = REQUESTS_PER_MINUTE_MAX } = options;
    this.options = options;
    this.requests = new RateLimit(requestsPerMinute, nowMs);
    this.syncs = new RateLimit(SYNCS_PER_MINUTE_MAX, nowMs);
    const factor = this.blockFactor;
    this.unproved = new BlockCounts(UNPROVED_PER_BLOCK_MAX * factor);
    this.strangers = new BlockCounts(STRANGERS_PER_BLOCK_MAX * factor);
    this.bySite = {
      requests: new RateLimit(REQUESTS_PER_SITE_FACTOR * factor * requestsPerMinute, nowMs),
      syncs: new RateLimit(REQUESTS_PER_SITE_FACTOR * factor * SYNCS_PER_MINUTE_MAX, nowMs),
    };
    this.patience = {
      floods: new RateLimit(10 * requestsPerMinute, nowMs),
      streams: new RateLimit(Math.max(STREAMS_PER_MINUTE_MAX, 10 * requestsPerMinute), nowMs),
      gossip: new RateLimit(GOSSIP_PER_MINUTE_MAX, nowMs),
      stalls: new RateLimit(STALLS_PER_MINUTE_MAX, nowMs),
      prying: new RateLimit(QUESTIONS_OUTSIDE_PER_MINUTE_MAX, nowMs),
      forgeries: new RateLimit(FORGERIES_PER_MINUTE_MAX, nowMs),
    };
    this.halfOpen = new RateLimit(HALF_OPEN_PER_MINUTE_MAX, nowMs);
    this.suspicions = new RateLimit(SUSPICIONS_PER_MINUTE_MAX, nowMs);
  }

  get counters(): NetworkDefence {
    return { ...this.counts };
  }

  /** Whether the peer may ask once more; a refusal is counted. */
  allows(limit: 'requests' | 'syncs', peer: Hex32): boolean {
    const isAllowed = this[limit].take(peer, this.costFor(peer)) && this.siteAllows(limit, peer);
    if (!isAllowed) this.counts.rateLimited++;
    return isAllowed;
  }

  /** Keys are free: strangers who come from one site share what they may ask for. */
  private siteAllows(limit: 'requests' | 'syncs', peer: Hex32): boolean {
    const site = this.options.isKnown?.(peer) === true ? undefined : this.sites.get(peer);
    return site === undefined || this.bySite[limit].take(site);
  }

  private costFor(peer: Hex32): number {
    return this.options.isKnown?.(peer) === true ? 1 / MEMBER_FACTOR : 1;
  }

  /**
   * As `allows`, for a peer that is told it asks too often.
   * @throws MisbehaviourError for those who go on and on in spite of the answer: they are not busy but hostile
   */
  admits(limit: 'requests' | 'syncs', peer: Hex32): boolean {
    if (this.allows(limit, peer)) return true;
    if (!this.bears('floods', peer)) throw new MisbehaviourError('a flood of requests');
    return false;
  }

  /** Counts against a peer what is no misbehaviour by itself; false where it has become too much. */
  bears(patience: Patience, peer: Hex32, cost = 1): boolean {
    const factor = patience === 'streams' ? this.costFor(peer) : 1;
    return this.patience[patience].take(peer, cost * factor);
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

  /** How often the bounds of a block are raised with that of an address, where many nodes stand behind one. */
  private get blockFactor(): number {
    const perAddress = this.options.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS_MAX;
    return Math.max(1, perAddress / CONNECTIONS_PER_ADDRESS_MAX);
  }

  /** Whether one more connection from an address may begin its handshake; counted until `addressLeft`. */
  admitAddress(address: string): boolean {
    const count = this.byAddress.get(address) ?? 0;
    if (this.unproved.isFull(address)) {
      this.counts.connectionsRefused++;
      return false;
    }
    if (count >= (this.options.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS_MAX)) {
      this.counts.connectionsRefused++;
      this.suspect(address, 'it opens more connections than one address may have');
      return false;
    }
    this.byAddress.set(address, count + 1);
    this.unproved.add(address);
    return true;
  }

  /**
   * An admitted connection has proved a key, or is gone before that. Members of shared groups get in as long as there is
   * room at all; strangers have places of their own, in all and by block of addresses.
   * @returns what the connection is, until `strangerLeft`; `refused` where there is no place for one more stranger
   */
  proved(address: string, peer: Hex32 | undefined): 'member' | 'stranger' | 'refused' {
    this.unproved.drop(address);
    if (peer === undefined) return 'refused';
    if (this.options.isKnown?.(peer) === true) return 'member';
    if (this.strangerCount >= STRANGERS_MAX || this.strangers.isFull(address)) {
      this.counts.connectionsRefused++;
      return 'refused';
    }
    this.strangerCount++;
    this.strangers.add(address);
    this.sites.set(peer, siteOf(address));
    return 'stranger';
  }

  /** The connection of a stranger is gone. */
  strangerLeft(address: string): void {
    this.strangerCount--;
    this.strangers.drop(address);
  }

  /** A connection that had been admitted is gone; without a proved key, its handshake came to nothing. */
  addressLeft(address: string, hasProvedKey: boolean): void {
    drop(this.byAddress, address);
    if (!hasProvedKey && !this.halfOpen.take(address))
      this.suspect(address, 'it begins handshakes and does not finish them');
  }

  /** Names a peer, or an address from which nobody has proved a key, that does what an honest one seldom does. */
  suspect(who: string, reason: string): void {
    const atMs = this.options.nowMs();
    const { count, toldMs } = this.suspects.get(who) ?? { count: 0, toldMs: -Infinity };
    const isNews = atMs - toldMs >= SUSPECT_GAP_MS && this.suspicions.take('all');
    this.suspects.set(who, { count: count + 1, toldMs: isNews ? atMs : toldMs });
    if (isNews) this.options.suspected?.(who, reason);
  }

  /** Peers and addresses that were suspected, and how often; who was last comes last. */
  *suspected(): Generator<readonly [who: string, times: number]> {
    for (const [who, { count }] of this.suspects.all()) yield [who, count];
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

/** Counts what comes from a block of addresses, and from the site around it, which may have a few blocks' worth. */
class BlockCounts {
  private readonly counts = new Map<string, number>();
  private readonly perBlock: number;

  constructor(perBlock: number) {
    this.perBlock = perBlock;
  }

  isFull(address: string): boolean {
    return blocksOf(address).some(
      (block, at) => (this.counts.get(block) ?? 0) >= this.perBlock * (at === 0 ? 1 : SITE_FACTOR),
    );
  }

  add(address: string): void {
    for (const block of blocksOf(address)) this.counts.set(block, (this.counts.get(block) ?? 0) + 1);
  }

  drop(address: string): void {
    for (const block of blocksOf(address)) drop(this.counts, block);
  }
}

/** Counts one down; entries of nothing go. */
function drop<K>(counts: Map<K, number>, key: K): void {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
