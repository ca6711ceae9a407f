/** Vectors of proofs: what each reason looks like, and that it comes before all later ones. */
import { sha256 } from '../../../crypto/hash.ts';
import { type Block, decodeBlock } from '../../../events/block.ts';
import { concatBytes, fromHex, type Hex32, toHex, ZERO_ID } from '../../../events/bytes.ts';
import { consistencyProof, inclusionProof } from '../../../events/merkle.ts';
import {
  type ConsistencyParts,
  encodeConsistencyProof,
  encodeProof,
  type ProofParts,
} from '../../../events/proof.ts';
import { decodeTransaction } from '../../../events/transaction.ts';
import { spoil } from '../blocks.ts';
import { profileSet, sealerAccept, sealerSet } from '../operations.ts';
import { alice, founder, hashOf } from '../people.ts';
import { by, given, joined, opened } from '../rules.ts';
import type { World } from '../world.ts';
import type { Entry, VectorFile } from './entries.ts';

const JUNK = [fromHex(hashOf('no node of the tree'))];

/** Six blocks; Alice seals from height 4 on. */
function scene(): { world: World; blocks: Block[]; ids: Uint8Array[] } {
  const { world } = given(
    opened(),
    joined(alice, { role: 'admin' }),
    by(founder, profileSet('one')),
    (at) => at.seal([at.transaction(founder, [sealerSet(alice)]), at.transaction(alice, [sealerAccept])]),
    by(founder, profileSet('two')),
    by(founder, profileSet('three')),
  );
  const blocks = world.chain.blocks.map((bytes) => decodeBlock(bytes));
  return { world, blocks, ids: blocks.map(({ headerBytes }) => sha256(headerBytes)) };
}

function receipt(
  { world, blocks, ids }: ReturnType<typeof scene>,
  height: number,
  headHeight: number,
): ProofParts {
  const [block, head, genesis] = [blocks[height]!, blocks[headHeight]!, blocks[0]!];
  const history = ids.slice(0, headHeight);
  const txIds = block.transactions.map((bytes) => sha256(decodeTransaction(bytes).payload));
  const pathOf = (at: number) => (at === headHeight ? [] : inclusionProof(history, at, sha256));
  return {
    groupId: world.groupId,
    transaction: block.transactions[0]!,
    index: 0,
    txPath: inclusionProof(txIds, 0, sha256),
    header: block.headerBytes,
    signature: block.signature,
    headHeader: head.headerBytes,
    headSignature: head.signature,
    historyPath: pathOf(height),
    genesisHeader: genesis.headerBytes,
    genesisPath: pathOf(0),
  };
}

function extension(
  { world, blocks, ids }: ReturnType<typeof scene>,
  oldHeight: number,
  height: number,
): ConsistencyParts {
  const [old, head] = [blocks[oldHeight]!, blocks[height]!];
  const history = ids.slice(0, height);
  return {
    groupId: world.groupId,
    oldHeader: old.headerBytes,
    oldSignature: old.signature,
    headHeader: head.headerBytes,
    headSignature: head.signature,
    historyPath: oldHeight > 0 && oldHeight < height ? consistencyProof(history, oldHeight, sha256) : [],
    oldPath: oldHeight < height ? inclusionProof(history, oldHeight, sha256) : [],
  };
}

interface Asked {
  readonly groupId?: Hex32;
  readonly oldBlockId?: Hex32;
  readonly headBlockId?: Hex32;
}

const entry = (
  kind: 'proof' | 'consistency',
  name: string,
  bytes: Uint8Array,
  verdict: string,
  asked: Asked = {},
): Entry => ({
  name: `${kind}: ${name}`,
  comment: verdict,
  kind,
  bytes: toHex(bytes),
  asked: { ...asked },
  verdict,
});

/** Version `version` (its bytes) in place of the 1 of a record. */
const versioned = (bytes: Uint8Array, version: string): Uint8Array =>
  concatBytes(bytes.subarray(0, 1), fromHex(version), bytes.subarray(2));

function versions(kind: 'proof' | 'consistency', bytes: Uint8Array): Entry[] {
  const newer = ['02', '7f', 'cc80', 'ccff', 'cd0100', 'ce00010000', 'cf001fffffffffffff'];
  const none = ['00', 'cc02', 'cf0020000000000000', 'c0'];
  return [
    ...newer.map((version) => entry(kind, `version ${version}`, versioned(bytes, version), 'newer_version')),
    ...none.map((version) => entry(kind, `version ${version}`, versioned(bytes, version), 'malformed')),
    entry(kind, 'a later version with other fields', fromHex('9302c0c0'), 'newer_version'),
    entry(
      kind,
      'a later version with sixteen fields',
      concatBytes(fromHex('dc001005'), JUNK[0]!),
      'newer_version',
    ),
    entry(kind, 'an empty array', fromHex('90'), 'malformed'),
    entry(kind, 'nothing', new Uint8Array(0), 'malformed'),
    entry(kind, 'a byte more', concatBytes(bytes, Uint8Array.of(0)), 'malformed'),
  ];
}

