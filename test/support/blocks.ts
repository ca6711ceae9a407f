/** Blocks made by hand, right or wrong, and the way a follower takes them. */
import type { FinalBlock } from '../../actors/chain/judge.ts';
import { readBlock, readTransaction, verifyBlocks } from '../../actors/chain/verify.ts';
import { sha256 } from '../../crypto/hash.ts';
import { InlineVerifier } from '../../crypto/inline-verifier.ts';
import { BLOCK_PREFIX, type BlockHeader, encodeBlock, encodeHeader } from '../../events/block.ts';
import { type Hex32, toHex, ZERO_ID } from '../../events/bytes.ts';
import { merkleRoot } from '../../events/merkle.ts';
import type { Refusal } from '../../events/refusals.ts';
import { nextHeight, nextHistoryRoot } from '../../machines/chain.ts';
import { BlockJudge } from '../../machines/group.ts';
import { sealersTable } from '../../machines/tables.ts';
import { profileSet } from './operations.ts';
import { founder, type Person, personOf } from './people.ts';
import { crypto, type MemoryChain, World } from './world.ts';

export interface Forgery {
  /** Verbatim bytes of transactions; by default one that the founder may make. */
  readonly transactions?: readonly Uint8Array[];
  readonly header?: Partial<BlockHeader>;
  readonly signer?: Person;
  /** Bits to flip in the first byte of the seal. */
  readonly spoilSeal?: number;
}

const idsOf = (transactions: readonly Uint8Array[], world: World): Uint8Array[] =>
  transactions.map((bytes) => {
    try {
      return world.verified(bytes).txIdBytes;
    } catch {
      return new Uint8Array(32);
    }
  });

/** The effects of transactions on the world as it is; without those that are refused or malformed. */
function effectsHashOf(world: World, transactions: readonly Uint8Array[]): Hex32 {
  const judge = new BlockJudge({ base: world.chain.state, crypto, spent: world.chain.spent });
  const { tip } = world.chain.judge;
  judge.open(tip === undefined ? ZERO_ID : world.groupId, nextHeight(tip), world.nowMs, tip?.tsMs ?? 0);
  for (const bytes of transactions) {
    const transaction = readTransaction(bytes);
    if (!('code' in transaction)) judge.judgeTransaction(world.verified(bytes));
  }
  return toHex(judge.close().effectsHash);
}

/** The next block of the world, right in everything that `forgery` does not make wrong. */
export function forgeBlock(world: World, forgery: Forgery = {}): Uint8Array {
  const { tip } = world.chain.judge;
  const signer = forgery.signer ?? world.sealer;
  const transactions = forgery.transactions ?? [world.transaction(founder, [profileSet('someone')]).bytes];
  const header: BlockHeader = {
    groupId: tip === undefined ? ZERO_ID : world.groupId,
    height: nextHeight(tip),
    prev: tip?.blockId ?? ZERO_ID,
    tsMs: world.nowMs,
    sealer: signer.publicKey,
    txCount: transactions.length,
    txRoot: toHex(merkleRoot(idsOf(transactions, world), sha256)),
    historyRoot: toHex(nextHistoryRoot(tip, sha256)),
    effectsHash: effectsHashOf(world, transactions),
    ...forgery.header,
  };
  const headerBytes = encodeHeader(header);
  const signature = signer.sign(BLOCK_PREFIX, headerBytes);
  signature[0]! ^= forgery.spoilSeal ?? 0;
  return encodeBlock(headerBytes, signature, transactions);
}

const verifier = new InlineVerifier();

/** Takes a block as a follower does: read, verify, judge, and keep it unless it is refused. */
export async function follow(chain: MemoryChain, bytes: Uint8Array): Promise<FinalBlock | Refusal> {
  const read = readBlock(bytes);
  if ('code' in read) return read;
  const [candidate] = await verifyBlocks(verifier, [read]);
  const final = chain.judge.judgeBlock(candidate!);
  if (!('code' in final)) chain.stage(final);
  return final;
}

/** Judges one transaction as a follower who finds it in the next block, sealed at the world's time. */
export async function judgeBytes(world: World, bytes: Uint8Array): Promise<Refusal | undefined> {
  const read = readTransaction(bytes);
  if ('code' in read) return read;
  const final = await follow(world.chain, forgeBlock(world, { transactions: [bytes] }));
  if (!('code' in final)) return undefined;
  if (final.code !== 'block_transaction_refused')
    throw new Error(`expected the transaction to be judged, not ${final.code}`);
  return final.refusal;
}

/** A copy with some bits of one byte flipped; negative positions count from the end. */
export function spoil(bytes: Uint8Array, at: number, bits = 1): Uint8Array {
  const copy = bytes.slice();
  const position = at < 0 ? copy.length + at : at;
  copy[position]! ^= bits;
  return copy;
}

/** A world that follows `blocks` from the first on; every one must be valid. */
export async function worldOf(blocks: readonly Uint8Array[]): Promise<World> {
  const world = new World();
  for (const bytes of blocks) {
    const final = await follow(world.chain, bytes);
    if ('code' in final) throw new Error(`a block of the script was refused: ${final.code}`);
    world.nowMs = final.header.tsMs;
    world.sealer = personOf(world.read(sealersTable)![0]!);
  }
  return world;
}
