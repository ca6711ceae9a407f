/**
 * Every refusal has a test that bears its code as title and expects the exact payload. The last test looks at
 * the titles that were really given out, so that a code without a test cannot hide.
 */
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../events/codec.ts';
import { refusalCodec } from '../../../events/refusal-codec.ts';
import { REFUSAL_CODES, REFUSALS, type RefusalCode } from '../../../events/refusals.ts';
import { SCENARIOS } from '../../support/refusals/all.ts';
import { refusalOf } from '../../support/refusals/run.ts';
import type { Scenario } from '../../support/refusals/scenario.ts';
import { World } from '../../support/world.ts';

const titles: string[] = [];

describe('every refusal, by its code', () => {
  for (const [code, scenario] of Object.entries(SCENARIOS) as [RefusalCode, Scenario][]) {
    titles.push(code);
    it(code, async () => {
      const world = new World();
      for (const step of scenario.given) step(world);
      const before = world.chain.dump();
      const refusal = await refusalOf(world, scenario);
      const { payload } = scenario;
      const expected = typeof payload === 'function' ? payload(world) : payload;
      if (expected === undefined) expect(refusal?.code).toBe(code);
      else expect(refusal).toEqual({ code, ...expected });
      expect(world.chain.dump()).toEqual(before);
      // And it crosses the network as it is.
      expect(decode(refusalCodec, encode(refusalCodec, refusal!))).toEqual(refusal);
    });
  }

  it('none is missing, and no title is more than a code', () => {
    expect([...titles].sort()).toEqual([...REFUSAL_CODES].sort());
    const invented = [...REFUSAL_CODES, 'a_code_without_a_test'];
    expect(invented.filter((code) => !titles.includes(code))).toEqual(['a_code_without_a_test']);
  });

  it('each has its one line', () => {
    for (const [meaning] of Object.values(REFUSALS)) expect(meaning).toMatch(/^[A-Z].*\.$/);
    expect(new Set(Object.values(REFUSALS).map(([meaning]) => meaning)).size).toBe(REFUSAL_CODES.length);
  });
});
