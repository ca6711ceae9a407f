/**
 * Receipts that a stranger can check without the chain, and proofs that one head extends another.
 *
 *   proof        [1, groupId, transaction, index, [hash, …], header, signature, headHeader, headSignature,
 *                 [hash, …], genesisHeader, [hash, …]]
 *   consistency  [1, groupId, oldHeader, oldSignature, headHeader, headSignature, [hash, …], [hash, …]]
 *
 * A proof is a walk: the author signed the transaction, which stands in the block's `txRoot`, whose header the
 * sealer signed, which stands in the head's `historyRoot`, whose header its sealer signed; block 0 stands there as
 * well, and its hash is the group's id. Every field is bound by one of these steps, so that no bit can be changed.
 *
 * What it cannot show is that the sealers were the group's: that is in the state. Block 0 names the founder, so a
 * proof whose two seals are the founder's stands by itself (`sealerIsFounder`). For any other the verifier needs a
 * head that they trust already (`headBlockId`), since whoever is not a sealer can sign headers of their own, too:
 * without it the verdict is `unanchored`, and so is that on an extension of a head that nobody named (`oldBlockId`).
 *
 * Source: RFC 6962 section 2.1 for the trees. Verifiers are given a stranger's bytes: they never throw.
 */
import { BLOCK_PREFIX, type BlockHeader, decodeHeader } from './block.ts';
import { concatBytes, fromHex, type Hex32, toHex, ZERO_ID } from './bytes.ts';
import { type Codec, decode, encode } from './codec.ts';
import { bytesOf, id, list, record, uint, type Values } from './fields.ts';
import { TRANSACTION_BYTES_MAX, TRANSACTIONS_PER_BLOCK_MAX } from './limits.ts';
import { leafHash, type Sha256 } from './merkle.ts';
import { verifyConsistency, verifyInclusion } from './merkle-verify.ts';
import { MalformedError, Reader } from './reader.ts';
import { decodeTransaction, TRANSACTION_PREFIX, type Transaction } from './transaction.ts';

/** A tree of 2^53 leaves is 53 deep, and a consistency proof has one hash more. */
const PATH_MAX = 54;
const HEADER_BYTES_MAX = 320;
/** More than the longest proof: a transaction, three headers, and paths. */
const PROOF_BYTES_MAX = TRANSACTION_BYTES_MAX + 16 * 1024;

/** Up to `max` bytes. */
function bytesUpTo(max: number): Codec<Uint8Array> {
  return {
    describe: { kind: 'bytes', length: max },
    write: (writer, value) => writer.bin(value),
    read: (reader) => reader.bin(max),
    check: (value, path) => {
      if (!(value instanceof Uint8Array) || value.length > max)
        throw new MalformedError(`${path}: expected up to ${max} bytes`);
    },
  };
}

const version = uint(0xff);
const signature = bytesOf(64);
const headerBytes = bytesUpTo(HEADER_BYTES_MAX);
const path = list(bytesOf(32), { max: PATH_MAX });

const proofFields = {
  version,
  groupId: id,
  /** The whole transaction, verbatim. */
  transaction: bytesUpTo(TRANSACTION_BYTES_MAX),
  /** Its position in the block. */
  index: uint(TRANSACTIONS_PER_BLOCK_MAX - 1),
  /** From the transaction's id up to the block's `txRoot`. */
  txPath: path,
  header: headerBytes,
  signature,
  headHeader: headerBytes,
  headSignature: signature,
  /** From the block's id up to the head's `historyRoot`; empty when the block is the head. */
  historyPath: path,
  genesisHeader: headerBytes,
  /** From block 0's id up to the head's `historyRoot`; empty when block 0 is the head. */
  genesisPath: path,
};
const consistencyFields = {
  version,
  groupId: id,
  oldHeader: headerBytes,
  oldSignature: signature,
  headHeader: headerBytes,
  headSignature: signature,
  /** That the old head's history is the beginning of the new one's. */
  historyPath: path,
  /** That the old head itself stands in the new one's history, at its height. */
  oldPath: path,
};
const proofRecord = record(proofFields);
const consistencyRecord = record(consistencyFields);

export const PROOF_VERSION = 1;
/** A proof's parts; who makes one is in `actors/history/prove.ts`. */
export type ProofParts = Omit<Values<typeof proofFields>, 'version'>;
export type ConsistencyParts = Omit<Values<typeof consistencyFields>, 'version'>;

