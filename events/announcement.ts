/**
 * An announcement: a seller's signed word about an offer, for people who do not have the group. It says what is sold,
 * for how much, and where to ask; the chain alone decides whether that is so.
 *
 *   payload      = [1, groupId, offer, seller, title, [tag, …], price, packageHash, tsMs, expiresMs, node, [address, …]]
 *   announcement = [payload, signature]      signature = Ed25519("lb/announcement/1\0" || payload) by the seller
 *
 * It is keyed by seller and offer, so nobody overwrites another's; of two by the same seller the later one counts.
 */
import type { Hex32 } from './bytes.ts';
import { decode, encode, type Of } from './codec.ts';
import { amount, blob, bytesOf, id, list, record, text, timestamp, uint } from './fields.ts';
import { OFFER_TITLE_CHARACTERS_MAX, TAG_CHARACTERS_MAX, TAGS_MAX } from './limits.ts';
import { MalformedError } from './reader.ts';

export const ANNOUNCEMENT_PREFIX = new TextEncoder().encode('lb/announcement/1\0');
const ANNOUNCEMENT_VERSION = 1;
/** Whole and signed: it has to fit into a message of gossip, with the seals around it. */
export const ANNOUNCEMENT_BYTES_MAX = 1_792;
/** The longest that one may claim to be good for. The seller renews it for as long as they are there. */
export const ANNOUNCEMENT_LIFETIME_MS_MAX: number = 7 * 24 * 3_600_000;
const ADDRESSES_MAX = 4;
const ADDRESS_BYTES_MAX = 255;
const SIGNATURE_BYTES = 64;

const payloadCodec = record({
  version: uint(0xff),
  groupId: id,
  offer: id,
  seller: id,
  title: text({ maxCharacters: OFFER_TITLE_CHARACTERS_MAX, min: 1 }),
  tags: list(text({ maxCharacters: TAG_CHARACTERS_MAX }), { max: TAGS_MAX }),
  price: amount,
  packageHash: id,
  tsMs: timestamp,
  expiresMs: timestamp,
  /** The node to ask, and where it may be: the addresses are hints. */
  node: id,
  addresses: list(text({ maxBytes: ADDRESS_BYTES_MAX, min: 1 }), { max: ADDRESSES_MAX }),
});

/** What an announcement says. */
export type AnnouncementContent = Omit<Of<typeof payloadCodec>, 'version'>;

/** A decoded announcement, with what its signature is to be checked over. */
export interface Announcement extends AnnouncementContent {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

const announcementCodec = record({
  payload: blob(ANNOUNCEMENT_BYTES_MAX),
  signature: bytesOf(SIGNATURE_BYTES),
});

/**
 * The bytes to sign. Tags and addresses that do not fit are left out, from the last: who buys sees the rest on the
 * chain.
 */
export function encodeAnnouncementPayload(content: AnnouncementContent): Uint8Array {
  const tags = [...content.tags];
  const addresses = content.addresses.slice(0, ADDRESSES_MAX);
  for (;;) {
    const whole = { version: ANNOUNCEMENT_VERSION, ...content, tags, addresses };
    payloadCodec.check(whole, 'announcement');
    const payload = encode(payloadCodec, whole);
    if (payload.length + SIGNATURE_BYTES + 8 <= ANNOUNCEMENT_BYTES_MAX) return payload;
    if (tags.length > 0) tags.pop();
    else addresses.pop();
  }
}

/** `[payload, signature]`. */
export function encodeAnnouncement(payload: Uint8Array, signature: Uint8Array): Uint8Array {
  return encode(announcementCodec, { payload, signature });
}

/** Decodes an announcement from outside, without checking its signature. Throws `MalformedError`. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  if (bytes.length > ANNOUNCEMENT_BYTES_MAX)
    throw new MalformedError('an announcement is longer than one can be');
  const { payload, signature } = decode(announcementCodec, bytes);
  const { version, ...content } = decode(payloadCodec, payload);
  if (version !== ANNOUNCEMENT_VERSION) throw new MalformedError('expected an announcement of version 1');
  return { ...content, payload, signature };
}

/** What keeps announcements apart. */
export const announcementKey = ({ seller, offer }: { seller: Hex32; offer: Hex32 }): string =>
  `${seller}/${offer}`;
