/**
 * What this node has heard is for sale: announcements, its own and those of others, until they expire.
 *
 *   'announcement/' seller offer  →  [who brought it, the announcement]
 *   'announcement-from/' peer     →  the site (see protocol/address-block.ts) that a stranger came from, in UTF-8
 *
 * Nobody can overwrite another's, since they are keyed by the seller who signed them. The book is bounded in every
 * direction that a stranger could push it: per seller, per peer that brings them, and in all. Keys are free, so strangers
 * of one block of addresses count as one peer. Where the book is full, room is made among what the greediest peer has
 * brought, so that whoever floods it drives out their own. How often one may change is bounded as well, since
 * every change is written to disk and carried on.
 */
import type { Signer } from '../../crypto/identity.ts';
import { verifySignature } from '../../crypto/verify.ts';
import {
  ANNOUNCEMENT_BYTES_MAX,
  ANNOUNCEMENT_LIFETIME_MS_MAX,
  ANNOUNCEMENT_PREFIX,
  type Announcement,
  type AnnouncementContent,
  announcementKey,
  decodeAnnouncement,
  encodeAnnouncement,
  encodeAnnouncementPayload,
} from '../../events/announcement.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import { decode, encode } from '../../events/codec.ts';
import { blob, id, optional, record } from '../../events/fields.ts';
import { MalformedError } from '../../events/reader.ts';
import type { OpaqueMap, OpaqueWrite } from '../../storage/opaque-map.ts';
import type { WatchedClock } from '../clock.ts';
import { UsageError } from '../errors.ts';

export const ANNOUNCEMENTS_PER_SELLER_MAX = 64;
export const ANNOUNCEMENTS_PER_PEER_MAX = 512;
export const ANNOUNCEMENTS_MAX = 4_096;
/** Announcements of this node are good for so long, and are renewed when half of it has passed. */
export const LIFETIME_MS = 24 * 3_600_000;
/** A seller may change what they say about an offer at most this often. */
const CHANGE_GAP_MS = 10_000;
/** As far as a clock may be ahead of ours. */
const LEAD_MS_MAX = 5 * 60_000;
/** What has expired is looked for this often at most. */
const SWEEP_GAP_MS = 1_000;

const PREFIX = utf8('announcement/');
const FROM_PREFIX = utf8('announcement-from/');
const entryCodec = record({
  /** The peer that brought it; nothing for those of this node. */
  from: optional(id),
  bytes: blob(ANNOUNCEMENT_BYTES_MAX),
});

/** An announcement of the book. */
export interface Heard {
  readonly announcement: Announcement;
  readonly from: Hex32 | undefined;
  /** As it came, to be passed on. */
  readonly bytes: Uint8Array;
}

export type AnnouncementVerdict =
  | 'taken'
  /** It is here already, or a later one is. */
  | 'known'
  /** The seller changed the announcement a moment ago. */
  | 'too_soon'
  | 'expired'
  /** Dated in the future, or good for longer than one may be. */
  | 'out_of_time'
  /** The seller has as many as they may, and all of them last longer. */
  | 'too_many'
  | 'malformed'
  | 'signature_invalid';

export interface BookOptions {
  readonly map: OpaqueMap;
  readonly clock: WatchedClock;
}

export class AnnouncementBook {
  private readonly options: BookOptions;
  private readonly entries = new Map<string, Heard>();
  /** Their keys in order, by seller, and by whom they are counted against: strangers can have them looked at often. */
  private readonly keys: string[] = [];
  private readonly bySeller = new Map<Hex32, Set<string>>();
  private readonly bySource = new Map<string, Set<string>>();
  private sweptMs = Number.NEGATIVE_INFINITY;
  /** Of strangers among those who brought something: the block of addresses that they are counted by. */
  private readonly blocks = new Map<Hex32, string>();
  private isLoaded = false;
  private lastWrite: Promise<void> = Promise.resolve();

  constructor(options: BookOptions) {
    this.options = options;
  }

  private load(): void {
    if (this.isLoaded) return;
    for (const [key, value] of this.options.map.list(FROM_PREFIX))
      this.blocks.set(toHex(key.slice(FROM_PREFIX.length)), new TextDecoder().decode(value));
    for (const [, value] of this.options.map.list(PREFIX)) {
      const { from, bytes } = decode(entryCodec, value.slice());
      this.enter({ announcement: decodeAnnouncement(bytes), from, bytes });
    }
    this.isLoaded = true;
  }

  /** Those that are good now, by seller and offer; only those behind a key of one, where it is given. */
  list(after = ''): Heard[] {
    this.load();
    const nowMs = this.options.clock.nowMs();
    return this.keys
      .slice(firstFrom(this.keys, after))
      .filter((key) => key !== after)
      .map((key) => this.entries.get(key)!)
      .filter(({ announcement }) => announcement.expiresMs > nowMs);
  }

