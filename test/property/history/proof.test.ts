/** Receipts and consistency proofs: valid for what happened, and for nothing that differs by one bit. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prove, proveConsistency } from '../../../actors/history/prove.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { opensslTier, sodiumTier, verifySignature } from '../../../crypto/verify.ts';
import { BLOCK_PREFIX, decodeBlock, decodeHeader, encodeHeader } from '../../../events/block.ts';
import { concatBytes, fromHex, toHex } from '../../../events/bytes.ts';
import { inclusionProof, merkleRoot } from '../../../events/merkle.ts';
import {
  encodeConsistencyProof,
  encodeProof,
  PROOF_REASONS,
  type ProofParts,
  verifyConsistencyProof,
  verifyProof,
} from '../../../events/proof.ts';
import { decodeTransaction } from '../../../events/transaction.ts';
import type { GroupReader } from '../../../storage/port.ts';
import {
  flipped,
  makeWorld,
  outsider,
  people,
  temporaryFolder,
  type World,
} from '../../unit/history/histories.ts';

const crypto = { sha256, verifySignature };
/** Refuses in a twentieth of the time; what it accepts is valid, and its verdicts differ at no honest key. */
const quick = { sha256, verifySignature: sodiumTier ?? opensslTier };
const folder = temporaryFolder();
let world: World;
let reader: GroupReader;
let last: number;
/** Every transaction of the group, in order. */
let sealed: { txId: string; height: number; index: number; author: string }[];

beforeAll(async () => {
  world = await makeWorld(join(folder, 'store'), 11, 12);
  reader = world.store.group(world.groupId);
  last = reader.head()!.height;
  sealed = [...reader.blocks(0)].flatMap(({ height, bytes }) =>
    decodeBlock(bytes).transactions.map((encoded, index) => {
      const { payload, author } = decodeTransaction(encoded);
      return { txId: toHex(sha256(payload)), height, index, author };
    }),
  );
});
afterAll(() => world.store.close());

const reasonOf = (verdict: { status: string; reason?: string }) => verdict.reason ?? verdict.status;

describe('a receipt', () => {
  test('of every transaction, against every head from its block on, is valid and says what happened', () => {
    for (const { txId, height, index, author } of sealed) {
      for (let headHeight = height; headHeight <= last; headHeight++) {
        const verdict = verifyProof(prove(reader, txId, { headHeight })!, crypto, {
          groupId: world.groupId,
          headBlockId: reader.blockId(headHeight)!,
        });
        expect(verdict).toMatchObject({
          status: 'valid',
          facts: {
            groupId: world.groupId,
            ...{ txId, height, index, author },
            blockId: reader.blockId(height),
            sealer: people[0]!.publicKey,
            founder: people[0]!.publicKey,
            sealerIsFounder: true,
            head: { height: headHeight, blockId: reader.blockId(headHeight) },
          },
        });
      }
    }
  });

  test('gives the operations as they were signed', () => {
    const { txId, height, index } = sealed.at(-1)!;
    const verdict = verifyProof(prove(reader, txId)!, crypto);
    const { operations } = decodeTransaction(decodeBlock(reader.block(height)!).transactions[index]!);
    expect(verdict).toMatchObject({ status: 'valid', facts: { operations } });
  });

  test('is not given for what was never sealed, nor for an id that was replaced', () => {
    expect(prove(reader, outsider.publicKey)).toBeUndefined();
    const { height, index } = sealed.at(-1)!;
    const { replaces } = decodeTransaction(decodeBlock(reader.block(height)!).transactions[index]!);
    expect(prove(reader, replaces!)).toBeUndefined();
  });

  test('cannot be asked for against a head before the transaction, or one that is not there', () => {
    const { txId, height } = sealed.at(-1)!;
    for (const headHeight of [height - 1, last + 1, -1, 0.5])
      expect(() => prove(reader, txId, { headHeight })).toThrow(RangeError);
  });

  test.each(['in the middle', 'of the head', 'of block 0'])('%s is invalid with any bit turned', (which) => {
    const chosen = {
      'in the middle': sealed.find(({ height }) => height === 5)!,
      'of the head': sealed.at(-1)!,
    };
    const { txId } = chosen[which as keyof typeof chosen] ?? sealed[0]!;
    const proof = prove(reader, txId)!;
    expect(verifyProof(proof, crypto).status).toBe('valid');
    for (let bit = 0; bit < proof.length * 8; bit++) {
      const verdict = verifyProof(flipped(proof, bit), which === 'in the middle' ? crypto : quick);
      if (verdict.status !== 'invalid') throw new Error(`bit ${bit} can be turned`);
      expect(PROOF_REASONS[verdict.reason]).toBeDefined();
    }
  });

  test('is invalid when it is cut, or longer', () => {
    const proof = prove(reader, sealed[3]!.txId)!;
    for (let length = 0; length < proof.length; length += 7)
      expect(reasonOf(verifyProof(proof.subarray(0, length), crypto))).toBe('malformed');
    expect(reasonOf(verifyProof(concatBytes(proof, Uint8Array.of(0)), crypto))).toBe('malformed');
    expect(reasonOf(verifyProof(new Uint8Array(200_000), crypto))).toBe('malformed');
    const later = Uint8Array.from(proof);
    later[1] = 2;
    expect(reasonOf(verifyProof(later, crypto))).toBe('newer_version');
  });

  test('about another group or head than expected says so', () => {
    const proof = prove(reader, sealed[3]!.txId)!;
    expect(reasonOf(verifyProof(proof, crypto, { groupId: outsider.publicKey }))).toBe('other_group');
    expect(reasonOf(verifyProof(proof, crypto, { headBlockId: outsider.publicKey }))).toBe('other_head');
  });
});

