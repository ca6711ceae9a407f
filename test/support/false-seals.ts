/** Second headers for heights that are sealed already, and their way into the gossip of a group. */
import { randomBytes } from 'node:crypto';
import { AEAD_NONCE_BYTES, aeadSeal } from '../../crypto/aead.ts';
import type { Signer } from '../../crypto/identity.ts';
import { BLOCK_PREFIX, decodeBlock, encodeHeader } from '../../events/block.ts';
import { concatBytes, type Hex32 } from '../../events/bytes.ts';
import { encode } from '../../events/codec.ts';
import { blob, record, uint } from '../../events/fields.ts';
import { type Seal, sealCodec } from '../../protocol/sync/evidence.ts';
import { topicOf } from '../../protocol/topic.ts';
import type { Peer } from './network.ts';

const messageCodec = record({ version: uint(1), kind: uint(0xff), body: blob(2_048) });

/** What `signer` would have sealed at this height if it had told somebody else something else. */
export function secondSeal({ node }: Peer, groupId: Hex32, height: number, signer: Signer): Seal {
  const { header } = decodeBlock(node.networkPort.store.group(groupId).block(height)!);
  const bytes = encodeHeader({ ...header, txRoot: 'ee'.repeat(32), sealer: signer.publicKey });
  return { header: bytes, signature: signer.sign(BLOCK_PREFIX, bytes) };
}

/** A message for the gossip of a group, as a member may make any. */
export function gossipMessage(
  { node }: Peer,
  groupId: Hex32,
  kind: number,
  body: Uint8Array,
): { topic: string; data: Uint8Array } {
  const { topic, key } = topicOf(node.networkPort.store.group(groupId).block(0)!);
  const nonce = new Uint8Array(randomBytes(AEAD_NONCE_BYTES));
  const data = concatBytes(nonce, aeadSeal(key, nonce, encode(messageCodec, { version: 1, kind, body })));
  return { topic, data };
}

/** Announces a seal to whoever listens. */
export async function announceSeal(by: Peer, groupId: Hex32, seal: Seal): Promise<void> {
  const { topic, data } = gossipMessage(by, groupId, 0, encode(sealCodec, seal));
  await by.network.host.node.services.pubsub.publish(topic, data);
}
