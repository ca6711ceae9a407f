/**
 * Equivocation: a sealer who signs two different blocks at one height. The block that came first is kept, and both
 * headers with their signatures are stored as evidence, which is shown for ever.
 *
 * Evidence stops the following only while it is about the present: while its sealer seals and nobody has decided.
 * Whoever once held a sealing key can sign second headers for all the heights that were theirs, at any time.
 * So what lies before a hand-over is `past`, and what lies at or below the head at which an admin went on is
 * `decided`: the chain that is here was built on it since, and no old lie can change that.
 *
 *   'evidence/' group height (u48)  →  the record below
 *   'evidence-decided/' group       →  the head at which somebody decided to go on (u48)
 */
import type { HandOvers } from '../../actors/checkpoint/hand-overs.ts';
import { StoredState } from '../../actors/group-view.ts';
import { sha256 } from '../../crypto/hash.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { BLOCK_PREFIX, decodeBlock, decodeHeader } from '../../events/block.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import { decode, encode, type Of } from '../../events/codec.ts';
import { blob, bytesOf, oneOf, record } from '../../events/fields.ts';
import { MalformedError } from '../../events/reader.ts';
import { sealersTable } from '../../machines/tables.ts';
import type { OpaqueWrite } from '../../storage/opaque-map.ts';
import { EVIDENCE_MAX } from '../limits.ts';
import type { NetworkPort } from '../port.ts';

/** A header with its seal, as announcements and `group_head` carry it. */
export const sealCodec = record({ header: blob(320), signature: bytesOf(64) });
export type Seal = Of<typeof sealCodec>;

const standings = ['open', 'decided', 'past'] as const;
const evidenceCodec = record({ kept: sealCodec, other: sealCodec, standing: oneOf(...standings) });
/** `open` is for somebody to decide; what is `decided`, or `past` since the sealing went on to others, stops nothing. */
export type Standing = (typeof standings)[number];
type Evidence = Of<typeof evidenceCodec>;

const evidencesPrefix = (groupId: Hex32): Uint8Array => concatBytes(utf8('evidence/'), fromHex(groupId));
const decisionKey = (groupId: Hex32): Uint8Array => concatBytes(utf8('evidence-decided/'), fromHex(groupId));

/** Where evidence is kept, and the state that says who seals now. */
type EvidenceStore = { readonly store: Pick<NetworkPort['store'], 'network' | 'group'> };

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
 * @returns how the evidence stands; nothing where it is none
 */
export async function holdAgainst(
  port: NetworkPort,
  handOvers: HandOvers,
  groupId: Hex32,
  other: Seal,
): Promise<Standing | undefined> {
  const header = decodeHeader(other.header);
  const { height, sealer } = header;
  const reader = port.store.group(groupId);
  const otherId = toHex(sha256(other.header));
  const keptId = reader.blockId(height);
  if (keptId === undefined || keptId === otherId || header.groupId !== groupId) return undefined;
  const kept = sealOf(reader.block(height)!);
  if (decodeHeader(kept.header).sealer !== sealer) return undefined;
  const key = concatBytes(evidencesPrefix(groupId), heightBytes(height));
  const before = port.store.network.get(key);
  if (before !== undefined) return decode(evidenceCodec, before.slice()).standing;
  const standing = await standingOf(port, handOvers, groupId, { height, sealer });
  const room = roomFor(port, groupId, standing);
  if (room === undefined) return standing;
  await port.store.network.write([...room, [key, encode(evidenceCodec, { kept, other, standing })]]);
  const blockIds = [keptId, otherId] as const;
  port.bus.moment({ kind: 'evidence.equivocation', groupId, height, sealer, blockIds, standing });
  return standing;
}

