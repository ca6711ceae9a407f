/** Vectors of records: operations, transactions, blocks, and the state writes of a history. */

import { MemoryState } from '../../../actors/chain/state-cache.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { decodeBlock } from '../../../events/block.ts';
import { type Hex32, toHex, utf8, ZERO_ID } from '../../../events/bytes.ts';
import { OPERATIONS, type OperationType } from '../../../events/registry.ts';
import type { TransactionPayload, VerifiedTransaction } from '../../../events/transaction.ts';
import { BlockJudge } from '../../../machines/group.ts';
import { SpentSet } from '../../../machines/spent.ts';
import { extremesOf, type Json, toJson } from '../field-json.ts';
import { scriptedHistory } from '../history.ts';
import { encodeOperation, genesis, mint, profileSet, taskCreate } from '../operations.ts';
import { alice, founder, hashOf, type Person } from '../people.ts';
import { crypto, START_MS, World } from '../world.ts';
import type { Entry, VectorFile } from './entries.ts';

const seedOf = ({ name }: Person): string => toHex(sha256(utf8(`battery-node/test/${name}`)));

export function operationVectors(): VectorFile {
  const entries = (Object.keys(OPERATIONS) as OperationType[]).flatMap((type): Entry[] => {
    const { shortest, longest } = extremesOf(type);
    return [
      {
        name: `${type}, shortest`,
        comment: OPERATIONS[type].meaning,
        fields: toJson(shortest),
        hex: toHex(encodeOperation(shortest)),
      },
      {
        name: `${type}, longest`,
        comment: 'Every field at its bound.',
        fields: toJson(longest),
        hex: toHex(encodeOperation(longest)),
      },
    ];
  });
  return {
    comment:
      'Every operation: its fields, and its bytes [code, ...fields] in MessagePack. Amounts are decimal texts, bytes are hex, a field that is absent is null.',
    entries,
  };
}

function transactionEntry(
  name: string,
  comment: string,
  author: Person,
  transaction: VerifiedTransaction,
): Entry {
  const { groupId, nonce, tsMs, replaces, operations, payload, signature, bytes, txId } = transaction;
  return {
    name,
    comment,
    seed: seedOf(author),
    fields: toJson({ groupId, author: author.publicKey, nonce, tsMs, replaces, operations }),
    payload: toHex(payload),
    signature: toHex(signature),
    txId,
    bytes: toHex(bytes),
  };
}

export function transactionVectors(): VectorFile {
  const world = new World();
  const make = (
    name: string,
    comment: string,
    author: Person,
    operations: TransactionPayload['operations'],
    overrides: Partial<TransactionPayload> = {},
  ): Entry => transactionEntry(name, comment, author, world.transaction(author, operations, overrides));
  const groupId = hashOf('a group');
  return {
    comment:
      'Transactions: the author\'s Ed25519 seed and the fields give the payload; txId = SHA-256(payload); signature = Ed25519("lb/tx/1" || 00 || payload); bytes = [payload, signature].',
    entries: [
      make('genesis', 'In block 0 the group is 32 zero bytes.', founder, [genesis()]),
      make('one operation', 'Nothing special.', alice, [profileSet('Alice')], { groupId }),
      make('replaces', 'Stands in for an earlier transaction.', alice, [profileSet('Alice')], {
        groupId,
        replaces: hashOf('an earlier transaction'),
      }),
      make(
        'unicode',
        'Text is UTF-8 of any length, astral characters included.',
        alice,
        [taskCreate('ä€😀', { title: '字'.repeat(20), tags: ['é', '\u{e000}', '\u{10ffff}'] })],
        { groupId },
      ),
      make(
        'amounts',
        'Integers take their shortest form at every boundary.',
        founder,
        [
          0n,
          127n,
          128n,
          255n,
          256n,
          65_535n,
          65_536n,
          2n ** 32n - 1n,
          2n ** 32n,
          2n ** 53n - 1n,
          2n ** 53n,
          2n ** 63n - 1n,
        ].map((amount) => mint(alice, amount)),
        { groupId },
      ),
      make('times', 'Time zero and an empty nonce of zeros.', alice, [profileSet('x')], {
        groupId,
        tsMs: 0,
        nonce: new Uint8Array(16),
      }),
      make('latest time', 'The last millisecond that may be named.', alice, [profileSet('x')], {
        groupId,
        tsMs: 8_640_000_000_000_000,
      }),
      make(
        '256 operations',
        'As many as one transaction may hold.',
        founder,
        Array.from({ length: 256 }, (_, at) => profileSet(`name ${at}`)),
        { groupId },
      ),
    ],
  };
}

export function blockVectors(): VectorFile {
  const { chain } = scriptedHistory();
  const ids: Hex32[] = chain.finals.map(({ blockId }) => blockId);
  const entries = chain.finals.map(({ header, bytes, blockId, judged }, height): Entry => {
    const { headerBytes, signature } = decodeBlock(bytes);
    return {
      name: `height ${height}`,
      comment:
        height === 0
          ? 'The founding: groupId and prev are zeros, and its id is the group.'
          : 'A block of the scripted history.',
      fields: toJson(header),
      header: toHex(headerBytes),
      blockId,
      signature: toHex(signature),
      txIds: judged.accepted.map(({ txId }) => txId),
      history: ids.slice(0, height),
      bytes: toHex(bytes),
    };
  });
  return {
    comment:
      'Blocks, each the successor of the one before: blockId = SHA-256(header); signature = Ed25519("lb/block/1" || 00 || header) by the sealer; txRoot = RFC 6962 tree hash over txIds; historyRoot = RFC 6962 tree hash over the blockIds in history; bytes = [header, signature, [transaction, ...]].',
    entries,
  };
}

export function stateVectors(): VectorFile {
  const { chain } = scriptedHistory();
  const state = new MemoryState();
  const spent = new SpentSet(sha256);
  const judge = new BlockJudge({ base: state, crypto, spent });
  const entries = chain.finals.map(({ header, bytes, judged }, at): Entry => {
    const previousMs = chain.finals[at - 1]?.header.tsMs ?? 0;
    const transactions = judged.accepted.map((transaction): Json => {
      const groupId = header.height === 0 ? ZERO_ID : chain.judge.groupId;
      judge.open(groupId, header.height, header.tsMs, previousMs);
      const refusal = judge.judgeTransaction(transaction);
      if (refusal !== undefined) throw new Error(`the history does not replay: ${refusal.code}`);
      const { writes } = judge.close();
      state.apply(writes);
      spent.add(transaction);
      const sorted = [...writes]
        .map(([key, { bytes: value }]) => ({ key, value: value === undefined ? null : toHex(value) }))
        .sort((a, b) => Buffer.compare(utf8(a.key), utf8(b.key)));
      return { txId: transaction.txId, writes: sorted.map(({ key, value }) => [key, value]) };
    });
    return {
      name: `height ${header.height}`,
      comment: `Block time ${header.tsMs}, ${header.tsMs - START_MS} ms after the founding.`,
      block: toHex(bytes),
      transactions,
      effectsHash: header.effectsHash,
    };
  });
  return {
    comment:
      'A history through all domains. Each block with the state writes of each of its transactions, sorted by the bytes of the key: [key, value in MessagePack as hex, or null when deleted]. effectsHash = SHA-256 over, transaction by transaction, the MessagePack array [[key, value | nil], ...], where the value stands as the record that it is, not as bytes.',
    entries,
  };
}
