/** The audit: a sound history passes, and each kind of damage is found at its place, for its reason. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Audit, audit } from '../../../actors/history/audit.ts';
import { describeFinding, type Finding } from '../../../actors/history/findings.ts';
import { sourceOf } from '../../../actors/history/source.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { decodeBlock } from '../../../events/block.ts';
import { toHex } from '../../../events/bytes.ts';
import { decodeTransaction } from '../../../events/transaction.ts';
import { replacedBy } from '../../../machines/spent.ts';
import { decodeHead, encodeHead } from '../../../storage/head.ts';
import { groupIdKey, groupKey, heightKey, idKey, nodeKey, stateKey } from '../../../storage/keys.ts';
import type { Store } from '../../../storage/store.ts';
import type { SealedTables as Tables } from '../../support/sealed-tables.ts';
import {
  flipped,
  GROUP_NUMBER,
  makeWorld,
  outsider,
  people,
  resealed,
  temporaryFolder,
  verifier,
  type World,
  withDamage,
} from './histories.ts';

const folder = temporaryFolder();
const dir = join(folder, 'store');
let world: World;
/** Blocks by height, and those of another group. */
const blocks: Uint8Array[] = [];
const foreign: Uint8Array[] = [];
/** The first transaction that claims something, with its artifact. */
let claim: { height: number; transaction: number; txId: string; artifact: string };
let height: number;

beforeAll(async () => {
  const other = await makeWorld(join(folder, 'other'), 8, 8);
  for (const { bytes } of other.store.group(other.groupId).blocks(0)) foreign.push(bytes);
  await other.store.close();
  world = await makeWorld(dir, 7, 12);
  for (const { bytes } of world.store.group(world.groupId).blocks(0)) blocks.push(bytes);
  height = blocks.length - 1;
  claim = firstClaim();
});

function firstClaim(): typeof claim {
  for (const [at, bytes] of blocks.entries()) {
    for (const [transaction, encoded] of decodeBlock(bytes).transactions.entries()) {
      const { operations, payload } = decodeTransaction(encoded);
      const operation = operations.find(({ type }) => type === 'claim');
      const txId = toHex(sha256(payload));
      if (operation?.type === 'claim') return { height: at, transaction, txId, artifact: operation.artifact };
    }
  }
  throw new Error('this seed has no claim');
}

const auditStore = (store: Store): Promise<Audit> =>
  store.readSnapshot((snapshot) => audit(sourceOf(snapshot.group(world.groupId)), { verifier }));

async function findingAfter(change: (tables: Tables) => void): Promise<Finding> {
  const result = await withDamage(dir, change, auditStore);
  if (result.status === 'sound') throw new Error('the damage was not found');
  expect(describeFinding(result.finding)).toMatch(/^block -?\d+.*: .+[.)]$/);
  return result.finding;
}

test('a sound store passes, everything is counted, and one that grows meanwhile is not judged', async () => {
  const head = world.store.group(world.groupId).head()!;
  const result = await auditStore(world.store);
  expect(result.status).toBe('sound');
  expect(result.report).toMatchObject({
    groupId: world.groupId,
    blocks: head.height + 1,
    transactions: head.transactions,
    operations: head.operations,
    signatures: head.height + 1 + head.transactions,
    artifacts: world.store.group(world.groupId).artifactCount(),
  });
  expect(result.report.held).toBe(result.report.supply);
  expect(result.report.supply).toBeGreaterThan(0n);
  const reader = world.store.group(world.groupId);
  const before = { ...sourceOf(reader), height: height - 1, blocks: () => blocks.slice(0, height) };
  await expect(audit(before, { verifier })).rejects.toMatchObject({ code: 'history_moved' });
  // The tests of damage copy the files of a closed store.
  await world.store.close();
});