  /** Those of this node, also where they have expired while it was away. */
  own(): Heard[] {
    this.load();
    return [...this.entries.values()].filter(({ from }) => from === undefined);
  }

  get(seller: Hex32, offer: Hex32): Heard | undefined {
    this.load();
    return this.entries.get(announcementKey({ seller, offer }));
  }

  /**
   * Signs an announcement of this node's and puts it into the book; resolves when it is on disk.
   * @throws UsageError for more than one seller may have
   */
  async announce(
    seller: Signer,
    content: Omit<AnnouncementContent, 'seller' | 'tsMs' | 'expiresMs'> & {
      readonly expiresMs?: number | undefined;
    },
  ): Promise<Heard> {
    this.load();
    const nowMs = this.options.clock.nowMs();
    const ofSeller = this.own().filter(({ announcement }) => announcement.seller === seller.publicKey);
    const isNew = this.get(seller.publicKey, content.offer) === undefined;
    if (isNew && ofSeller.length >= ANNOUNCEMENTS_PER_SELLER_MAX)
      throw new UsageError(`one seller announces at most ${ANNOUNCEMENTS_PER_SELLER_MAX} offers at a time`);
    const before = this.get(seller.publicKey, content.offer)?.announcement.tsMs ?? -1;
    const payload = encodeAnnouncementPayload({
      ...content,
      seller: seller.publicKey,
      // Later than the one before, whatever the clock says.
      tsMs: Math.max(nowMs, before + 1),
      expiresMs: Math.min(nowMs + LIFETIME_MS, content.expiresMs ?? Number.MAX_SAFE_INTEGER),
    });
    const bytes = encodeAnnouncement(payload, seller.sign(ANNOUNCEMENT_PREFIX, payload));
    const heard = { announcement: decodeAnnouncement(bytes), from: undefined, bytes };
    this.place(heard);
    await this.lastWrite;
    return heard;
  }

  /** Takes back one of this node's: it is renewed no more, and those who have it forget it when it expires. */
  async withdraw(seller: Hex32, offer: Hex32): Promise<void> {
    const heard = this.get(seller, offer);
    if (heard?.from === undefined && heard !== undefined) this.remove(heard);
    await this.lastWrite;
  }

  /**
   * Takes in an announcement that a peer has brought.
   * @param block of addresses, where the peer is a stranger: all who come from there are counted as one
   */
  take(bytes: Uint8Array, from: Hex32, block?: string): AnnouncementVerdict {
    this.load();
    let announcement: Announcement;
    try {
      announcement = decodeAnnouncement(bytes);
    } catch (error) {
      if (error instanceof MalformedError) return 'malformed';
      throw error;
    }
    const stale = this.standing(announcement);
    if (stale !== undefined) return stale;
    const { seller, payload, signature } = announcement;
    // Our own are made here; what comes back of them is known, or was signed by a copy of this node.
    if (!verifySignature(fromHex(seller), concatBytes(ANNOUNCEMENT_PREFIX, payload), signature))
      return 'signature_invalid';
    if (!this.makeRoom(announcement, block ?? from)) return 'too_many';
    this.noteBlock(from, block);
    // Our own copy: the caller's may be a view into what the network reads into.
    const own = bytes.slice();
    this.place({ announcement: decodeAnnouncement(own), from, bytes: own });
    return 'taken';
  }

  /** Why an announcement changes nothing, whoever signed it. */
  private standing(announcement: Announcement): AnnouncementVerdict | undefined {
    const { tsMs, expiresMs } = announcement;
    const nowMs = this.options.clock.nowMs();
    if (expiresMs <= nowMs) return 'expired';
    if (tsMs > nowMs + LEAD_MS_MAX || expiresMs > tsMs + ANNOUNCEMENT_LIFETIME_MS_MAX) return 'out_of_time';
    const known = this.entries.get(announcementKey(announcement));
    if (known === undefined) return undefined;
    if (known.from === undefined || tsMs <= known.announcement.tsMs) return 'known';
    return tsMs < known.announcement.tsMs + CHANGE_GAP_MS ? 'too_soon' : undefined;
  }

  private noteBlock(peer: Hex32, block: string | undefined): void {
    if (this.blocks.get(peer) === block) return;
    if (this.blocks.size >= ANNOUNCEMENTS_MAX) this.forgetBlocks();
    const before = this.sourceOf(peer);
    if (block === undefined) this.blocks.delete(peer);
    else this.blocks.set(peer, block);
    // What the peer has brought before counts with the rest of it from now on.
    for (const key of [...(this.bySource.get(before) ?? [])]) {
      if (this.entries.get(key)!.from !== peer) continue;
      dropFrom(this.bySource, before, key);
      addTo(this.bySource, this.sourceOf(peer), key);
    }
    this.write([[fromPlace(peer), block === undefined ? undefined : utf8(block)]]);
  }