function receipts(of: ReturnType<typeof scene>): Entry[] {
  const { world, blocks, ids } = of;
  const { groupId } = world;
  const right = receipt(of, 2, 3);
  const idOf = (height: number): Hex32 => toHex(ids[height]!);
  const elsewhere = world.transaction(founder, [profileSet('x')], { groupId: hashOf('another') }).bytes;
  const defects: [verdict: string, change: Partial<ProofParts>, asked?: Asked][] = [
    ['other_group', {}, { groupId: hashOf('another') }],
    ['other_head', {}, { headBlockId: hashOf('another') }],
    ['wrong_group', { transaction: elsewhere }],
    ['genesis_invalid', { genesisHeader: blocks[1]!.headerBytes }],
    ['order_invalid', { headHeader: blocks[1]!.headerBytes }],
    ['transaction_not_in_block', { txPath: JUNK }],
    ['block_not_in_history', { historyPath: JUNK }],
    ['genesis_not_in_history', { genesisPath: JUNK }],
    ['author_signature_invalid', { transaction: spoil(right.transaction, -1) }],
    ['sealer_signature_invalid', { signature: spoil(right.signature, 0) }],
    ['head_signature_invalid', { headSignature: spoil(right.headSignature, 0) }],
  ];
  const ordered = defects.map(([verdict], at) => {
    const left = defects.slice(at).reverse();
    const parts = Object.assign({}, right, ...left.map(([, change]) => change)) as ProofParts;
    const asked = Object.assign({}, ...left.map(([, , asks]) => asks)) as Asked;
    return entry('proof', `${verdict} before all later reasons`, encodeProof(parts), verdict, asked);
  });
  const late = receipt(of, 4, 5);
  return [
    ...ordered,
    entry('proof', 'in the history of a head', encodeProof(right), 'valid', { groupId }),
    entry('proof', 'of block 0 as the head', encodeProof(receipt(of, 0, 0)), 'valid'),
    entry('proof', 'of the head itself', encodeProof(receipt(of, 3, 3)), 'valid', { headBlockId: idOf(3) }),
    entry('proof', 'sealed by another than the founder', encodeProof(late), 'unanchored'),
    entry('proof', 'up to a head that is known', encodeProof(late), 'valid', { headBlockId: idOf(5) }),
    entry('proof', 'of the founder, up to another sealer', encodeProof(receipt(of, 2, 5)), 'unanchored'),
    entry(
      'proof',
      'a later header in place of block 0',
      encodeProof({ ...right, genesisHeader: right.header }),
      'genesis_invalid',
    ),
    entry('proof', 'of the zero group', encodeProof({ ...right, groupId: ZERO_ID }), 'wrong_group'),
  ].concat(versions('proof', encodeProof(right)));
}

function extensions(of: ReturnType<typeof scene>): Entry[] {
  const { blocks, ids } = of;
  const right = extension(of, 2, 4);
  const idOf = (height: number): Hex32 => toHex(ids[height]!);
  const defects: [verdict: string, change: Partial<ConsistencyParts>, asked?: Asked][] = [
    ['other_group', {}, { groupId: hashOf('another') }],
    ['other_head', {}, { oldBlockId: hashOf('another') }],
    ['wrong_group', { groupId: hashOf('of nobody') }],
    ['order_invalid', { headHeader: blocks[1]!.headerBytes }],
    ['block_not_in_history', { oldPath: JUNK }],
    ['history_not_extended', { historyPath: JUNK }],
    ['sealer_signature_invalid', { oldSignature: spoil(right.oldSignature, 0) }],
    ['head_signature_invalid', { headSignature: spoil(right.headSignature, 0) }],
  ];
  const ordered = defects.map(([verdict], at) => {
    const left = defects.slice(at).reverse();
    const parts = Object.assign({}, right, ...left.map(([, change]) => change)) as ConsistencyParts;
    const asked = Object.assign({}, ...left.map(([, , asks]) => asks)) as Asked;
    return entry(
      'consistency',
      `${verdict} before all later reasons`,
      encodeConsistencyProof(parts),
      verdict,
      asked,
    );
  });
  const known = { oldBlockId: idOf(2) };
  return [
    ...ordered,
    entry('consistency', 'from a head that is known', encodeConsistencyProof(right), 'valid', known),
    entry('consistency', 'from one that is not', encodeConsistencyProof(right), 'unanchored'),
    entry('consistency', 'from block 0', encodeConsistencyProof(extension(of, 0, 3)), 'valid', {
      oldBlockId: idOf(0),
    }),
    entry('consistency', 'from a head to itself', encodeConsistencyProof(extension(of, 3, 3)), 'valid', {
      oldBlockId: idOf(3),
    }),
    entry(
      'consistency',
      'of the zero group',
      encodeConsistencyProof({ ...right, groupId: ZERO_ID }),
      'wrong_group',
    ),
  ].concat(versions('consistency', encodeConsistencyProof(right)));
}

export function proofVectors(): VectorFile {
  const of = scene();
  return {
    comment:
      'Proofs: the bytes, what the verifier asked for, and its verdict: valid, unanchored, or the first reason that applies.',
    entries: [...receipts(of), ...extensions(of)],
  };
}
