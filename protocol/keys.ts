/** Keys of this system as libp2p's peer ids, and back. Both are the same Ed25519 public key. */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import type { Signer } from '../crypto/identity.ts';
import { fromHex, type Hex32, toHex } from '../events/bytes.ts';

/** The transport's key: the node's own. It lives in libp2p as long as the host does. */
export async function transportKey(signer: Signer): Promise<Ed25519PrivateKey> {
  const seed = signer.seedCopy();
  try {
    return await generateKeyPairFromSeed('Ed25519', seed.expose().slice());
  } finally {
    seed.wipe();
  }
}

export function peerIdOf(key: Hex32): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(fromHex(key)));
}

/** The key of a peer; nothing for peers whose keys are of another kind, who are not of this network. */
export function keyOf(peer: PeerId): Hex32 | undefined {
  return peer.type === 'Ed25519' ? toHex(peer.publicKey.raw) : undefined;
}

/** The key in a peer id as text (`12D3Koo…`); nothing where it is none. */
export function keyOfText(text: string): Hex32 | undefined {
  try {
    return keyOf(peerIdFromString(text));
  } catch {
    return undefined;
  }
}
