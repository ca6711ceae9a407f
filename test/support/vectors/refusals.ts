/** Vectors of refusals: blocks that set the scene, then bytes, and the code that every node gives. */
import { toHex } from '../../../events/bytes.ts';
import { REFUSALS, type RefusalCode } from '../../../events/refusals.ts';
import { SCENARIOS } from '../refusals/all.ts';
import type { Attempt, Scenario } from '../refusals/scenario.ts';
import { World } from '../world.ts';
import type { Entry, VectorFile } from './entries.ts';

/** Left out for their size, or because no bytes alone bring them about. */
export const WITHOUT_VECTOR: readonly RefusalCode[] = [
  'block_from_future',
  'author_unknown',
  'artifact_missing',
  'transaction_too_large',
  'assignee_overloaded',
];

function bytesOf(world: World, attempt: Attempt): Record<string, string> {
  if (attempt.kind === 'block') return { block: toHex(attempt.bytes(world)) };
  if (attempt.kind === 'transaction') return { transaction: toHex(attempt.bytes(world)) };
  if (attempt.kind === 'local') throw new Error('no bytes bring this about');
  const operations = attempt.operations.map((one) => (typeof one === 'function' ? one(world) : one));
  return { transaction: toHex(world.transaction(attempt.author, operations).bytes) };
}

export function refusalVectors(): VectorFile {
  const wanted = (Object.entries(SCENARIOS) as [RefusalCode, Scenario][]).filter(
    ([code]) => !WITHOUT_VECTOR.includes(code),
  );
  const entries = wanted.map(([code, { given, attempt }]): Entry => {
    const world = new World();
    for (const step of given) step(world);
    const bytes = bytesOf(world, attempt);
    return {
      name: code,
      comment: REFUSALS[code][0],
      setup: world.chain.blocks.map(toHex),
      blockTimeMs: world.nowMs,
      ...bytes,
      code,
    };
  });
  return {
    comment:
      'Refusals: after the blocks of setup (all valid), the transaction, found in the next block with time blockTimeMs, or the block itself, is refused with this code.',
    entries,
  };
}