describe('a forger', () => {
  const parts = (): ProofParts => {
    const [block, genesis] = [storedBlock(5), storedBlock(0)];
    const txIds = block.transactions.map((bytes) => sha256(decodeTransaction(bytes).payload));
    return {
      groupId: world.groupId,
      transaction: block.transactions[0]!,
      index: 0,
      txPath: inclusionProof(txIds, 0, sha256),
      header: block.headerBytes,
      signature: block.signature,
      headHeader: block.headerBytes,
      headSignature: block.signature,
      historyPath: [],
      genesisHeader: genesis.headerBytes,
      genesisPath: [],
    };
  };
  const storedBlock = (height: number) => decodeBlock(reader.block(height)!);
  const blockIds = (count: number) =>
    Array.from({ length: count }, (_, height) => fromHex(reader.blockId(height)!));
  const verdictOf = (changes: Partial<ProofParts>) =>
    reasonOf(verifyProof(encodeProof({ ...parts(), ...changes }), crypto));

  /** A chain of two headers of the forger's own, over the real block 0 and a transaction of their choice. */
  const forged = (transaction: Uint8Array) => {
    const txId = sha256(decodeTransaction(transaction).payload);
    const genesisId = sha256(storedBlock(0).headerBytes);
    const headerBytes = encodeHeader({
      ...decodeHeader(storedBlock(1).headerBytes),
      sealer: outsider.publicKey,
      txCount: 1,
      txRoot: toHex(merkleRoot([txId], sha256)),
      historyRoot: toHex(merkleRoot([genesisId], sha256)),
    });
    const signature = outsider.sign(BLOCK_PREFIX, headerBytes);
    return {
      ...{ transaction, txPath: [], header: headerBytes, signature },
      ...{ headHeader: headerBytes, headSignature: signature, genesisPath: [] },
    };
  };

  test('with seals of their own makes a proof that says that no founder sealed it', () => {
    const proof = encodeProof({ ...parts(), ...forged(storedBlock(5).transactions[0]!) });
    expect(verifyProof(proof, crypto)).toMatchObject({
      status: 'unanchored',
      facts: { sealer: outsider.publicKey, founder: people[0]!.publicKey, sealerIsFounder: false },
    });
    const headBlockId = reader.blockId(1)!;
    expect(reasonOf(verifyProof(proof, crypto, { headBlockId }))).toBe('other_head');
  });

  test('cannot mix what is real', () => {
    expect(verdictOf({ groupId: outsider.publicKey })).toBe('wrong_group');
    expect(verdictOf({ genesisHeader: storedBlock(1).headerBytes })).toBe('genesis_invalid');
    expect(verdictOf({ header: storedBlock(6).headerBytes })).toBe('order_invalid');
    const genesisPath = inclusionProof(blockIds(5), 0, sha256);
    const unsigned = Uint8Array.from(storedBlock(5).transactions[0]!).fill(1, -64);
    expect(verdictOf({ genesisPath, transaction: unsigned })).toBe('author_signature_invalid');
    const nothing = new Uint8Array(64).fill(1);
    expect(verdictOf({ genesisPath, signature: nothing })).toBe('sealer_signature_invalid');
    expect(verdictOf({ genesisPath, headSignature: nothing })).toBe('head_signature_invalid');
    expect(verdictOf({ genesisPath })).toBe('valid');
    expect(verdictOf({ transaction: storedBlock(6).transactions[0]! })).toBe('transaction_not_in_block');
    const { headerBytes, signature } = storedBlock(8);
    const later = { headHeader: headerBytes, headSignature: signature };
    expect(verdictOf(later)).toBe('block_not_in_history');
    expect(verdictOf({})).toBe('genesis_not_in_history');
  });
});

