/** Replay: whoever judges the blocks again, however they come and whoever checks them, ends where we did. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ChainCore } from '../../actors/chain/core.ts';
import { validate } from '../../actors/chain/validate.ts';
import { InlineVerifier } from '../../crypto/inline-verifier.ts';
import { PoolVerifier } from '../../crypto/pool-verifier.ts';
import { RecordingVerifier, type Verifier } from '../../crypto/verifier.ts';
import { toHex } from '../../events/bytes.ts';
import { memoryGroup } from '../../storage/memory.ts';
import { spoil } from '../support/blocks.ts';
import { type Played, plans, play } from '../support/intents.ts';
import { seeded } from '../support/seed.ts';
import { MemoryChain } from '../support/world.ts';

const inline = new InlineVerifier();
const recording = new RecordingVerifier(inline);
const pool = new PoolVerifier({ threads: 2, inlineBelowJobs: 4, chunkJobsMax: 16 });
const VERIFIERS: [string, Verifier][] = [
  ['inline', inline],
  ['recording', recording],
  ['pool', pool],
];
afterAll(() => Promise.all(VERIFIERS.map(([, verifier]) => verifier.close())));

/** Hands blocks over in pieces of these sizes, each in a later turn. */
async function* inPieces(
  blocks: readonly Uint8Array[],
  sizes: readonly number[],
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const [turn] of blocks.entries()) {
    if (at >= blocks.length) return;
    const size = sizes[turn % sizes.length]!;
    yield* blocks.slice(at, at + size);
    at += size;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function replay(
  blocks: readonly Uint8Array[],
  sizes: readonly number[],
  verifier: Verifier,
): Promise<MemoryChain> {
  const chain = new MemoryChain();
  const validation = { verifier, judge: chain.judge, stage: chain.stage.bind(chain) };
  const finals = validate(inPieces(blocks, sizes), validation);
  for (;;) {
    const { done, value } = await finals.next();
    if (!done) continue;
    expect(value).toBeUndefined();
    return chain;
  }
}

function expectSame(chain: MemoryChain, { world }: Played): void {
  expect(chain.judge.tip?.blockId).toBe(world.chain.judge.tip?.blockId);
  expect(chain.dump()).toEqual(world.chain.dump());
  expect(chain.finals.map(({ judged }) => toHex(judged.effectsHash))).toEqual(
    world.chain.finals.map(({ header }) => header.effectsHash),
  );
  expect(chain.finals.map(({ judged }) => judged.effects)).toEqual(
    world.chain.finals.map(({ judged }) => judged.effects),
  );
}

describe('replay equals live', () => {
  it.each(VERIFIERS)('with the %s verifier, in pieces of any size', async (name, verifier) => {
    await fc.assert(
      fc.asyncProperty(
        plans(240),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (plan, sizes) => {
          const played = play(plan);
          expectSame(await replay(played.world.chain.blocks, sizes, verifier), played);
        },
      ),
      seeded(`replay, ${name}`, 6),
    );
  });

  it('every signature was asked for', () => {
    const asked = recording.batches.flatMap(({ jobs }) => jobs).length;
    expect(asked).toBeGreaterThan(100);
  });

  it('over storage, where every record was encoded and decoded in between', async () => {
    await fc.assert(
      fc.asyncProperty(plans(240), fc.integer({ min: 1, max: 9 }), async (plan, batch) => {
        const played = play(plan);
        const { groupId, chain } = played.world;
        const store = memoryGroup(groupId);
        // A new core every few blocks: it begins with nothing but what storage holds.
        for (let at = 0; at < chain.blocks.length; at += batch) {
          const core = new ChainCore(store, groupId);
          const validation = { verifier: inline, judge: core.judge, stage: core.stage.bind(core) };
          for await (const finals of validate(chain.blocks.slice(at, at + batch), validation))
            await core.commit(finals);
        }
        expect(store.head()?.blockId).toBe(chain.judge.tip?.blockId);
        const kept = [...store.stateRange('')].map(([key, value]) => [key, toHex(value)] as const);
        expect(kept.sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(chain.dump());
      }),
      seeded('replay over storage', 6),
    );
  });

  it('a block with any one bit flipped is refused, and nothing of it is kept', async () => {
    await fc.assert(
      fc.asyncProperty(plans(12), fc.nat(), fc.nat(), fc.nat(7), async (plan, block, byte, bit) => {
        const { blocks } = play(plan).world.chain;
        const at = block % blocks.length;
        const spoilt = spoil(blocks[at]!, byte % blocks[at]!.length, 1 << bit);
        const chain = new MemoryChain();
        const validation = { verifier: inline, judge: chain.judge, stage: chain.stage.bind(chain) };
        const finals = validate([...blocks.slice(0, at), spoilt, ...blocks.slice(at + 1)], validation);
        for (;;) {
          const { done, value } = await finals.next();
          if (!done) continue;
          expect(value?.code, `block ${at}`).toMatch(/^block_/);
          break;
        }
        expect(chain.finals).toHaveLength(at);
      }),
      seeded('bit flips', 120),
    );
  });
});
