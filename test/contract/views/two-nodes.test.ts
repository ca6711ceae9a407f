/** Two nodes that got one log over the network, in other pieces and at other times, give the same slices. */
import { afterEach, expect, it } from 'vitest';
import type { ContextQuestion } from '../../../views/questions.ts';
import { closePeers, joinGroup, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

const TEXTS = [
  'Always validate inputs before processing them.',
  'Проверяйте входные данные',
  '永远要验证输入数据 🚀',
  'Invoices are due within thirty days.',
  'always VALIDATE inputs, before processing them!',
  'The café closes at noon.',
];
const QUESTIONS: readonly ContextQuestion[] = [
  { query: 'how do we check what users send?' },
  { query: 'данные 验证' },
  { query: 'when must a bill be paid', topK: 2, maxTokens: 120 },
  { query: 'claim number', topK: 40, tags: ['many'] },
  { query: 'validate', status: 'in' },
  { query: '' },
];

async function slices({ node }: Peer, groupId: string): Promise<string[]> {
  const answers: string[] = [];
  for (const question of QUESTIONS) {
    const { slice, progress } = await node.views.compileContext(groupId, {
      ...question,
      waitForMeaningMs: 60_000,
    });
    expect(progress.embedded).toBe(progress.claims);
    answers.push(slice);
  }
  return answers;
}

it('the same log gives the same slices on two nodes, byte for byte', { timeout: 120_000 }, async () => {
  const a = await peer({ open: { embedder: { kind: 'builtin' } } });
  const b = await peer({ open: { embedder: { kind: 'builtin' } } });
  const { groupId } = await a.node.createGroup({ name: 'shared' });
  const group = a.node.group(groupId);
  const me = group.as('node');
  // One follows block by block; the other has nothing, then a part in one piece, and asks in between.
  a.node.views.follow([groupId]);
  await me.setProfile('Ana');
  const claims: string[] = [];
  for (const text of TEXTS) claims.push((await me.publishClaim({ text })).claim);
  const joined = await joinGroup(a, b, groupId);
  b.node.views.follow([groupId]);
  await until('b has the first part', () => joined.head.height === group.head.height);
  await b.node.views.compileContext(groupId, { query: 'validate' });
  const many = Array.from({ length: 60 }, (_, at) =>
    me.publishClaim({ text: `This is claim number ${at}.`, tags: ['many'], parent: claims[0]! }),
  );
  await Promise.all(many);
  await joined.as('node').publishClaim({ text: 'Bills are paid monthly.', evidence: [claims[3]!] });
  await me.retractClaim(claims[0]!, 'too broad');
  await me.retractClaim(claims[3]!);
  await until('b has all', () => joined.head.blockId === group.head.blockId);
  await until('a has all', () => group.head.blockId === joined.head.blockId);
  const isComplete = async ({ node }: Peer): Promise<boolean> => {
    const { withText, claims } = await node.views.progress(groupId);
    return withText === claims && claims === 67;
  };
  // The texts come after the blocks that name them, and are found as they come.
  for (const one of [a, b]) await expect.poll(() => isComplete(one), { timeout: 20_000 }).toBe(true);
  const expected = await slices(a, groupId);
  expect(await slices(b, groupId)).toEqual(expected);
  expect(expected.join('')).toContain('[UNSUPPORTED');
});