describe('a consistency proof', () => {
  test('between every two heads is valid', () => {
    for (let old = 0; old <= last; old++) {
      for (let headHeight = old; headHeight <= last; headHeight++) {
        const proof = proveConsistency(reader, old, { headHeight });
        expect(verifyConsistencyProof(proof, crypto, { oldBlockId: reader.blockId(old)! })).toMatchObject({
          status: 'valid',
          facts: {
            groupId: world.groupId,
            old: { height: old, blockId: reader.blockId(old) },
            head: { height: headHeight, blockId: reader.blockId(headHeight) },
          },
        });
      }
    }
  });

  test('is invalid with any bit turned', () => {
    for (const old of [0, 5, last]) {
      const proof = proveConsistency(reader, old);
      for (let bit = 0; bit < proof.length * 8; bit++)
        if (verifyConsistencyProof(flipped(proof, bit), quick).status !== 'invalid')
          throw new Error(`bit ${bit} can be turned`);
    }
  });

  test('of another history fails', () => {
    const [old, head] = [decodeBlock(reader.block(5)!), decodeBlock(reader.block(last)!)];
    const real = proveConsistency(reader, 5);
    expect(verifyConsistencyProof(real, crypto).status).toBe('unanchored');
    // A sealer who signed another block at height 5 and never built on it.
    const other = encodeHeader({ ...old.header, tsMs: old.header.tsMs + 1 });
    const forked = encodeConsistencyProof({
      groupId: world.groupId,
      oldHeader: other,
      oldSignature: people[0]!.sign(BLOCK_PREFIX, other),
      headHeader: head.headerBytes,
      headSignature: head.signature,
      historyPath: [],
      oldPath: [],
    });
    expect(reasonOf(verifyConsistencyProof(forked, crypto))).toBe('block_not_in_history');
    const expected = { oldBlockId: outsider.publicKey };
    expect(reasonOf(verifyConsistencyProof(real, crypto, expected))).toBe('other_head');
  });

  test('cannot be asked for in the wrong order', () => {
    expect(() => proveConsistency(reader, last + 1)).toThrow(RangeError);
    expect(() => proveConsistency(reader, 5, { headHeight: 4 })).toThrow(RangeError);
    expect(() => proveConsistency(reader, -1)).toThrow(RangeError);
  });
});
