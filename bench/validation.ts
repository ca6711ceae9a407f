/** Rows 1 to 3: blocks validated with every signature, and a verified log replayed without. */

import { nativeCrypto } from '../actors/chain/core.ts';
import { ChainJudge } from '../actors/chain/judge.ts';
import { MemoryState } from '../actors/chain/state-cache.ts';
import { validate } from '../actors/chain/validate.ts';
import { readBlock } from '../actors/chain/verify.ts';
import { sha256 } from '../crypto/hash.ts';
import { PoolVerifier } from '../crypto/pool-verifier.ts';
import type { Verifier } from '../crypto/verifier.ts';
import { toHex } from '../events/bytes.ts';
import { markVerified } from '../events/transaction.ts';
import { SpentSet } from '../machines/spent.ts';
import { median } from './quantile.ts';
import type { Row } from './row.ts';
import { buildWorkload, type Workload } from './workload.ts';

export const ONE = { operationsPerTransaction: 1, transactionsPerBlock: 1_024 };
const MANY = { operationsPerTransaction: 64, transactionsPerBlock: 64 };

function freshJudge(): { judge: ChainJudge; state: MemoryState } {
  const state = new MemoryState();
  const options = { groupId: undefined, tip: undefined, base: state, crypto: nativeCrypto };
  return { state, judge: new ChainJudge({ ...options, spent: new SpentSet(sha256) }) };
}

/** Gives a pool something to check, so that its threads are there. */
export async function startThreads(verifier: Verifier): Promise<void> {
  await verifier.verify(
    new Uint8Array(0),
    Array.from({ length: 64 }, () => ({
      payload: new Uint8Array(1),
      signature: new Uint8Array(64),
      publicKey: new Uint8Array(32),
    })),
  );
}

/** Seconds to validate a whole chain, every signature checked in the pool. */
export async function secondsToValidate(
  workload: Pick<Workload, 'blocks'>,
  threads: number,
): Promise<number> {
  const verifier = new PoolVerifier({ threads });
  await startThreads(verifier);
  const { judge, state } = freshJudge();
  const start = performance.now();
  const blocks = validate(workload.blocks, {
    verifier,
    judge,
    stage: (final) => state.apply(final.judged.writes),
  });
  let result = await blocks.next();
  while (!result.done) result = await blocks.next();
  const seconds = (performance.now() - start) / 1000;
  await verifier.close();
  if (result.value !== undefined) throw new Error(`the workload is not valid: ${result.value.code}`);
  return seconds;
}

/** Odd, so that there is a median; interleaved, so that all three see the same weather. */
const ROUNDS = 3;

export async function measureValidation(
  scale: number,
  threads: number,
  rawVerify: () => Promise<number>,
): Promise<Row[]> {
  const one = buildWorkload({ ...ONE, transactions: Math.ceil(60_000 * scale) });
  const many = buildWorkload({ ...MANY, transactions: Math.ceil(10_000 * scale) });
  const raw: number[] = [];
  const ones: number[] = [];
  const ratios: number[] = [];
  const manys: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // The bound is taken before and after, so that a machine that slows down meanwhile does not flatter us.
    const before = await rawVerify();
    const rate = one.transactions / (await secondsToValidate(one, threads));
    const bound = (before + (await rawVerify())) / 2;
    raw.push(bound);
    ones.push(rate);
    ratios.push(rate / bound);
    manys.push(many.operations / (await secondsToValidate(many, threads)));
  }
  return [
    { what: `libsodium verify, ${threads} threads`, value: median(raw), unit: '/s' },
    {
      what: 'validation, 1 operation per transaction',
      value: median(ones),
      unit: 'tx/s',
      against: { what: 'raw verify', share: median(ratios) },
      bar: '85 % of raw verify',
    },
    {
      what: 'validation, 64 operations per transaction',
      value: median(manys),
      unit: 'op/s',
      bar: '250,000',
    },
  ];
}

/** Seconds to judge a whole chain again without signatures: decode, hash, judge, compare every root. */
function secondsToReplay(workload: Workload): number {
  const { judge, state } = freshJudge();
  const start = performance.now();
  for (const bytes of workload.blocks) {
    const read = readBlock(bytes);
    if ('code' in read) throw new Error(read.code);
    const transactions = read.transactions.map((transaction) => {
      const txIdBytes = sha256(transaction.payload);
      return markVerified(transaction, toHex(txIdBytes), txIdBytes);
    });
    const final = judge.judgeBlock({
      block: read.block,
      blockIdBytes: sha256(read.block.headerBytes),
      transactions,
    });
    if ('code' in final) throw new Error(final.code);
    state.apply(final.judged.writes);
  }
  return (performance.now() - start) / 1000;
}

export async function measureReplay(scale: number): Promise<Row[]> {
  const one = buildWorkload({ ...ONE, transactions: Math.ceil(120_000 * scale) });
  const oneSeconds = secondsToReplay(one);
  const many = buildWorkload({ ...MANY, transactions: Math.ceil(16_000 * scale) });
  const manySeconds = secondsToReplay(many);
  return [
    { what: 'replay, 1 operation per transaction', value: one.operations / oneSeconds, unit: 'op/s' },
    {
      what: 'replay, 64 operations per transaction',
      value: many.operations / manySeconds,
      unit: 'op/s',
      bar: '250,000',
    },
  ];
}
