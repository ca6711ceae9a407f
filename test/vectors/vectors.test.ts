/**
 * The project's own vectors: what is recorded holds today, has not changed since it was recorded, and the
 * generator has nothing to add. Other implementations check themselves against the same files.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../crypto/hash.ts';
import { signerFromSeed } from '../../crypto/identity.ts';
import { Secret } from '../../crypto/secret.ts';
import { verifySignature } from '../../crypto/verify.ts';
import {
  BLOCK_PREFIX,
  type BlockHeader,
  decodeBlock,
  decodeHeader,
  encodeBlock,
  encodeHeader,
} from '../../events/block.ts';
import { concatBytes, fromHex, toHex, utf8 } from '../../events/bytes.ts';
import { decode } from '../../events/codec.ts';
import { merkleRoot } from '../../events/merkle.ts';
import { MalformedError } from '../../events/reader.ts';
import { REFUSAL_CODES } from '../../events/refusals.ts';
import { OPERATIONS, operationCodec } from '../../events/registry.ts';
import {
  decodeTransaction,
  encodePayload,
  encodeTransaction,
  TRANSACTION_PREFIX,
  type TransactionPayload,
} from '../../events/transaction.ts';
import { follow, judgeBytes, worldOf } from '../support/blocks.ts';
import { type Json, operationFromJson, toJson } from '../support/field-json.ts';
import { encodeOperation } from '../support/operations.ts';
import { makeVectors } from '../support/vectors/all.ts';
import type { Entry, VectorFile } from '../support/vectors/entries.ts';
import { WELL_FORMED } from '../support/vectors/malformed.ts';
import { WITHOUT_VECTOR } from '../support/vectors/refusals.ts';
import { MemoryChain } from '../support/world.ts';

const folder = new URL('./v1/', import.meta.url);
const read = (name: string): VectorFile =>
  JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as VectorFile;
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const text = (value: Json | undefined): string => value as string;
const bytes = (value: Json | undefined): Uint8Array => fromHex(text(value));
const list = (value: Json | undefined): string[] => value as string[];
const entriesOf = (name: string) => read(`${name}.json`).entries.map((entry) => [entry.name, entry] as const);

describe('the files', () => {
  const sumOf = (entry: Entry) => createHash('sha256').update(JSON.stringify(entry)).digest('hex');
  const recorded = readFileSync(new URL('SHA256SUMS', folder), 'utf8').split('\n').filter(Boolean);
  const present = files.flatMap((name) =>
    read(name).entries.map((entry) => `${sumOf(entry)}  ${name}  ${entry.name}`),
  );

  it('are append-only: every recorded entry is there, unchanged, and nothing is unrecorded', () => {
    expect(recorded.filter((line) => !present.includes(line))).toEqual([]);
    expect(present.filter((line) => !recorded.includes(line))).toEqual([]);
    expect(new Set(present).size).toBe(present.length);
  });

  it('a changed entry would be found', () => {
    const [entry] = read('operations.json').entries;
    expect(recorded).not.toContain(`${sumOf({ ...entry!, hex: '90' })}  operations.json  ${entry!.name}`);
  });

  it('are what the generator makes', () => {
    for (const [name, { entries }] of Object.entries(makeVectors()))
      expect(read(`${name}.json`).entries).toEqual(entries);
  });
});

describe('operations', () => {
  it('are all there', () => {
    const types = new Set(entriesOf('operations').map(([, { fields }]) => (fields as { type: string }).type));
    expect([...types].sort()).toEqual(Object.keys(OPERATIONS).sort());
  });

  it.each(entriesOf('operations'))('%s', (_, { fields, hex }) => {
    expect(toHex(encodeOperation(operationFromJson(fields!)))).toBe(hex);
    expect(toJson(decode(operationCodec, bytes(hex)))).toEqual(fields);
  });
});

describe('transactions', () => {
  it.each(entriesOf('transactions'))('%s', (_, entry) => {
    const fields = entry.fields as { [key: string]: Json };
    const signer = signerFromSeed(new Secret(bytes(entry.seed)));
    const payload = encodePayload({
      ...(fields as unknown as TransactionPayload),
      nonce: bytes(fields.nonce),
      replaces: (fields.replaces ?? undefined) as string | undefined,
      operations: (fields.operations as Json[]).map(operationFromJson),
    });
    expect(signer.publicKey).toBe(fields.author);
    expect(toHex(payload)).toBe(entry.payload);
    expect(toHex(signer.sign(TRANSACTION_PREFIX, payload))).toBe(entry.signature);
    expect(toHex(sha256(payload))).toBe(entry.txId);
    expect(toHex(encodeTransaction(payload, bytes(entry.signature)))).toBe(entry.bytes);
    const { groupId, author, nonce, tsMs, replaces, operations } = decodeTransaction(bytes(entry.bytes));
    expect(toJson({ groupId, author, nonce, tsMs, replaces, operations })).toEqual(fields);
  });
});

describe('blocks', () => {
  it.each(entriesOf('blocks'))('%s', (_, entry) => {
    const header = entry.fields as unknown as BlockHeader;
    const headerBytes = encodeHeader(header);
    expect(toHex(headerBytes)).toBe(entry.header);
    expect(decodeHeader(headerBytes)).toEqual(header);
    expect(toHex(sha256(headerBytes))).toBe(entry.blockId);
    expect(toHex(merkleRoot(list(entry.txIds).map(fromHex), sha256))).toBe(header.txRoot);
    expect(toHex(merkleRoot(list(entry.history).map(fromHex), sha256))).toBe(header.historyRoot);
    const message = concatBytes(BLOCK_PREFIX, headerBytes);
    expect(verifySignature(fromHex(header.sealer), message, bytes(entry.signature))).toBe(true);
    const block = decodeBlock(bytes(entry.bytes));
    expect(toHex(encodeBlock(headerBytes, bytes(entry.signature), block.transactions))).toBe(entry.bytes);
    expect(block.transactions.map((one) => toHex(sha256(decodeTransaction(one).payload)))).toEqual(
      entry.txIds,
    );
  });
});

describe('what nodes say to each other', () => {
  const entries = entriesOf('network');
  const signed = entries.filter(([, { signature }]) => signature !== undefined);

  it.each(signed)('%s: the signature is over the prefix and the message', (_, entry) => {
    const over = bytes(entry.signed);
    expect(toHex(over)).toMatch(new RegExp(`${text(entry.message)}$`));
    expect(verifySignature(bytes(entry.signer), over, bytes(entry.signature))).toBe(true);
  });

  it('checkpoint: the hashes are those of the state and the spent ids', () => {
    const { state, spent, fields } = Object.fromEntries(entries).checkpoint!;
    const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
    const entryBytes = (state as [string, string][]).flatMap(([key, value]) => [
      u32(utf8(key).length),
      utf8(key),
      u32(value.length / 2),
      fromHex(value),
    ]);
    const { stateHash, recentHash } = fields as { stateHash: string; recentHash: string };
    expect(toHex(sha256(concatBytes(...entryBytes)))).toBe(stateHash);
    const spentHex = (spent as { txId: string; height: number; index: number; replaced: boolean }[]).map(
      ({ txId, height, index, replaced }) =>
        txId +
        height.toString(16).padStart(12, '0') +
        index.toString(16).padStart(4, '0') +
        (replaced ? '01' : '00'),
    );
    expect(toHex(sha256(Buffer.from(spentHex.join(''), 'hex')))).toBe(recentHash);
  });

  it('topic: both come from block 0', () => {
    const { block, topic, key } = Object.fromEntries(entries).topic!;
    const founding = sha256(bytes(block));
    expect(toHex(sha256(concatBytes(utf8('lb/topic/1\0'), founding)))).toBe(topic);
    expect(toHex(sha256(concatBytes(utf8('lb/topic-key/1\0'), founding)))).toBe(key);
  });
});

describe('state', () => {
  const array = (size: number): number[] => (size < 16 ? [0x90 | size] : [0xdc, size >> 8, size & 255]);
  const string = (value: Uint8Array): number[] => {
    const size = value.length;
    if (size < 32) return [0xa0 | size, ...value];
    return size < 256 ? [0xd9, size, ...value] : [0xda, size >> 8, size & 255, ...value];
  };

  it.each(entriesOf('state'))('%s: the hash is that of the writes', (_, entry) => {
    const hashed = (entry.transactions as { writes: [string, string | null][] }[]).flatMap(({ writes }) => [
      ...array(writes.length),
      ...writes.flatMap(([key, value]) => [0x92, ...string(utf8(key)), ...fromHex(value ?? 'c0')]),
    ]);
    expect(toHex(sha256(Uint8Array.from(hashed)))).toBe(entry.effectsHash);
    expect(decodeBlock(bytes(entry.block)).header.effectsHash).toBe(entry.effectsHash);
  });

  it('the blocks are valid, and leave the writes behind', async () => {
    const chain = new MemoryChain();
    const state = new Map<string, string>();
    for (const [, entry] of entriesOf('state')) {
      expect(await follow(chain, bytes(entry.block))).not.toHaveProperty('code');
      for (const { writes } of entry.transactions as { writes: [string, string | null][] }[])
        for (const [key, value] of writes) {
          if (value === null) state.delete(key);
          else state.set(key, value);
        }
      expect(new Map(chain.dump())).toEqual(state);
    }
  });
});

describe('refusals', () => {
  it('every code has one, save those that cannot', () => {
    const codes = entriesOf('refusals').map(([name]) => name);
    expect([...codes, ...WITHOUT_VECTOR].sort()).toEqual([...REFUSAL_CODES].sort());
  });

  it.each(entriesOf('refusals'))('%s', async (_, entry) => {
    const world = await worldOf(list(entry.setup).map(fromHex));
    world.nowMs = entry.blockTimeMs as number;
    const before = world.chain.dump();
    const refusal =
      entry.block === undefined
        ? await judgeBytes(world, bytes(entry.transaction))
        : await follow(world.chain, bytes(entry.block));
    expect(refusal).toMatchObject({ code: entry.code });
    expect(world.chain.dump()).toEqual(before);
  });
});

describe('malformed', () => {
  it('what they all differ from is well-formed', () => {
    expect(decodeTransaction(WELL_FORMED).operations).toHaveLength(1);
  });

  it.each(entriesOf('malformed'))('%s', (_, entry) => {
    const decodeOne = entry.kind === 'block' ? decodeBlock : decodeTransaction;
    expect(() => decodeOne(bytes(entry.bytes))).toThrow(MalformedError);
  });
});
