/**
 * One group never stops another: while the views work off what 256 retractions and reinstatements of one claim do to
 * ten thousand that rest on it, they go on answering for another group, once for each slice.
 */
import { expect, test } from 'vitest';
import { Ground } from '../../../bench/heaviest/ground.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { type Hex32, toHex, utf8 } from '../../../events/bytes.ts';
import type { Operation } from '../../../events/registry.ts';
import { newDirectory, opened, withClaims } from '../../support/opened-views.ts';

const DEPENDENTS = 10_000;
const TURNS = 256;

const idOf = (at: number): Hex32 => toHex(sha256(utf8(`claim ${at}`)));
const claim = (at: number, evidence: Hex32[]): Operation => ({
  type: 'claim',
  artifact: idOf(at),
  parent: undefined,
  evidence,
  tags: [],
});

/** A chain of one claim, those that rest on it, and its turns; retracted in the end. */
function chain(): { groupId: Hex32; blocks: readonly Uint8Array[] } {
  const ground = new Ground(0);
  const root = idOf(0);
  ground.all([claim(0, [])], ground.founder);
  ground.all(
    Array.from({ length: DEPENDENTS }, (_, at) => claim(at + 1, [root])),
    ground.founder,
    250,
  );
  const turns = Array.from(
    { length: TURNS + 1 },
    (_, at): Operation => ({
      type: at % 2 === 0 ? 'retract' : 'reinstate',
      claim: root,
      reason: undefined,
    }),
  );
  // A block for each, so that none is taken back by the next one of the same block.
  for (const turn of turns) ground.all([turn], ground.founder);
  return { groupId: ground.groupId, blocks: ground.blocks };
}

test('a group with a far way to go stops no answer of another', async () => {
  const { groupId, blocks } = chain();
  const { node } = await opened(newDirectory());
  const { group, claims } = await withClaims(node, ['what the other group knows']);
  const [known] = claims as [Hex32];
  const followed = await node.networkPort.adopt(blocks[0]!);
  expect(await followed.follow(blocks.slice(1))).toBeUndefined();
  await node.views.progress(group.groupId, { waitMs: 60_000 });

  // Whoever waits for the large group takes a step of it whenever it is their turn, and so does each who asks here.
  let isDone = false;
  let steps = 0;
  let last = -1;
  const far = node.views.progress(groupId, { waitMs: 600_000 }).finally(() => {
    isDone = true;
  });
  let answers = 0;
  let sinceStep = 0;
  let mostInBlock = 0;
  while (!isDone) {
    expect((await node.views.why(group.groupId, known)).why.status).toBe('in');
    answers++;
    sinceStep++;
    const [lag] = [...node.views.lag()].filter((one) => one.groupId === groupId);
    if (lag !== undefined && lag.blocks !== last) {
      steps++;
      mostInBlock = Math.max(mostInBlock, sinceStep);
      sinceStep = 0;
      last = lag.blocks;
    }
  }
  const { height, headHeight } = await far;
  expect(height).toBe(headHeight);
  process.stderr.write(
    `two groups: ${answers} answers while the other advanced ${steps} times, ${mostInBlock} within one block\n`,
  );
  // An answer came between any two steps of the other group, and several while it was at its blocks of thousands.
  expect(answers).toBeGreaterThanOrEqual(steps);
  expect(mostInBlock).toBeGreaterThan(3);
  expect((await node.views.why(groupId, idOf(DEPENDENTS))).why.status).toBe('out');
}, 240_000);
