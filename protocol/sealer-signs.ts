/**
 * Signs of life of those who seal: said each minute in the gossip of the group and signed, with how far the group is.
 * So a follower can tell a quiet group from one whose sealer is gone, and knows of blocks that nobody brought it.
 *
 *   payload = [1, groupId, sealer, height, tsMs]
 *   sign    = [payload (bin), signature (bin 64)]        signature = Ed25519("lb/sealer/1\0" || payload)
 */
import type { Signer } from '../crypto/identity.ts';
import { verifySignature } from '../crypto/verify.ts';
import { concatBytes, fromHex, type Hex32, utf8 } from '../events/bytes.ts';
import { decode, encode } from '../events/codec.ts';
import { blob, bytesOf, id, record, timestamp, uint } from '../events/fields.ts';
import { PRESENCE_STALE_MS_DEFAULT, TRANSACTION_LEAD_MS_MAX } from '../events/limits.ts';
import type { Access } from './access.ts';
import { SIGN_GAP_MS } from './limits.ts';
import type { NetworkPort } from './port.ts';

export const SIGN_PREFIX = utf8('lb/sealer/1\0');
const payloadCodec = record({
  version: uint(1),
  groupId: id,
  sealer: id,
  height: uint(2 ** 48 - 1),
  tsMs: timestamp,
});
const signCodec = record({ payload: blob(160), signature: bytesOf(64) });

/** How far a group is, by the word of who seals it. */
export interface SealerSays {
  readonly groupId: Hex32;
  readonly height: number;
  readonly tsMs: number;
}

/** The sign that a sealer gives. */
export function encodeSign(sealer: Signer, says: SealerSays): Uint8Array {
  const payload = encode(payloadCodec, { version: 1, ...says, sealer: sealer.publicKey });
  return encode(signCodec, { payload, signature: sealer.sign(SIGN_PREFIX, payload) });
}

export class SealerSigns {
  private readonly port: NetworkPort;
  private readonly access: Access;
  /** Times of the last signs by group and sealer, which no later one may go below. */
  private readonly last = new Map<string, number>();

  constructor(port: NetworkPort, access: Access) {
    this.port = port;
    this.access = access;
  }

  /**
   * Takes a sign from outside; the cheap checks come before the signature.
   * @param taken told of the height that the sealer has signed for
   * @throws MalformedError
   */
  take(
    groupId: Hex32,
    bytes: Uint8Array,
    taken: (says: { height: number; sealer: Hex32 }) => void,
  ): 'accept' | 'ignore' | 'reject' {
    const { payload, signature } = decode(signCodec, bytes);
    const { sealer, tsMs, height, ...says } = decode(payloadCodec, payload);
    if (says.groupId !== groupId) return 'reject';
    const nowMs = this.port.clock.nowMs();
    if (tsMs > nowMs + TRANSACTION_LEAD_MS_MAX || tsMs < nowMs - PRESENCE_STALE_MS_DEFAULT) return 'ignore';
    // Of somebody whom we do not know as a sealer: perhaps we are behind, but others must judge it.
    if (!this.access.sealers(groupId).includes(sealer)) return 'ignore';
    const at = `${groupId}/${sealer}`;
    if (tsMs < (this.last.get(at) ?? 0) + SIGN_GAP_MS) return 'ignore';
    if (!verifySignature(fromHex(sealer), concatBytes(SIGN_PREFIX, payload), signature)) return 'reject';
    this.last.set(at, tsMs);
    this.port.sealersHeard.note(groupId, sealer, tsMs);
    taken({ height, sealer });
    return 'accept';
  }
}
