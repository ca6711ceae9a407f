/** Runs a scenario up to the thing that is refused. */
import type { Refusal } from '../../../events/refusals.ts';
import { follow, judgeBytes } from '../blocks.ts';
import type { World } from '../world.ts';
import type { Scenario } from './scenario.ts';

export async function refusalOf(world: World, { attempt }: Scenario): Promise<Refusal | undefined> {
  if (attempt.kind === 'operations') return world.act(attempt.author, ...attempt.operations).refusal;
  if (attempt.kind === 'transaction') return judgeBytes(world, attempt.bytes(world));
  if (attempt.kind === 'local') return attempt.judge(world);
  const answer = await follow(world.chain, attempt.bytes(world));
  return 'code' in answer ? answer : undefined;
}
