/** Replay: the same state as the live chain's, at every height, and a broken block named by its place. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Progress } from '../../../actors/history/progress.ts';
import { replay, stateAt } from '../../../actors/history/replay.ts';
import { type HistorySource, sourceOf } from '../../../actors/history/source.ts';
import { decodeBlock } from '../../../events/block.ts';
import { toHex } from '../../../events/bytes.ts';
import { sumMoney } from '../../../machines/ledger.ts';
import { Overlay } from '../../../machines/state.ts';
import type { GroupReader } from '../../../storage/port.ts';
import {
  dump,
  flipped,
  makeWorld,
  outsider,
  people,
  resealed,
  temporaryFolder,
  type World,
} from './histories.ts';
import { replayRates } from './replay-rate.ts';
import { sourceOfBlocks } from './source-of-blocks.ts';

const folder = temporaryFolder();
let world: World;
let reader: GroupReader;
let source: HistorySource;
let blocks: Uint8Array[];

beforeAll(async () => {
  world = await makeWorld(join(folder, 'store'), 7, 20);
  reader = world.store.group(world.groupId);
  source = sourceOf(reader);
  blocks = [...reader.blocks(0)].map(({ bytes }) => bytes);
});
afterAll(() => world.store.close());

async function replayed(history: HistorySource, toHeight?: number) {
  const result = await replay(history, toHeight === undefined ? {} : { toHeight });
  if (result.status !== 'ok') throw new Error(JSON.stringify(result));
  return result;
}

describe('a sound history', () => {
  test('gives the live state key by key, and the live head', async () => {
    const { state, tip, ...counts } = await replayed(source);
    expect(dump(state.entries())).toEqual(dump(reader.stateRange('')));
    expect(state.size).toBe([...reader.stateRange('')].length);
    const head = reader.head()!;
    expect(tip).toMatchObject({ height: head.height, blockId: head.blockId, tsMs: head.tsMs });
    expect(tip!.frontier.peaks()).toEqual(head.frontier);
    expect(counts).toMatchObject({
      blocks: head.height + 1,
      transactions: head.transactions,
      operations: head.operations,
    });
  });

  test('is the same over and over', async () => {
    const [first, second] = [await replayed(source), await replayed(source)];
    expect(dump(first.state.entries())).toEqual(dump(second.state.entries()));
  });

  test('stands at every height as it stood then', async () => {
    expect(world.states.size).toBeGreaterThan(10);
    expect((await replayed(source, -1)).state.size).toBe(0);
    for (let height = 0; height <= source.height; height++) {
      const result = await stateAt(source, height);
      if (result.status !== 'ok') throw new Error(result.refusal.code);
      expect(result.tip).toMatchObject({ height, blockId: reader.blockId(height) });
      const { held, supply } = sumMoney(new Overlay(result.state));
      expect(held).toBe(supply);
      const live = world.states.get(height);
      if (live !== undefined) expect(dump(result.state.entries())).toEqual(live);
    }
  });

  test('refuses heights that are not there', async () => {
    for (const toHeight of [source.height + 1, -2, 0.5, Number.NaN])
      await expect(replay(source, { toHeight })).rejects.toBeInstanceOf(RangeError);
  });

  test('of no blocks gives nothing', async () => {
    const result = await replayed(sourceOfBlocks(source.groupId, []));
    expect(result).toMatchObject({ tip: undefined, blocks: 0, operations: 0 });
  });

  test('reports where it is, and last that it is done', async () => {
    const reports: Progress[] = [];
    await replay(source, { onProgress: (progress) => reports.push(progress) });
    const { operations } = reader.head()!;
    expect(reports.at(-1)).toMatchObject({ height: source.height, of: source.height, operations });
  });
});

test('the measurement of its rate runs', async () => {
  const [rate] = await replayRates(8, 8, 1);
  expect(rate!.perSecond).toBeGreaterThan(0);
});

describe('a broken history', () => {
  const at = async (change: (copy: Uint8Array[]) => void, groupId = world.groupId) => {
    const copy = [...blocks];
    change(copy);
    const result = await replay(sourceOfBlocks(groupId, copy));
    return result.status === 'broken' ? { at: result.at, code: result.refusal.code } : result.status;
  };

  test('is named by height and refusal', async () => {
    expect(await at((copy) => copy.splice(5, 1))).toEqual({ at: { height: 5 }, code: 'block_height_gap' });
    expect(await at((copy) => copy.splice(5, 0, copy[4]!))).toEqual({
      at: { height: 5 },
      code: 'block_height_gap',
    });
    expect(await at((copy) => ([copy[5], copy[6]] = [copy[6]!, copy[5]!]))).toEqual({
      at: { height: 5 },
      code: 'block_height_gap',
    });
    expect(await at(() => {}, outsider.publicKey)).toEqual({ at: { height: 0 }, code: 'block_wrong_group' });
    expect(await at((copy) => (copy[6] = copy[6]!.slice(0, -1)))).toEqual({
      at: { height: 6 },
      code: 'block_malformed',
    });
    expect(await at((copy) => (copy[6] = resealed(copy[6]!, outsider, {})))).toEqual({
      at: { height: 6 },
      code: 'block_wrong_sealer',
    });
    const effectsHash = '00'.repeat(32);
    expect(await at((copy) => (copy[6] = resealed(copy[6]!, people[0]!, { effectsHash })))).toEqual({
      at: { height: 6 },
      code: 'block_effects_mismatch',
    });
  });

  test('names the transaction that the rules refuse', async () => {
    // The last block again as the next one: a lying sealer who repeats its transactions.
    const last = blocks.at(-1)!;
    const sound = await replayed(source);
    const { header, transactions } = decodeBlock(last);
    const next = resealed(last, people[0]!, {
      height: header.height + 1,
      prev: reader.head()!.blockId,
      historyRoot: toHex(sound.tip!.frontier.root()),
    });
    const result = await replay(sourceOfBlocks(source.groupId, [...blocks, next]));
    expect(transactions.length).toBeGreaterThan(0);
    expect(result).toMatchObject({
      status: 'broken',
      at: { height: header.height + 1, transaction: 0 },
      refusal: { code: 'block_transaction_refused', refusal: { code: 'transaction_duplicate' } },
    });
  });

  test('that ends early is broken at the first missing block', async () => {
    const short = { ...source, blocks: () => blocks.slice(0, 4) };
    expect(await replay(short)).toMatchObject({ status: 'broken', at: { height: 4 } });
  });

  test('is found whatever bit of a block is turned, save those of signatures', async () => {
    const height = 3;
    const bytes = blocks[height]!;
    const { headerBytes } = decodeBlock(bytes);
    for (let bit = 0; bit < bytes.length * 8; bit += 13) {
      const result = await at((copy) => (copy[height] = flipped(bytes, bit)));
      if (typeof result === 'string') expect(isSignatureBit(bytes, headerBytes.length, bit >> 3)).toBe(true);
      else expect(result.at.height).toBe(height);
    }
  });
});

/** Whether a byte of a block belongs to the seal or to the signature of one of its transactions. */
function isSignatureBit(bytes: Uint8Array, headerLength: number, at: number): boolean {
  const { transactions } = decodeBlock(bytes);
  const seal = 1 + 2 + headerLength + 2;
  if (at >= seal && at < seal + 64) return true;
  return transactions.some((transaction) => {
    const end = transaction.byteOffset - bytes.byteOffset + transaction.length;
    return at >= end - 64 && at < end;
  });
}
