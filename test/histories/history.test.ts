/**
 * Recorded histories replay for ever, byte for byte; and for every way of tampering with one there is a twin that
 * must fail with the right reason at the right place. The version in a file's name is that of the protocol.
 */

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { audit } from '../../actors/history/audit.ts';
import { openExport } from '../../actors/history/export-file.ts';
import type { HistorySource } from '../../actors/history/source.ts';
import { sha256 } from '../../crypto/hash.ts';
import { InlineVerifier } from '../../crypto/inline-verifier.ts';
import { decodeBlock, encodeBlock } from '../../events/block.ts';
import { toHex } from '../../events/bytes.ts';
import { OPERATIONS } from '../../events/registry.ts';
import { decodeTransaction } from '../../events/transaction.ts';
import { forgeBlock, spoil, worldOf } from '../support/blocks.ts';
import { scriptedHistory } from '../support/history.ts';
import { memberAdd, mint, transfer } from '../support/operations.ts';
import { alice, bob, founder, stranger } from '../support/people.ts';
import { by, opened } from '../support/rules.ts';
import { World } from '../support/world.ts';
import { goldenOf, readGolden } from './golden.ts';

const FOLDER = new URL('./', import.meta.url).pathname;
const RECORDED = readdirSync(FOLDER).filter((name) => name.endsWith('.lbgroup'));
const GOLDEN = readGolden();

const verifier = new InlineVerifier();

test('every recorded history has its golden figures, and none is left without', () => {
  expect(RECORDED.length).toBeGreaterThan(0);
  expect(Object.keys(GOLDEN).sort()).toEqual([...RECORDED].sort());
});

test.each(RECORDED)('%s replays byte for byte and passes the audit', async (name) => {
  expect(await goldenOf(FOLDER + name)).toEqual(GOLDEN[name]);
  using source = openExport(FOLDER + name);
  expect((await audit(source, { verifier })).status).toBe('sound');
});

test('the recorded histories use every operation of the protocol', () => {
  const used = new Set<string>();
  for (const name of RECORDED) {
    using source = openExport(FOLDER + name);
    for (const bytes of source.blocks() as Iterable<Uint8Array>)
      for (const encoded of decodeBlock(bytes).transactions)
        for (const { type } of decodeTransaction(encoded).operations) used.add(type);
  }
  // There is one version of the rules, so no upgrade can be accepted yet.
  const expected = Object.keys(OPERATIONS).filter((type) => type !== 'rules_upgrade');
  expect([...used].sort()).toEqual(expected.sort());
});

// Tampering. The twins are made from the first recorded history, or by a sealer who lies.

const [recorded] = RECORDED;
const original = (() => {
  using source = openExport(FOLDER + recorded!);
  return {
    groupId: source.groupId,
    blocks: [...(source.blocks() as Iterable<Uint8Array>)],
    artifacts: new Map([...source.artifacts()].map(({ hash, bytes }) => [hash, bytes])),
  };
})();

type History = {
  groupId: string;
  blocks: readonly Uint8Array[];
  artifacts?: Map<string, Uint8Array | undefined>;
};

function sourceOver({ groupId, blocks, artifacts = original.artifacts }: History): HistorySource {
  return {
    groupId,
    height: blocks.length - 1,
    blocks: (from = 0, to = blocks.length) => blocks.slice(from, to),
    artifact: (hash) => artifacts.get(hash),
    artifacts: () => [...artifacts].map(([hash, bytes]) => ({ hash, bytes })),
  };
}

async function findingOf(history: History) {
  const result = await audit(sourceOver(history), { verifier });
  if (result.status === 'sound') return 'sound';
  const { finding } = result;
  if (finding.check !== 'refused') return { height: finding.height, check: finding.check };
  const { height, transaction, refusal } = finding;
  const inner = refusal.code === 'block_transaction_refused' ? refusal.refusal.code : undefined;
  return { height, transaction, code: refusal.code, inner };
}

/** The original with one block changed. */
function withBlock(height: number, change: (bytes: Uint8Array) => Uint8Array): History {
  return { ...original, blocks: original.blocks.map((bytes, at) => (at === height ? change(bytes) : bytes)) };
}

/** A block with parts exchanged and everything else verbatim. */
function rebuilt(
  bytes: Uint8Array,
  parts: { header?: Uint8Array; signature?: Uint8Array; transactions?: readonly Uint8Array[] },
): Uint8Array {
  const { headerBytes, signature, transactions } = decodeBlock(bytes);
  return encodeBlock(
    parts.header ?? headerBytes,
    parts.signature ?? signature,
    parts.transactions ?? transactions,
  );
}

const HEIGHT = 7;
/** Where the effectsHash lies: the last 32 bytes of a header. The historyRoot lies before it, then the txRoot. */
const IN_EFFECTS_HASH = -1;
const IN_TX_ROOT = -80;

test('canary: the untouched twin is sound', async () => {
  expect(await findingOf(original)).toBe('sound');
});

test.each([
  ['the effects hash', IN_EFFECTS_HASH],
  ['the transaction root', IN_TX_ROOT],
])('a bit flip in the header, in %s', async (_, at) => {
  const twin = withBlock(HEIGHT, (bytes) =>
    rebuilt(bytes, { header: spoil(decodeBlock(bytes).headerBytes, at) }),
  );
  expect(await findingOf(twin)).toEqual({ height: HEIGHT, code: 'block_signature_invalid' });
});

test("a bit flip in the sealer's signature", async () => {
  const twin = withBlock(HEIGHT, (bytes) =>
    rebuilt(bytes, { signature: spoil(decodeBlock(bytes).signature, 3) }),
  );
  expect(await findingOf(twin)).toEqual({ height: HEIGHT, code: 'block_signature_invalid' });
});

