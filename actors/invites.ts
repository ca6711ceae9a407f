/**
 * Join codes: an invite's key, its group, and where to find it, in one text that can be pasted. Whoever has it may
 * join, so it is a secret until it is used up.
 */
import { signerFromSeed } from '../crypto/identity.ts';
import { Secret } from '../crypto/secret.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../events/bytes.ts';
import { decode, encode, type Of } from '../events/codec.ts';
import { id, list, record, text } from '../events/fields.ts';
import { MalformedError } from '../events/reader.ts';
import type { Operation } from '../events/registry.ts';
import { inviteProofMessage } from '../machines/membership.ts';
import type { OpaqueMap } from '../storage/opaque-map.ts';
import { UsageError } from './errors.ts';

/** A code without addresses, and one with them. */
const PREFIX = 'lbi1';
const PREFIX_WITH_PEERS = 'lbi2';
const SECRET_BYTES = 64;
/** Peers of a code, and addresses of a peer: a code should fit into a message. */
const PEERS_MAX = 4;
const ADDRESSES_MAX = 8;
export const ADDRESS_BYTES_MAX = 255;

/** A node's key and where it may be reached: the addresses are hints, the key is the identity. */
export const hintCodec = record({
  key: id,
  addresses: list(text({ maxBytes: ADDRESS_BYTES_MAX, min: 1 }), { max: ADDRESSES_MAX }),
});
export type PeerHint = Of<typeof hintCodec>;
const hintsCodec = list(hintCodec, { max: PEERS_MAX });
const HINTS_KEY = utf8('hints');

/** What a join code says. */
export interface InviteCode {
  readonly groupId: Hex32;
  /** The seed of the invite's key. */
  readonly seed: Uint8Array;
  readonly peers: readonly PeerHint[];
}

/**
 * `lbi1` and base64url of group (32 bytes) and seed (32 bytes); with peers `lbi2` and base64url of group, seed and
 * the list of peers.
 */
export function formatInviteCode(groupId: Hex32, seed: Uint8Array, peers: readonly PeerHint[] = []): string {
  const secret = concatBytes(fromHex(groupId), seed);
  if (peers.length === 0) return PREFIX + Buffer.from(secret).toString('base64url');
  const list = encode(hintsCodec, peers.slice(0, PEERS_MAX));
  return PREFIX_WITH_PEERS + Buffer.from(concatBytes(secret, list)).toString('base64url');
}

/** @throws UsageError for anything but a join code */
export function parseInviteCode(code: string): InviteCode {
  const wrong = new UsageError('that is not a join code (lbi1… or lbi2…)');
  const hasPeers = code.startsWith(PREFIX_WITH_PEERS);
  if (!hasPeers && !code.startsWith(PREFIX)) throw wrong;
  const bytes = new Uint8Array(Buffer.from(code.slice(PREFIX.length), 'base64url'));
  if (hasPeers ? bytes.length <= SECRET_BYTES : bytes.length !== SECRET_BYTES) throw wrong;
  const groupId = toHex(bytes.subarray(0, 32));
  const seed = bytes.slice(32, SECRET_BYTES);
  try {
    return { groupId, seed, peers: hasPeers ? decode(hintsCodec, bytes.subarray(SECRET_BYTES)) : [] };
  } catch (error) {
    if (error instanceof MalformedError) throw wrong;
    throw error;
  }
}

/** The operation by which `joiner` accepts. */
export function inviteAcceptance(invite: InviteCode, joiner: Hex32): Operation {
  const key = signerFromSeed(new Secret(invite.seed.slice()));
  const proof = key.sign(new Uint8Array(0), inviteProofMessage(invite.groupId, joiner));
  key.wipe();
  return { type: 'invite_accept', invite: key.publicKey, proof };
}

/** Where this node could be reached when it last listened. */
export function readHints(map: OpaqueMap): readonly PeerHint[] {
  const kept = map.get(HINTS_KEY);
  return kept === undefined ? [] : decode(hintsCodec, kept.slice());
}

/** Keeps where this node can be reached, for codes that are made while it does not listen. */
export function writeHints(map: OpaqueMap, hints: readonly PeerHint[]): Promise<void> {
  return map.put(HINTS_KEY, encode(hintsCodec, hints));
}