  /** Lets go of those who have nothing in the book any more. */
  private forgetBlocks(): void {
    const bringers = new Set([...this.entries.values()].map(({ from }) => from));
    const gone = [...this.blocks.keys()].filter((peer) => !bringers.has(peer));
    for (const peer of gone) this.blocks.delete(peer);
    this.write(gone.map((peer) => [fromPlace(peer), undefined]));
  }

  /** Whom an announcement is counted against. */
  private sourceOf(peer: Hex32): string {
    return this.blocks.get(peer) ?? peer;
  }

  /** Lets others go until one more fits; says whether it may. */
  private makeRoom(announcement: Announcement, source: string): boolean {
    if (this.entries.has(announcementKey(announcement))) return true;
    this.sweep();
    const ofSeller = this.heardIn(this.bySeller.get(announcement.seller));
    if (ofSeller.length >= ANNOUNCEMENTS_PER_SELLER_MAX) {
      const first = soonest(ofSeller);
      if (first === undefined || first.announcement.expiresMs >= announcement.expiresMs) return false;
      this.remove(first);
    }
    const ofSource = this.bySource.get(source);
    if ((ofSource?.size ?? 0) >= ANNOUNCEMENTS_PER_PEER_MAX) this.remove(soonest(this.heardIn(ofSource))!);
    else if (this.entries.size >= ANNOUNCEMENTS_MAX) {
      let greediest = ofSource;
      for (const one of this.bySource.values()) if (one.size > (greediest?.size ?? 0)) greediest = one;
      const first = soonest(this.heardIn(greediest));
      if (first === undefined) return false;
      this.remove(first);
    }
    return true;
  }

  private heardIn(keys: Iterable<string> = []): Heard[] {
    return Array.from(keys, (key) => this.entries.get(key)!);
  }

  /** Drops what has expired; those of this node stay, to be renewed. */
  private sweep(): void {
    const nowMs = this.options.clock.nowMs();
    // Once a second is soon enough, and no flood makes it more.
    if (nowMs >= this.sweptMs && nowMs < this.sweptMs + SWEEP_GAP_MS) return;
    this.sweptMs = nowMs;
    for (const heard of this.entries.values())
      if (heard.from !== undefined && heard.announcement.expiresMs <= nowMs) this.remove(heard);
  }

  private place(heard: Heard): void {
    const { announcement, from, bytes } = heard;
    this.leave(announcementKey(announcement));
    this.enter(heard);
    this.write([[placeOf(announcement), encode(entryCodec, { from, bytes })]]);
  }

  private remove({ announcement }: Heard): void {
    this.leave(announcementKey(announcement));
    this.write([[placeOf(announcement), undefined]]);
  }

  private enter(heard: Heard): void {
    const { announcement, from } = heard;
    const key = announcementKey(announcement);
    this.entries.set(key, heard);
    this.keys.splice(firstFrom(this.keys, key), 0, key);
    addTo(this.bySeller, announcement.seller, key);
    if (from !== undefined) addTo(this.bySource, this.sourceOf(from), key);
  }

  private leave(key: string): void {
    const heard = this.entries.get(key);
    if (heard === undefined) return;
    this.entries.delete(key);
    this.keys.splice(firstFrom(this.keys, key), 1);
    dropFrom(this.bySeller, heard.announcement.seller, key);
    if (heard.from !== undefined) dropFrom(this.bySource, this.sourceOf(heard.from), key);
  }

  /** What is lost by a failure here comes again with the next peer, and the disk says so elsewhere. */
  private write(changes: readonly OpaqueWrite[]): void {
    this.lastWrite = this.options.map.write(changes).catch(() => {});
  }

  /** Resolves when everything taken is on disk. */
  flushed(): Promise<void> {
    return this.lastWrite;
  }
}

const fromPlace = (peer: Hex32): Uint8Array => concatBytes(FROM_PREFIX, fromHex(peer));

function placeOf({ seller, offer }: Announcement): Uint8Array {
  return concatBytes(PREFIX, fromHex(seller), fromHex(offer));
}

/** The place of the first key that is not below `key`, in a list in order. */
function firstFrom(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addTo(sets: Map<string, Set<string>>, name: string, key: string): void {
  const set = sets.get(name);
  if (set === undefined) sets.set(name, new Set([key]));
  else set.add(key);
}

function dropFrom(sets: Map<string, Set<string>>, name: string, key: string): void {
  const set = sets.get(name);
  set?.delete(key);
  if (set?.size === 0) sets.delete(name);
}

/** The one that expires first. */
function soonest(heard: readonly Heard[]): Heard | undefined {
  return heard.reduce<Heard | undefined>(
    (first, one) =>
      first === undefined || one.announcement.expiresMs < first.announcement.expiresMs ? one : first,
    undefined,
  );
}