test("a bit flip in a transaction's signature", async () => {
  const twin = withBlock(HEIGHT, (bytes) =>
    rebuilt(bytes, { transactions: decodeBlock(bytes).transactions.map((one) => spoil(one, -1)) }),
  );
  expect(await findingOf(twin)).toEqual({
    height: HEIGHT,
    transaction: 0,
    code: 'block_transaction_refused',
    inner: 'signature_invalid',
  });
});

test("a bit flip in a transaction's nonce", async () => {
  // The nonce follows the ids of group and author; any value of it decodes.
  const twin = withBlock(HEIGHT, (bytes) =>
    rebuilt(bytes, {
      transactions: decodeBlock(bytes).transactions.map((one) => spoil(one, 3 + 2 + 34 + 34 + 5)),
    }),
  );
  expect(await findingOf(twin)).toEqual({ height: HEIGHT, code: 'block_transaction_root_mismatch' });
});

test('two blocks exchanged', async () => {
  const blocks = [...original.blocks];
  [blocks[HEIGHT], blocks[HEIGHT + 1]] = [blocks[HEIGHT + 1]!, blocks[HEIGHT]!];
  expect(await findingOf({ ...original, blocks })).toEqual({ height: HEIGHT, code: 'block_height_gap' });
});

test('a block dropped', async () => {
  const blocks = original.blocks.filter((_, at) => at !== HEIGHT);
  expect(await findingOf({ ...original, blocks })).toEqual({ height: HEIGHT, code: 'block_height_gap' });
});

test('a block duplicated', async () => {
  const blocks = original.blocks.flatMap((bytes, at) => (at === HEIGHT ? [bytes, bytes] : [bytes]));
  expect(await findingOf({ ...original, blocks })).toEqual({ height: HEIGHT + 1, code: 'block_height_gap' });
});

test('an artifact altered, and one taken away', async () => {
  const [hash] = original.artifacts.keys();
  const altered = new Map(original.artifacts).set(hash!, new Uint8Array([1]));
  expect(await findingOf({ ...original, artifacts: altered })).toMatchObject({ check: 'artifact_mismatch' });
  const missing = new Map(original.artifacts);
  missing.delete(hash!);
  expect(await findingOf({ ...original, artifacts: missing })).toMatchObject({ check: 'artifact_missing' });
});

test('a block of another group in its place', async () => {
  const other = blocksOf(scriptedHistory());
  const blocks = original.blocks.map((bytes, at) => (at === HEIGHT ? other[HEIGHT]! : bytes));
  expect(await findingOf({ ...original, blocks })).toEqual({ height: HEIGHT, code: 'block_wrong_group' });
});

test('another group as a whole', async () => {
  const other = blocksOf(scriptedHistory());
  expect(await findingOf({ ...original, blocks: other })).toEqual({ height: 0, code: 'block_wrong_group' });
});

// What only somebody with a sealing key can do.

function blocksOf(world: World): Uint8Array[] {
  return world.chain.blocks.map((bytes) => bytes.slice());
}

/** A group whose founder seals, with two members and some money. */
function smallWorld(): World {
  const world = new World();
  for (const step of [
    opened(),
    by(founder, memberAdd(alice), memberAdd(bob)),
    by(founder, mint(alice, 100n)),
    by(alice, transfer(bob, 10n)),
  ])
    step(world);
  return world;
}

async function findingOfForgery(forge: (world: World) => Uint8Array) {
  const world = smallWorld();
  const blocks = blocksOf(world);
  const follower = await worldOf(blocks);
  const history = { groupId: world.groupId, blocks: [...blocks, forge(follower)], artifacts: new Map() };
  return { finding: await findingOf(history), height: blocks.length };
}

test('a block sealed by somebody who may not', async () => {
  const { finding, height } = await findingOfForgery((world) => forgeBlock(world, { signer: stranger }));
  expect(finding).toEqual({ height, code: 'block_wrong_sealer' });
});

test('a transaction of another group, replayed', async () => {
  const foreign = decodeBlock(original.blocks[HEIGHT]!).transactions;
  const { finding, height } = await findingOfForgery((world) => forgeBlock(world, { transactions: foreign }));
  expect(finding).toMatchObject({ height, code: 'block_transaction_refused', inner: 'wrong_group' });
});

test('a transaction of the own group, replayed', async () => {
  const { finding, height } = await findingOfForgery((world) => {
    const earlier = decodeBlock(blocksOf(smallWorld())[2]!).transactions;
    return forgeBlock(world, { transactions: earlier });
  });
  expect(finding).toMatchObject({
    height,
    code: 'block_transaction_refused',
    inner: 'transaction_duplicate',
  });
});

test('money made by somebody who may not, and money that is not there', async () => {
  const minted = await findingOfForgery((world) =>
    forgeBlock(world, { transactions: [world.transaction(bob, [mint(bob, 5n)]).bytes] }),
  );
  expect(minted.finding).toMatchObject({ height: minted.height, transaction: 0, inner: 'role_insufficient' });
  const spent = await findingOfForgery((world) =>
    forgeBlock(world, { transactions: [world.transaction(alice, [transfer(bob, 2n ** 60n)]).bytes] }),
  );
  expect(spent.finding).toMatchObject({ height: spent.height, transaction: 0, inner: 'balance_too_low' });
});

test('a block that claims other effects than its transactions have', async () => {
  const { finding, height } = await findingOfForgery((world) =>
    forgeBlock(world, {
      transactions: [world.transaction(founder, [mint(founder, 5n)]).bytes],
      header: { effectsHash: toHex(sha256(new Uint8Array(1))) },
    }),
  );
  expect(finding).toEqual({ height, code: 'block_effects_mismatch' });
});