export const encodeProof = (parts: ProofParts): Uint8Array =>
  encode(proofRecord, { version: PROOF_VERSION, ...parts });
export const encodeConsistencyProof = (parts: ConsistencyParts): Uint8Array =>
  encode(consistencyRecord, { version: PROOF_VERSION, ...parts });

/** What a verifier needs of the platform. */
export interface ProofCrypto {
  readonly sha256: Sha256;
  /** Ed25519 by ZIP 215. */
  verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Why a proof shows nothing, in the order of the checks; one line each. */
export const PROOF_REASONS = {
  newer_version: 'The proof was made by a later version of this software.',
  malformed: 'The bytes are not a proof in its one encoding.',
  other_group: 'The proof is about another group than the one asked for.',
  other_head: 'The proof ends at another head than the one asked for.',
  wrong_group: 'The transaction or a header belongs to another group than the proof says.',
  genesis_invalid: "The first header is not the group's block 0.",
  order_invalid: 'The block or the old head does not come before the head.',
  transaction_not_in_block: 'The transaction is not in the block, at that position.',
  block_not_in_history: "The block is not in the head's history, at its height.",
  genesis_not_in_history: "Block 0 of the group is not the beginning of the head's history.",
  history_not_extended: "The old head's history is not the beginning of the new one's.",
  author_signature_invalid: "The author's signature does not hold.",
  sealer_signature_invalid: "The sealer's signature of the block, or of the old head, does not hold.",
  head_signature_invalid: "The sealer's signature of the head does not hold.",
} as const satisfies Record<string, string>;
export type ProofInvalidReason = keyof typeof PROOF_REASONS;

export interface HeadFacts {
  readonly height: number;
  readonly blockId: Hex32;
  /** Block time, milliseconds since 1970. */
  readonly tsMs: number;
  readonly sealer: Hex32;
}

/** What a valid proof shows. */
export interface ProofFacts {
  readonly groupId: Hex32;
  readonly txId: Hex32;
  readonly author: Hex32;
  readonly operations: Transaction['operations'];
  /** Where it was sealed. */
  readonly height: number;
  readonly index: number;
  readonly blockId: Hex32;
  /** Time of that block, milliseconds since 1970. */
  readonly tsMs: number;
  readonly sealer: Hex32;
  readonly head: HeadFacts;
  /** Who founded the group, by block 0. */
  readonly founder: Hex32;
  /** Whether both seals are the founder's, so that the proof stands by itself. */
  readonly sealerIsFounder: boolean;
}

export interface ConsistencyFacts {
  readonly groupId: Hex32;
  readonly old: HeadFacts;
  readonly head: HeadFacts;
}

interface Invalid {
  readonly status: 'invalid';
  readonly reason: ProofInvalidReason;
}
/** `unanchored`: all of it holds, and could be made up by anybody; see the essay above. */
export type Holds = 'valid' | 'unanchored';
export type ProofVerdict = { readonly status: Holds; readonly facts: ProofFacts } | Invalid;
export type ConsistencyVerdict = { readonly status: Holds; readonly facts: ConsistencyFacts } | Invalid;

const invalid = (reason: ProofInvalidReason): Invalid => ({ status: 'invalid', reason });

/** A header with its id, and whom it says it belongs to. */
interface ReadHeader extends BlockHeader {
  readonly blockId: Uint8Array;
}

function readHeader(bytes: Uint8Array, sha256: Sha256): ReadHeader {
  return { ...decodeHeader(bytes), blockId: sha256(bytes) };
}

/** Block 0 carries zeros in place of its own id, and every other header the group's. */
function isOfGroup(header: ReadHeader, groupId: Hex32): boolean {
  if (header.height > 0) return header.groupId === groupId && groupId !== ZERO_ID;
  return header.groupId === ZERO_ID && toHex(header.blockId) === groupId;
}

function isSealed(header: ReadHeader, bytes: Uint8Array, seal: Uint8Array, crypto: ProofCrypto): boolean {
  return crypto.verifySignature(fromHex(header.sealer), concatBytes(BLOCK_PREFIX, bytes), seal);
}

/** Whether `block` is `head`, or stands in its history by `proof`. */
function isInHistory(
  block: ReadHeader,
  head: ReadHeader,
  proof: readonly Uint8Array[],
  sha256: Sha256,
): boolean {
  if (block.height === head.height) return proof.length === 0 && toHex(block.blockId) === toHex(head.blockId);
  return verifyInclusion(
    {
      leafIndex: block.height,
      treeSize: head.height,
      leafHash: leafHash(block.blockId, sha256),
      proof,
      root: fromHex(head.historyRoot),
    },
    sha256,
  );
}

function isInBlock(parts: ProofParts, txId: Uint8Array, block: ReadHeader, sha256: Sha256): boolean {
  const { index: leafIndex, txPath: proof } = parts;
  const root = fromHex(block.txRoot);
  return verifyInclusion(
    { leafIndex, treeSize: block.txCount, leafHash: leafHash(txId, sha256), proof, root },
    sha256,
  );
}

const headFacts = ({ height, blockId, tsMs, sealer }: ReadHeader): HeadFacts => ({
  height,
  blockId: toHex(blockId),
  tsMs,
  sealer,
});

/** Decodes with `read`, or says that the bytes are not what it wants. */
function decoded<T>(read: () => T): T | Invalid {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) return invalid('malformed');
    throw error;
  }
}

