/** Row: the heaviest blocks that the limits allow, judged from their bytes; one of each kind of operation. */

import { nativeCrypto } from '../actors/chain/core.ts';
import { ChainJudge } from '../actors/chain/judge.ts';
import { MemoryState } from '../actors/chain/state-cache.ts';
import { readBlock, verifyBlocks } from '../actors/chain/verify.ts';
import { InlineVerifier } from '../crypto/inline-verifier.ts';
import { ZERO_ID } from '../events/bytes.ts';
import { BLOCK_WEIGHT_MAX } from '../events/limits.ts';
import { CASES, type HeavyKind, heaviest } from './heaviest/cases.ts';
import type { Row } from './row.ts';

/** Milliseconds to judge the last of these blocks, its signatures and its bytes included. */
async function msToJudge(blocks: readonly Uint8Array[]): Promise<number> {
  const verifier = new InlineVerifier();
  const state = new MemoryState();
  const judge = new ChainJudge({
    groupId: ZERO_ID,
    tip: undefined,
    base: state,
    crypto: nativeCrypto,
    spent: () => undefined,
  });
  let ms = 0;
  for (const bytes of blocks) {
    const startMs = performance.now();
    const read = readBlock(bytes);
    if ('code' in read) throw new Error(read.code);
    const [verified] = await verifyBlocks(verifier, [read]);
    const final = judge.judgeBlock(verified!);
    if ('code' in final) throw new Error(final.code);
    ms = performance.now() - startMs;
    state.apply(final.judged.writes);
  }
  return ms;
}

export async function measureHeaviest(scale: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of Object.keys(CASES) as HeavyKind[]) {
    const { blocks, final } = heaviest(kind, scale);
    const { weight, operationCount } = final.judged;
    rows.push({
      what: `heaviest block, ${operationCount.toLocaleString('en-US')} of ${kind}`,
      value: await msToJudge(blocks),
      unit: 'ms',
      against: { what: 'the weight of a block', share: weight / BLOCK_WEIGHT_MAX },
      bar: '≤ 1,000',
    });
  }
  return rows;
}
