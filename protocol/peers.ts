/**
 * The peers that this node knows of, across starts, and the keeping of connections to those it needs.
 *
 * Addresses are hints and may come from anybody; a connection proves the key. Peers that somebody added by hand are
 * pinned and always kept connected; others are remembered while there is room, and dialled when a group needs them.
 *
 *   'peer/' key        →  the record below
 *   'peer-alias/' key  →  what somebody here calls him, in UTF-8
 */

import { ADDRESS_BYTES_MAX } from '../actors/invites.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../events/bytes.ts';
import { decode, encode, type Of } from '../events/codec.ts';
import { boolean, list, record, text, timestamp } from '../events/fields.ts';
import type { OpaqueMap, OpaqueWrite } from '../storage/opaque-map.ts';
import { isDialable } from './addresses.ts';
import { NetworkError } from './errors.ts';
import type { Host } from './host.ts';
import { BACKOFF_MS_FIRST, BACKOFF_MS_MAX, PEER_BOOK_MAX } from './limits.ts';

const ADDRESSES_MAX = 8;
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
  /** What he is called here; nobody else is told. */
  readonly alias?: string;
};

const PREFIX = utf8('peer/');
const peerKey = (key: Hex32): Uint8Array => concatBytes(PREFIX, fromHex(key));
const ALIAS_PREFIX = utf8('peer-alias/');
const aliasKey = (key: Hex32): Uint8Array => concatBytes(ALIAS_PREFIX, fromHex(key));

export class PeerBook {
  private readonly map: OpaqueMap;
  private readonly entries = new Map<Hex32, PeerEntry>();

  constructor(map: OpaqueMap) {
    this.map = map;
    for (const [key, value] of map.list(PREFIX)) {
      const peer = toHex(key.slice(PREFIX.length));
      const alias = map.get(aliasKey(peer));
      const named = alias === undefined ? {} : { alias: new TextDecoder().decode(alias) };
      this.entries.set(peer, { key: peer, ...decode(entryCodec, value.slice()), ...named });
    }
  }

  all(): PeerEntry[] {
    return [...this.entries.values()];
  }

  get(key: Hex32): PeerEntry | undefined {
    return this.entries.get(key);
  }

  /** Remembers addresses of a peer, the newest first; what cannot be dialled is left out. */
  async add(
    key: Hex32,
    addresses: readonly string[],
    options: { readonly isPinned?: boolean; readonly seenMs: number },
  ): Promise<void> {
    const known = this.entries.get(key);
    const merged = [...new Set([...addresses.filter(isDialable), ...(known?.addresses ?? [])])];
    const entry: PeerEntry = {
      ...known,
      key,
      addresses: merged.slice(0, ADDRESSES_MAX),
      isPinned: options.isPinned ?? known?.isPinned ?? false,
      seenMs: options.seenMs,
    };
    const isNews = known?.isPinned !== entry.isPinned || known.addresses.join() !== entry.addresses.join();
    this.entries.set(key, entry);
    if (!isNews) return;
    await this.map.put(peerKey(key), encode(entryCodec, entry));
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

  private async makeRoom(): Promise<void> {
    if (this.entries.size <= PEER_BOOK_MAX) return;
    const [oldest] = this.all()
      .filter(({ isPinned }) => !isPinned)
      .sort((a, b) => a.seenMs - b.seenMs);
    if (oldest !== undefined) await this.remove(oldest.key);
  }

  async remove(key: Hex32): Promise<boolean> {
    if (!this.entries.delete(key)) return false;
    await this.map.write([
      [peerKey(key), undefined],
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
  private readonly waits = new Map<Hex32, { failures: number; dueMs: number }>();
  private readonly underWay = new Map<Hex32, Promise<void>>();
  private readonly found = new Set<Hex32>();
  private readonly timer: NodeJS.Timeout;

  constructor(options: DialerOptions) {
    this.options = options;
    this.timer = setInterval(() => this.keep(), KEEP_INTERVAL_MS);
    this.timer.unref();
  }

  /** A peer of the local network: it is dialled while there is room for such. */
  foundNearby(key: Hex32): void {
    if (this.found.size < FOUND_PEERS_MAX) this.found.add(key);
    this.keep();
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
      const addresses = book.get(key)?.addresses ?? [];
      if (addresses.length === 0 || this.underWay.has(key) || host.isConnected(key)) continue;
      if ((this.waits.get(key)?.dueMs ?? 0) > nowMs) continue;
      this.underWay.set(key, this.dial(key, addresses));
    }
  }

  private async dial(key: Hex32, addresses: readonly string[]): Promise<void> {
    try {
      await this.options.host.dial(key, addresses);
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
