/**
 * The peers that this node knows of, across starts, and the keeping of connections to those it needs.
 *
 * Addresses are hints and may come from anybody; a connection proves the key. Peers that somebody added by hand are
 * pinned and always kept connected; others are remembered while there is room, and dialled when a group needs them.
 *
 * What anybody says of a peer is kept apart from what is known: addresses that the owner of this node gave, and those at
 * which the peer proved its key. The others never take their places, nor do peers that were only heard of take those of
 * peers that were met, are pinned, or share a group. Addresses of one link are held while the process lives, and neither
 * written down nor told: see link-local.ts.
 *
 *   'peer/' key        →  the record below
 *   'peer-known/' key  →  the addresses that were given or proved, the newest first
 *   'peer-alias/' key  →  what somebody here calls the peer, in UTF-8
 */

import { ADDRESS_BYTES_MAX } from '../actors/invites.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../events/bytes.ts';
import { decode, encode, type Of } from '../events/codec.ts';
import { boolean, list, record, text, timestamp } from '../events/fields.ts';
import type { OpaqueMap, OpaqueWrite } from '../storage/opaque-map.ts';
import { isDialable, isOnLink, siteOfAddress } from './addresses.ts';
import { NetworkError } from './errors.ts';
import type { Host } from './host.ts';
import {
  BACKOFF_MS_FIRST,
  BACKOFF_MS_MAX,
  HEARD_PER_BLOCK_MAX,
  PEER_BOOK_MAX,
  PEER_TABLE_MAX,
} from './limits.ts';
import { BoundedMap } from './rate-limit.ts';

const ADDRESSES_MAX = 8;
/** Of these, addresses that were given or proved. */
const KNOWN_MAX = 6;
const KEEP_INTERVAL_MS = 250;
const DIALS_AT_ONCE = 8;
/** Peers that are dialled because they were found nearby, beyond those that a group needs. */
const FOUND_PEERS_MAX = 32;

const entryCodec = record({
  addresses: list(text({ maxBytes: ADDRESS_BYTES_MAX, min: 1 }), { max: ADDRESSES_MAX }),
  isPinned: boolean,
  seenMs: timestamp,
});
export type PeerEntry = Of<typeof entryCodec> & {
  readonly key: Hex32;
  /** Those of the addresses, and first among them, that the owner gave or at which the peer proved its key. */
  readonly known: readonly string[];
  /** What the peer is called here; nobody else is told. */
  readonly alias?: string;
};

const PREFIX = utf8('peer/');
const peerKey = (key: Hex32): Uint8Array => concatBytes(PREFIX, fromHex(key));
const KNOWN_PREFIX = utf8('peer-known/');
const knownKey = (key: Hex32): Uint8Array => concatBytes(KNOWN_PREFIX, fromHex(key));
const knownCodec = record({
  addresses: list(text({ maxBytes: ADDRESS_BYTES_MAX, min: 1 }), { max: KNOWN_MAX }),
});
const ALIAS_PREFIX = utf8('peer-alias/');
const aliasKey = (key: Hex32): Uint8Array => concatBytes(ALIAS_PREFIX, fromHex(key));

/** Who says where a peer is: the owner of this node, a connection that proved its key there, or anybody. */
export type AddressSource = 'given' | 'proved' | 'heard';

/** Where a peer is on links of this machine. */
interface Sighting {
  readonly addresses: readonly string[];
  /** Whether it names no others: what is written down of it is of another network then, and tried after these. */
  readonly isAll: boolean;
}

export class PeerBook {
  private readonly map: OpaqueMap;
  private readonly sharesGroup: (peer: Hex32) => boolean;
  private readonly entries = new Map<Hex32, PeerEntry>();
  private readonly onLinks = new BoundedMap<Hex32, Sighting>(PEER_TABLE_MAX);

  /** @param sharesGroup whether a peer shares a group with this node: such peers keep their places */
  constructor(map: OpaqueMap, sharesGroup: (peer: Hex32) => boolean = () => false) {
    this.map = map;
    this.sharesGroup = sharesGroup;
    for (const [key, value] of map.list(PREFIX)) {
      const peer = toHex(key.slice(PREFIX.length));
      const alias = map.get(aliasKey(peer));
      const named = alias === undefined ? {} : { alias: new TextDecoder().decode(alias) };
      const stored = map.get(knownKey(peer));
      const known = stored === undefined ? [] : decode(knownCodec, stored.slice()).addresses;
      this.entries.set(peer, { key: peer, known, ...decode(entryCodec, value.slice()), ...named });
    }
  }