const isInvalid = (value: object): value is Invalid => 'status' in value && value.status === 'invalid';

/** A later version may have other fields, and more of them: that bytes begin as `[version, …` does tells it from noise. */
function isNewer(bytes: Uint8Array): boolean {
  try {
    const reader = new Reader(bytes);
    return reader.arrayHeader() > 0 && reader.uint(Number.MAX_SAFE_INTEGER) > PROOF_VERSION;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

/**
 * Checks a receipt: nothing but these bytes, SHA-256 and Ed25519.
 * @param expected what the verifier knows already: the group, or the id of a head that it trusts
 */
export function verifyProof(
  bytes: Uint8Array,
  crypto: ProofCrypto,
  expected: { readonly groupId?: Hex32; readonly headBlockId?: Hex32 } = {},
): ProofVerdict {
  if (isNewer(bytes)) return invalid('newer_version');
  const read = decoded(() => readProof(bytes, crypto.sha256));
  if (isInvalid(read)) return read;
  const { parts, head } = read;
  if (expected.groupId !== undefined && expected.groupId !== parts.groupId) return invalid('other_group');
  if (expected.headBlockId !== undefined && expected.headBlockId !== toHex(head.blockId))
    return invalid('other_head');
  const reason = checkProof(read, crypto);
  if (reason !== undefined) return invalid(reason);
  const facts = proofFacts(read);
  const isAnchored = facts.sealerIsFounder || expected.headBlockId !== undefined;
  return { status: isAnchored ? 'valid' : 'unanchored', facts };
}

interface ReadProof {
  readonly parts: ProofParts;
  readonly transaction: Transaction;
  readonly txId: Uint8Array;
  readonly block: ReadHeader;
  readonly head: ReadHeader;
  readonly genesis: ReadHeader;
}

function readProof(bytes: Uint8Array, sha256: Sha256): ReadProof {
  if (bytes.length > PROOF_BYTES_MAX)
    throw new MalformedError(`a proof has at most ${PROOF_BYTES_MAX} bytes`);
  const parts = decode(proofRecord, bytes);
  if (parts.version !== PROOF_VERSION) throw new MalformedError('expected a proof of version 1');
  const transaction = decodeTransaction(parts.transaction);
  return {
    parts,
    transaction,
    txId: sha256(transaction.payload),
    block: readHeader(parts.header, sha256),
    head: readHeader(parts.headHeader, sha256),
    genesis: readHeader(parts.genesisHeader, sha256),
  };
}

function checkProof(read: ReadProof, crypto: ProofCrypto): ProofInvalidReason | undefined {
  const { parts, transaction, block, head, genesis } = read;
  const { groupId } = parts;
  const transactionGroup = block.height === 0 ? ZERO_ID : groupId;
  if (transaction.groupId !== transactionGroup || !isOfGroup(block, groupId) || !isOfGroup(head, groupId))
    return 'wrong_group';
  if (genesis.height !== 0 || !isOfGroup(genesis, groupId)) return 'genesis_invalid';
  if (block.height > head.height) return 'order_invalid';
  const { sha256 } = crypto;
  if (!isInBlock(parts, read.txId, block, sha256)) return 'transaction_not_in_block';
  if (!isInHistory(block, head, parts.historyPath, sha256)) return 'block_not_in_history';
  if (!isInHistory(genesis, head, parts.genesisPath, sha256)) return 'genesis_not_in_history';
  // The dear checks last: a refused signature costs as much as a thousand hashes.
  const message = concatBytes(TRANSACTION_PREFIX, transaction.payload);
  if (!crypto.verifySignature(fromHex(transaction.author), message, transaction.signature))
    return 'author_signature_invalid';
  if (!isSealed(block, parts.header, parts.signature, crypto)) return 'sealer_signature_invalid';
  if (!isSealed(head, parts.headHeader, parts.headSignature, crypto)) return 'head_signature_invalid';
  return undefined;
}

function proofFacts({ parts, transaction, txId, block, head, genesis }: ReadProof): ProofFacts {
  const founder = genesis.sealer;
  return {
    groupId: parts.groupId,
    txId: toHex(txId),
    author: transaction.author,
    operations: transaction.operations,
    height: block.height,
    index: parts.index,
    blockId: toHex(block.blockId),
    tsMs: block.tsMs,
    sealer: block.sealer,
    head: headFacts(head),
    founder,
    sealerIsFounder: block.sealer === founder && head.sealer === founder,
  };
}

/**
 * Checks that the new head's history begins with the whole history of the old head, itself included.
 * @param expected the ids of heads that the verifier knows: the old one that it kept, the new one that it was
 * told
 */
export function verifyConsistencyProof(
  bytes: Uint8Array,
  crypto: ProofCrypto,
  expected: { readonly groupId?: Hex32; readonly oldBlockId?: Hex32; readonly headBlockId?: Hex32 } = {},
): ConsistencyVerdict {
  if (isNewer(bytes)) return invalid('newer_version');
  const read = decoded(() => readConsistency(bytes, crypto.sha256));
  if (isInvalid(read)) return read;
  const { parts, old, head } = read;
  if (expected.groupId !== undefined && expected.groupId !== parts.groupId) return invalid('other_group');
  if (expected.oldBlockId !== undefined && expected.oldBlockId !== toHex(old.blockId))
    return invalid('other_head');
  if (expected.headBlockId !== undefined && expected.headBlockId !== toHex(head.blockId))
    return invalid('other_head');
  const reason = checkConsistency(read, crypto);
  if (reason !== undefined) return invalid(reason);
  const facts = { groupId: parts.groupId, old: headFacts(old), head: headFacts(head) };
  return { status: expected.oldBlockId === undefined ? 'unanchored' : 'valid', facts };
}

interface ReadConsistency {
  readonly parts: ConsistencyParts;
  readonly old: ReadHeader;
  readonly head: ReadHeader;
}

function readConsistency(bytes: Uint8Array, sha256: Sha256): ReadConsistency {
  if (bytes.length > PROOF_BYTES_MAX)
    throw new MalformedError(`a proof has at most ${PROOF_BYTES_MAX} bytes`);
  const parts = decode(consistencyRecord, bytes);
  if (parts.version !== PROOF_VERSION) throw new MalformedError('expected a proof of version 1');
  return { parts, old: readHeader(parts.oldHeader, sha256), head: readHeader(parts.headHeader, sha256) };
}

function checkConsistency(
  { parts, old, head }: ReadConsistency,
  crypto: ProofCrypto,
): ProofInvalidReason | undefined {
  const { sha256 } = crypto;
  if (!isOfGroup(old, parts.groupId) || !isOfGroup(head, parts.groupId)) return 'wrong_group';
  if (old.height > head.height) return 'order_invalid';
  if (!isInHistory(old, head, parts.oldPath, sha256)) return 'block_not_in_history';
  if (!isExtended(parts, old, head, sha256)) return 'history_not_extended';
  if (!isSealed(old, parts.oldHeader, parts.oldSignature, crypto)) return 'sealer_signature_invalid';
  if (!isSealed(head, parts.headHeader, parts.headSignature, crypto)) return 'head_signature_invalid';
  return undefined;
}

/** An empty history is the beginning of every other, and an equal one of itself: nothing to show then. */
function isExtended(
  { historyPath: proof }: ConsistencyParts,
  old: ReadHeader,
  head: ReadHeader,
  sha256: Sha256,
): boolean {
  if (old.height === 0 || old.height === head.height) return proof.length === 0;
  const [oldRoot, newRoot] = [fromHex(old.historyRoot), fromHex(head.historyRoot)];
  const claim = { oldSize: old.height, newSize: head.height, oldRoot, newRoot, proof };
  return verifyConsistency(claim, sha256);
}