describe('in the chain', () => {
  const at = 6;
  const putBlock = (tables: Tables, key: number, bytes: Uint8Array): void => {
    tables.blocks.putSync(heightKey(GROUP_NUMBER, key).slice(), bytes);
  };
  const refused = (code: string, more: object = {}) => ({ check: 'refused', refusal: { code }, ...more });

  test('a bit in a header is found', async () => {
    const { headerBytes } = decodeBlock(blocks[at]!);
    const bit = (3 + headerBytes.length - 1) * 8; // the last byte of effectsHash
    const finding = await findingAfter((tables) => putBlock(tables, at, flipped(blocks[at]!, bit)));
    expect(finding).toMatchObject(refused('block_signature_invalid', { height: at }));
  });

  test("a bit in a sealer's signature is found", async () => {
    const { headerBytes } = decodeBlock(blocks[at]!);
    const bit = (3 + headerBytes.length + 2 + 40) * 8;
    const finding = await findingAfter((tables) => putBlock(tables, at, flipped(blocks[at]!, bit)));
    expect(finding).toMatchObject(refused('block_signature_invalid', { height: at }));
  });

  test("a bit in an author's signature is found, with its transaction", async () => {
    const { transactions } = decodeBlock(blocks[at]!);
    const index = transactions.length - 1;
    const { byteOffset, length } = transactions[index]!;
    const bit = (byteOffset - blocks[at]!.byteOffset + length - 30) * 8;
    const finding = await findingAfter((tables) => putBlock(tables, at, flipped(blocks[at]!, bit)));
    expect(finding).toMatchObject({
      height: at,
      transaction: index,
      txId: toHex(sha256(decodeTransaction(transactions[index]!).payload)),
      check: 'refused',
      refusal: { code: 'block_transaction_refused', refusal: { code: 'signature_invalid' } },
    });
  });

  test('a bit in what a transaction says is found', async () => {
    const { byteOffset } = decodeBlock(blocks[at]!).transactions[0]!;
    const bit = (byteOffset - blocks[at]!.byteOffset + 90) * 8; // in the nonce
    const finding = await findingAfter((tables) => putBlock(tables, at, flipped(blocks[at]!, bit)));
    expect(finding).toMatchObject(refused('block_transaction_root_mismatch', { height: at }));
  });

  test('a dropped, a repeated and an exchanged block are found', async () => {
    const gap = refused('block_height_gap', { height: at });
    expect(
      await findingAfter((tables) => tables.blocks.removeSync(heightKey(GROUP_NUMBER, at).slice())),
    ).toMatchObject(gap);
    expect(await findingAfter((tables) => putBlock(tables, at, blocks[at - 1]!))).toMatchObject(gap);
    expect(
      await findingAfter((tables) => {
        putBlock(tables, at, blocks[at + 1]!);
        putBlock(tables, at + 1, blocks[at]!);
      }),
    ).toMatchObject(gap);
  });

  test('a missing last block is found', async () => {
    const finding = await findingAfter((tables) =>
      tables.blocks.removeSync(heightKey(GROUP_NUMBER, height).slice()),
    );
    expect(finding).toEqual({ height, check: 'block_missing' });
  });

  test('a block of another group is found', async () => {
    const wrong = refused('block_wrong_group', { height: at });
    expect(await findingAfter((tables) => putBlock(tables, at, foreign[at]!))).toMatchObject(wrong);
    expect(await findingAfter((tables) => putBlock(tables, 0, foreign[0]!))).toMatchObject(
      refused('block_wrong_group', { height: 0 }),
    );
  });

  test('a block by somebody who may not seal is found', async () => {
    const sealed = resealed(blocks[at]!, outsider, {});
    const finding = await findingAfter((tables) => putBlock(tables, at, sealed));
    expect(finding).toMatchObject(refused('block_wrong_sealer', { height: at }));
  });

  test('a sealer who lies about the effects is found', async () => {
    const sealed = resealed(blocks[at]!, people[0]!, { effectsHash: '11'.repeat(32) });
    const finding = await findingAfter((tables) => putBlock(tables, at, sealed));
    expect(finding).toMatchObject(refused('block_effects_mismatch', { height: at }));
  });

  test('the first of two broken blocks is named', async () => {
    const finding = await findingAfter((tables) => {
      putBlock(tables, at + 2, new Uint8Array(10));
      putBlock(tables, at, resealed(blocks[at]!, outsider, {}));
    });
    expect(finding).toMatchObject({ height: at });
  });
});

describe('in the artifacts', () => {
  const { height: _, ...none } = { height: 0 };
  const place = () => ({ ...none, height: claim.height, transaction: claim.transaction, txId: claim.txId });

  test('changed bytes are found', async () => {
    const finding = await findingAfter((tables) => {
      const key = idKey(claim.artifact).slice();
      tables.artifacts.putSync(key, flipped(Uint8Array.from(tables.artifacts.get(key)!), 8 * 3));
    });
    expect(finding).toMatchObject({ ...place(), check: 'artifact_mismatch', artifact: claim.artifact });
  });

  test('bytes that are gone are found, whether the index knows them or not', async () => {
    const gone = await findingAfter((tables) => tables.artifacts.removeSync(idKey(claim.artifact).slice()));
    expect(gone).toEqual({
      ...place(),
      check: 'artifact_mismatch',
      artifact: claim.artifact,
      actual: undefined,
    });
    const unknown = await findingAfter((tables) =>
      tables['artifact-members'].removeSync(groupIdKey(GROUP_NUMBER, claim.artifact).slice()),
    );
    expect(unknown).toEqual({ ...place(), check: 'artifact_missing', artifact: claim.artifact });
  });
});

