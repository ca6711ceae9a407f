/**
 * The gossip of a group: its topic, and the key that what is said there is encrypted with. Both come from block 0,
 * which only members have seen: others cannot tell which group a topic belongs to.
 */
import { sha256 } from '../crypto/hash.ts';
import { concatBytes, toHex, utf8 } from '../events/bytes.ts';

const TOPIC_PREFIX = utf8('lb/topic/1\0');
const KEY_PREFIX = utf8('lb/topic-key/1\0');

/** @param founding block 0, all of its bytes */
export function topicOf(founding: Uint8Array): { readonly topic: string; readonly key: Uint8Array } {
  const hash = sha256(founding);
  const topic = toHex(sha256(concatBytes(TOPIC_PREFIX, hash)));
  return { topic, key: sha256(concatBytes(KEY_PREFIX, hash)) };
}
