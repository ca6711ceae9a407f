/**
 * Which groups this node follows, and from whom: a peer is named by its key, its addresses are in the peer book.
 *
 *   'subscription/' group  →  the record below      a group without a record is followed from whoever has it
 */
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../events/bytes.ts';
import { decode, encode, type Of } from '../events/codec.ts';
import { boolean, id, list, optional, record, uint } from '../events/fields.ts';
import type { OpaqueMap } from '../storage/opaque-map.ts';

export const SOURCES_MAX = 32;
/** The shortest and the longest time between two pulls that nobody announced. */
export const INTERVAL_MS_MIN = 1_000;
export const INTERVAL_MS_MAX = 24 * 3_600_000;

const subscriptionCodec = record({
  sources: list(id, { max: SOURCES_MAX, unique: true }),
  isPaused: boolean,
  intervalMs: optional(uint(INTERVAL_MS_MAX)),
});
export type Subscription = Of<typeof subscriptionCodec>;

const PREFIX = utf8('subscription/');
const keyOf = (groupId: Hex32): Uint8Array => concatBytes(PREFIX, fromHex(groupId));
const PLAIN: Subscription = { sources: [], isPaused: false, intervalMs: undefined };

export class Subscriptions {
  private readonly map: OpaqueMap;
  private readonly entries = new Map<Hex32, Subscription>();

  constructor(map: OpaqueMap) {
    this.map = map;
    for (const [key, value] of map.list(PREFIX))
      this.entries.set(toHex(key.slice(PREFIX.length)), decode(subscriptionCodec, value.slice()));
  }

  get(groupId: Hex32): Subscription {
    return this.entries.get(groupId) ?? PLAIN;
  }

  /** Groups with a record: those that were subscribed to or joined, also where their blocks are still to come. */
  groupIds(): Hex32[] {
    return [...this.entries.keys()];
  }

  async change(groupId: Hex32, change: Partial<Subscription>): Promise<Subscription> {
    const changed: Subscription = { ...this.get(groupId), ...change };
    const sources = [...new Set(changed.sources)].slice(0, SOURCES_MAX);
    const kept = { ...changed, sources };
    this.entries.set(groupId, kept);
    await this.map.put(keyOf(groupId), encode(subscriptionCodec, kept));
    return kept;
  }

  /** Adds a source to those of a group. */
  addSource(groupId: Hex32, source: Hex32): Promise<Subscription> {
    return this.change(groupId, { sources: [source, ...this.get(groupId).sources] });
  }
}