describe('in what a store keeps beside the log', () => {
  const balance = `balance/${people[1]!.publicKey}`;
  const index = (name: string) => ({ check: 'index_mismatch', index: name });

  test('a changed, a missing and an added value of the state are found', async () => {
    const key = () => stateKey(GROUP_NUMBER, balance).slice();
    expect(await findingAfter((tables) => tables.state.putSync(key(), Uint8Array.of(0x91, 9)))).toMatchObject(
      {
        height,
        check: 'state_mismatch',
        key: balance,
        actual: Uint8Array.of(0x91, 9),
      },
    );
    expect(await findingAfter((tables) => tables.state.removeSync(key()))).toMatchObject({
      check: 'state_mismatch',
      key: balance,
      actual: undefined,
    });
    const added = 'balance/ffff';
    expect(
      await findingAfter((tables) =>
        tables.state.putSync(stateKey(GROUP_NUMBER, added).slice(), Uint8Array.of(1)),
      ),
    ).toMatchObject({ check: 'state_mismatch', key: added, expected: undefined });
  });

  test('the first of several values is named', async () => {
    const finding = await findingAfter((tables) => {
      tables.state.removeSync(stateKey(GROUP_NUMBER, 'admins').slice());
      tables.state.putSync(stateKey(GROUP_NUMBER, balance).slice(), Uint8Array.of(0));
    });
    expect(finding).toMatchObject({ key: 'admins', actual: undefined });
  });

  test('missing and wrong entries of the transaction index are found', async () => {
    const { txId, ...place } = claim;
    const key = () => groupIdKey(GROUP_NUMBER, txId).slice();
    const expected = { height: place.height, transaction: place.transaction, txId, ...index('transactions') };
    expect(await findingAfter((tables) => tables.transactions.removeSync(key()))).toMatchObject(expected);
    expect(
      await findingAfter((tables) => tables.transactions.putSync(key(), new Uint8Array(8))),
    ).toMatchObject(expected);
    expect(
      await findingAfter((tables) => tables.transactions.putSync(key(), new Uint8Array(3))),
    ).toMatchObject(expected);
  });

  test('a replaced id that is missing is found', async () => {
    const { transactions } = decodeBlock(blocks[height]!);
    const replaced = replacedBy(decodeTransaction(transactions.at(-1)!), sha256)!;
    const finding = await findingAfter((tables) =>
      tables.replacements.removeSync(groupIdKey(GROUP_NUMBER, replaced).slice()),
    );
    expect(finding).toMatchObject({ height, ...index('replacements') });
  });

  test('block ids, heights, history nodes and effects are held against the log', async () => {
    const at = heightKey(GROUP_NUMBER, 4).slice();
    const id = sha256(decodeBlock(blocks[4]!).headerBytes);
    expect(await findingAfter((tables) => tables['block-ids'].putSync(at, new Uint8Array(32)))).toMatchObject(
      { height: 4, ...index('block_ids') },
    );
    expect(
      await findingAfter((tables) => tables.heights.removeSync(groupIdKey(GROUP_NUMBER, id).slice())),
    ).toMatchObject({ height: 4, ...index('heights') });
    expect(
      await findingAfter((tables) => tables['history-nodes'].removeSync(nodeKey(GROUP_NUMBER, 1, 2).slice())),
    ).toMatchObject({ height: 5, ...index('history_nodes') });
    for (const bytes of [Uint8Array.of(0x90), Uint8Array.of(0xc1)])
      expect(await findingAfter((tables) => tables.effects.putSync(at, bytes))).toMatchObject({
        height: 4,
        ...index('effects'),
      });
  });

  test('a changed head is found', async () => {
    const finding = await findingAfter((tables) => {
      const key = groupKey(GROUP_NUMBER).slice();
      const head = decodeHead(tables.heads.get(key)!);
      tables.heads.putSync(key, encodeHead({ ...head, operations: head.operations + 1 }));
    });
    expect(finding).toEqual({ height, check: 'head_mismatch', field: 'operations' });
  });

  test('damage of the chain comes before damage of what rests on it', async () => {
    const finding = await findingAfter((tables) => {
      tables.transactions.removeSync(groupIdKey(GROUP_NUMBER, claim.txId).slice());
      tables.blocks.removeSync(heightKey(GROUP_NUMBER, height - 1).slice());
    });
    expect(finding).toMatchObject({ height: height - 1, check: 'refused' });
  });
});

afterAll(() => world.store.close());