  all(): PeerEntry[] {
    return [...this.entries.values()];
  }

  get(key: Hex32): PeerEntry | undefined {
    return this.entries.get(key);
  }

  /** Holds the addresses of links among some that the owner of this node gave, or the link itself. */
  sight(key: Hex32, addresses: readonly string[]): void {
    const here = addresses.filter(isOnLink);
    if (here.length === 0) return;
    const isAll = !addresses.some(isDialable);
    this.onLinks.set(key, { addresses: firstOf(here, ADDRESSES_MAX), isAll });
  }

  /** All addresses at which a peer may be, in the order in which they are tried. */
  waysTo(key: Hex32): readonly string[] {
    const written = this.entries.get(key)?.addresses ?? [];
    const { addresses, isAll } = this.onLinks.get(key) ?? { addresses: [], isAll: false };
    return isAll ? [...addresses, ...written] : [...written, ...addresses];
  }

  /**
   * Remembers addresses of a peer, the newest first; what cannot be dialled, or is good here alone, is left out.
   * @param options.source who says so: what was only heard comes after all that was given or proved
   */
  async add(
    key: Hex32,
    addresses: readonly string[],
    options: { readonly isPinned?: boolean; readonly seenMs: number; readonly source?: AddressSource },
  ): Promise<void> {
    const { isPinned, seenMs, source = isPinned === true ? 'given' : 'heard' } = options;
    const before = this.entries.get(key);
    const named = addresses.filter(isDialable);
    if (before === undefined && named.length === 0 && isPinned !== true) return;
    if (before === undefined && source === 'heard' && !(await this.hasPlaceFor(key, named))) return;
    const known =
      source === 'heard' ? (before?.known ?? []) : firstOf([...named, ...(before?.known ?? [])], KNOWN_MAX);
    const heard = source === 'heard' ? named : [];
    const entry: PeerEntry = {
      ...before,
      key,
      known,
      addresses: firstOf([...known, ...heard, ...(before?.addresses ?? [])], ADDRESSES_MAX),
      isPinned: isPinned ?? before?.isPinned ?? false,
      seenMs: source === 'heard' ? (before?.seenMs ?? seenMs) : seenMs,
    };
    const isNews =
      before?.isPinned !== entry.isPinned ||
      before.addresses.join() !== entry.addresses.join() ||
      before.known.join() !== known.join();
    this.entries.set(key, entry);
    if (!isNews) return;
    await this.map.write([
      [peerKey(key), encode(entryCodec, entry)],
      [knownKey(key), known.length === 0 ? undefined : encode(knownCodec, { addresses: known })],
    ]);
    await this.makeRoom();
  }

  /** Calls a peer of the book by a name of the caller's choice; one that another peer had goes over to this one. */
  async name(key: Hex32, alias: string): Promise<void> {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.alias === alias) return;
    const before = this.all().find((other) => other.alias === alias);
    this.entries.set(key, { ...entry, alias });
    const writes: OpaqueWrite[] = [[aliasKey(key), utf8(alias)]];
    if (before !== undefined) {
      const { alias: _, ...nameless } = before;
      this.entries.set(before.key, nameless);
      writes.push([aliasKey(before.key), undefined]);
    }
    await this.map.write(writes);
  }

  /** Peers that may go: only heard of, and of no group of this node. */
  private rumors(): PeerEntry[] {
    return this.all().filter(
      ({ key, isPinned, known }) => !isPinned && known.length === 0 && !this.sharesGroup(key),
    );
  }

  /** Whether one more that was only heard of may come in; the oldest of its site goes for it. */
  private async hasPlaceFor(key: Hex32, addresses: readonly string[]): Promise<boolean> {
    const [first] = addresses;
    if (first === undefined) return false;
    if (this.sharesGroup(key)) return true;
    const site = siteOfAddress(first);
    const neighbors = this.rumors().filter((one) => one.addresses.some((at) => siteOfAddress(at) === site));
    const oldest = neighbors.sort((a, b) => a.seenMs - b.seenMs)[0];
    if (neighbors.length >= HEARD_PER_BLOCK_MAX) await this.remove(oldest!.key);
    // A book that is full of peers who were met, or share a group, has no place for rumors.
    return this.entries.size < PEER_BOOK_MAX || this.rumors().length > 0;
  }

  private async makeRoom(): Promise<void> {
    if (this.entries.size <= PEER_BOOK_MAX) return;
    const bySeen = (a: PeerEntry, b: PeerEntry): number => a.seenMs - b.seenMs;
    const met = this.all().filter(({ key, isPinned }) => !isPinned && !this.sharesGroup(key));
    const [rumor] = this.rumors().sort(bySeen);
    const oldest =
      rumor ??
      met.sort(bySeen)[0] ??
      this.all()
        .filter(({ isPinned }) => !isPinned)
        .sort(bySeen)[0];
    if (oldest !== undefined) await this.remove(oldest.key);
  }

  async remove(key: Hex32): Promise<boolean> {
    if (!this.entries.delete(key)) return false;
    await this.map.write([
      [peerKey(key), undefined],
      [knownKey(key), undefined],
      [aliasKey(key), undefined],
    ]);
    return true;
  }
}

