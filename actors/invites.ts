/** Join codes: an invite's key and its group in one text that can be pasted. Whoever has it may join. */
import { concatBytes, fromHex, type Hex32, toHex } from '../events/bytes.ts';
import { UsageError } from './errors.ts';

const PREFIX = 'lbi1';
const CODE_BYTES = 64;

/** A code from group (32 bytes) and the invite key's seed (32 bytes): `lbi1` and base64url. */
export function formatInviteCode(groupId: Hex32, seed: Uint8Array): string {
  return PREFIX + Buffer.from(concatBytes(fromHex(groupId), seed)).toString('base64url');
}

/** @throws UsageError for anything but a join code */
export function parseInviteCode(code: string): { groupId: Hex32; seed: Uint8Array } {
  const bytes = code.startsWith(PREFIX) ? Buffer.from(code.slice(PREFIX.length), 'base64url') : undefined;
  if (bytes?.length !== CODE_BYTES) throw new UsageError('that is not a join code (lbi1…)');
  return { groupId: toHex(bytes.subarray(0, 32)), seed: bytes.subarray(32) };
}