async function standingOf(
  port: EvidenceStore,
  handOvers: HandOvers,
  groupId: Hex32,
  { height, sealer }: { readonly height: number; readonly sealer: Hex32 },
): Promise<Standing> {
  if (height <= decidedHeight(port, groupId)) return 'decided';
  if (!presentSealers(port, groupId).includes(sealer)) return 'past';
  const heights = await handOvers.heightsOf(port.store.group(groupId));
  return heights?.some((handedOver) => handedOver >= height) === true ? 'past' : 'open';
}

/** What must go for one more; nothing where it may not come in: what stops nothing never drives out what does. */
function roomFor(port: EvidenceStore, groupId: Hex32, standing: Standing): OpaqueWrite[] | undefined {
  const entries = entriesOf(port, groupId);
  if (entries.length < EVIDENCE_MAX) return [];
  if (standing !== 'open') return undefined;
  const [key] = entries.find(([, one]) => one.standing !== 'open') ?? entries[0]!;
  return [[key, undefined]];
}

const presentSealers = ({ store }: EvidenceStore, groupId: Hex32): readonly Hex32[] =>
  new StoredState(store.group(groupId)).get(sealersTable, '') ?? [];

function decidedHeight({ store }: EvidenceStore, groupId: Hex32): number {
  const value = store.network.get(decisionKey(groupId));
  return value === undefined ? -1 : Buffer.from(value).readUIntBE(0, 6);
}

function heightBytes(height: number): Uint8Array {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(height, 0, 6);
  return new Uint8Array(bytes);
}

function entriesOf({ store }: EvidenceStore, groupId: Hex32): [key: Uint8Array, evidence: Evidence][] {
  return [...store.network.list(evidencesPrefix(groupId))].map(([key, value]) => [
    key.slice(),
    decode(evidenceCodec, value.slice()),
  ]);
}

/** What is kept against sealers of a group, as it stands now. */
export function evidences(port: EvidenceStore, groupId: Hex32): Evidence[] {
  const sealers = presentSealers(port, groupId);
  return entriesOf(port, groupId).map(([, one]) =>
    one.standing === 'open' && !sealers.includes(decodeHeader(one.kept.header).sealer)
      ? { ...one, standing: 'past' }
      : one,
  );
}

/** Whether the group rests because of evidence against who seals it now, and nobody has decided about that. */
export const isInDispute = (port: EvidenceStore, groupId: Hex32): boolean =>
  evidences(port, groupId).some(({ standing }) => standing === 'open');

/** Sealers against whom there is evidence that is not decided and not past. */
export const accusedSealers = (port: EvidenceStore, groupId: Hex32): Hex32[] =>
  evidences(port, groupId).flatMap(({ kept, standing }) =>
    standing === 'open' ? [decodeHeader(kept.header).sealer] : [],
  );

/**
 * Looks again at what is open: the chain may have left it behind.
 * @returns whether the group is in dispute still
 */
export async function reviewEvidence(
  port: EvidenceStore,
  handOvers: HandOvers,
  groupId: Hex32,
): Promise<boolean> {
  let isOpen = false;
  for (const [key, evidence] of entriesOf(port, groupId)) {
    if (evidence.standing !== 'open') continue;
    const standing = await standingOf(port, handOvers, groupId, decodeHeader(evidence.kept.header));
    if (standing === 'open') isOpen = true;
    else await port.store.network.put(key, encode(evidenceCodec, { ...evidence, standing }));
  }
  return isOpen;
}

/** An admin has decided to go on with the chain that is here, up to its present head. The evidence stays. */
export async function settleEvidence(port: EvidenceStore, groupId: Hex32): Promise<void> {
  const { height } = port.store.group(groupId).head()!;
  const settled = entriesOf(port, groupId).filter(([, { standing }]) => standing === 'open');
  await port.store.network.write([
    [decisionKey(groupId), heightBytes(height)],
    ...settled.map(
      ([key, evidence]): OpaqueWrite => [key, encode(evidenceCodec, { ...evidence, standing: 'decided' })],
    ),
  ]);
}