export interface DialerOptions {
  readonly host: Host;
  readonly book: PeerBook;
  /** Peers that a group needs. */
  needed(): Iterable<Hex32>;
}

/** Keeps connections to pinned and needed peers, trying again after longer and longer waits. */
export class Dialer {
  private readonly options: DialerOptions;
  private readonly waits = new BoundedMap<Hex32, { failures: number; dueMs: number }>(PEER_TABLE_MAX);
  private readonly underWay = new Map<Hex32, Promise<void>>();
  private readonly found = new Set<Hex32>();
  private readonly timer: NodeJS.Timeout;

  constructor(options: DialerOptions) {
    this.options = options;
    this.timer = setInterval(() => this.keep(), KEEP_INTERVAL_MS);
    this.timer.unref();
  }

  /**
   * A peer of the local network has shown itself: it is called when its addresses are in the book.
   * @returns whether there is a place for it: anybody there can make up any number of peers
   */
  foundNearby(key: Hex32): boolean {
    if ((this.waits.get(key)?.dueMs ?? 0) > performance.now()) return false;
    if (!this.found.has(key) && this.found.size >= FOUND_PEERS_MAX) return false;
    this.found.add(key);
    return true;
  }

  /** Gives the place of such a peer to others. */
  lostNearby(key: Hex32): void {
    this.found.delete(key);
  }

  /** Forgets how often a peer could not be reached, and tries at once. */
  retry(key: Hex32): void {
    this.waits.delete(key);
    this.keep();
  }

  /** Resolves when every peer that is wanted has been tried. */
  async tried(): Promise<void> {
    this.keep();
    await Promise.allSettled(this.underWay.values());
  }

  private wanted(): Set<Hex32> {
    const { book, needed } = this.options;
    const pinned = book.all().filter(({ isPinned }) => isPinned);
    return new Set([...pinned.map(({ key }) => key), ...needed(), ...this.found]);
  }

  keep(): void {
    const { host, book } = this.options;
    const nowMs = performance.now();
    for (const key of this.wanted()) {
      if (this.underWay.size >= DIALS_AT_ONCE) return;
      const addresses = book.waysTo(key);
      if (addresses.length === 0 || this.underWay.has(key) || host.isConnected(key)) continue;
      if ((this.waits.get(key)?.dueMs ?? 0) > nowMs) continue;
      const isVouchedFor = book.get(key)?.known.includes(addresses[0]!) === true;
      this.underWay.set(key, this.dial(key, addresses, isVouchedFor));
    }
  }

  private async dial(key: Hex32, addresses: readonly string[], isVouchedFor: boolean): Promise<void> {
    try {
      await this.options.host.dial(key, addresses, { isVouchedFor });
      this.waits.delete(key);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      const failures = (this.waits.get(key)?.failures ?? 0) + 1;
      // A tenth more or less, so that peers that lost each other do not knock at the same moments for ever.
      const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** failures) * (0.9 + 0.2 * Math.random());
      this.waits.set(key, { failures, dueMs: performance.now() + waitMs });
      this.found.delete(key);
    } finally {
      this.underWay.delete(key);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.allSettled(this.underWay.values());
  }
}

/** The first of a list that differ, so many at most. */
const firstOf = (some: readonly string[], max: number): string[] => [...new Set(some)].slice(0, max);
