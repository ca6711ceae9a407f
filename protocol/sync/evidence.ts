/**
 * Equivocation: a sealer who signs two different blocks at one height. The block that came first is kept, both
 * headers with their signatures are stored as evidence, and the group is not followed until somebody decides.
 *
 *   'evidence/' group height (u48)  →  the record below
 */
import { sha256 } from '../../crypto/hash.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { BLOCK_PREFIX, decodeBlock, decodeHeader } from '../../events/block.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import { decode, encode, type Of } from '../../events/codec.ts';
import { blob, boolean, bytesOf, record } from '../../events/fields.ts';
import { MalformedError } from '../../events/reader.ts';
import type { NetworkPort } from '../port.ts';

/** A header with its seal, as announcements and `group_head` carry it. */
export const sealCodec = record({ header: blob(320), signature: bytesOf(64) });
export type Seal = Of<typeof sealCodec>;

const evidenceCodec = record({ kept: sealCodec, other: sealCodec, isSettled: boolean });
const evidencesPrefix = (groupId: Hex32): Uint8Array => concatBytes(utf8('evidence/'), fromHex(groupId));

/** Where evidence is kept. */
type EvidenceStore = { readonly store: Pick<NetworkPort['store'], 'network'> };

/** The header and the seal of a block that is here. */
export function sealOf(block: Uint8Array): Seal {
  const { headerBytes, signature } = decodeBlock(block);
  return { header: headerBytes, signature };
}

/** Whether a seal is a header of the group, signed by the sealer that it names. */
export function readSeal(seal: Seal): ReturnType<typeof decodeHeader> | undefined {
  try {
    const header = decodeHeader(seal.header);
    const message = concatBytes(BLOCK_PREFIX, seal.header);
    return verifySignature(fromHex(header.sealer), message, seal.signature) ? header : undefined;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/**
 * Holds a seal, whose signature holds, against the block that is here at its height. Two blocks of one sealer are
 * kept as evidence and told.
 * @returns whether it is evidence
 */
export async function holdAgainst(port: NetworkPort, groupId: Hex32, other: Seal): Promise<boolean> {
  const header = decodeHeader(other.header);
  const { height, sealer } = header;
  const reader = port.store.group(groupId);
  const otherId = toHex(sha256(other.header));
  const keptId = reader.blockId(height);
  if (keptId === undefined || keptId === otherId || header.groupId !== groupId) return false;
  const kept = sealOf(reader.block(height)!);
  if (decodeHeader(kept.header).sealer !== sealer) return false;
  const key = concatBytes(evidencesPrefix(groupId), heightBytes(height));
  if (port.store.network.get(key) !== undefined) return true;
  await port.store.network.put(key, encode(evidenceCodec, { kept, other, isSettled: false }));
  const blockIds = [keptId, otherId] as const;
  port.bus.moment({ kind: 'evidence.equivocation', groupId, height, sealer, blockIds });
  return true;
}

function heightBytes(height: number): Uint8Array {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(height, 0, 6);
  return new Uint8Array(bytes);
}

/** What is kept against sealers of a group. */
export function evidences(port: EvidenceStore, groupId: Hex32): Of<typeof evidenceCodec>[] {
  return [...port.store.network.list(evidencesPrefix(groupId))].map(([, value]) =>
    decode(evidenceCodec, value.slice()),
  );
}

/** Whether the group rests because of evidence that nobody has decided about. */
export const isInDispute = (port: EvidenceStore, groupId: Hex32): boolean =>
  evidences(port, groupId).some(({ isSettled }) => !isSettled);

/** An admin has decided to go on with the block that is here. The evidence stays. */
export async function settleEvidence(port: EvidenceStore, groupId: Hex32): Promise<void> {
  const entries = [...port.store.network.list(evidencesPrefix(groupId))];
  await port.store.network.write(
    entries.map(([key, value]) => [
      key.slice(),
      encode(evidenceCodec, { ...decode(evidenceCodec, value.slice()), isSettled: true }),
    ]),
  );
}
