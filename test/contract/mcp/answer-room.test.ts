/** Answers with next to no room: what does not fit is read on, piece by piece, to its end. */
import { ResourceNotFoundError } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { readResource } from '../../../interfaces/mcp/resources.ts';
import type { Session } from '../../../interfaces/mcp/session.ts';
import type { Call } from '../../../interfaces/operations/operation.ts';
import { operationNamed } from '../../../interfaces/operations/registry.ts';
import { tokensIn } from '../../../interfaces/operations/room.ts';
import { openTestNode, type TestNode } from '../../support/node.ts';

/** What a tool of a session with the least that may be asked for has. */
const TOKENS = 2_000;

const callOn = ({ node }: TestNode): Call => ({
  node,
  identity: 'node',
  signal: new AbortController().signal,
  answerTokens: TOKENS,
  progress: () => {},
});

test('a claim whose tags and evidence alone fill an answer is read to its end', async () => {
  const opened = await openTestNode();
  const agent = (await opened.node.createGroup({ name: 'g' })).as('node');
  const evidence: string[] = [];
  for (let n = 0; n < 32; n++) evidence.push((await agent.publishClaim({ text: `basis ${n}` })).claim);
  const tags = Array.from({ length: 20 }, (_, n) => `${'验证'.repeat(30)}${n}`);
  const said = 'What is said in the end. '.repeat(40).trim();
  const { claim: claim_id } = await agent.publishClaim({ text: said, tags, evidence });
  const pieces: string[] = [];
  for (let offset: number | undefined = 0; offset !== undefined && pieces.length < 50; ) {
    const input = { claim_id, offset };
    const { claim } = (await operationNamed('get_claim')!.run(callOn(opened), input as never)) as {
      claim: { text: string; next_offset?: number };
    };
    expect(claim.text).not.toBe('');
    pieces.push(claim.text);
    offset = claim.next_offset;
  }
  expect(pieces.join('')).toBe(said);
});

test('a context of many short claims fits, and names each claim that stands in it', async () => {
  const opened = await openTestNode();
  const agent = (await opened.node.createGroup({ name: 'g' })).as('node');
  for (let n = 0; n < 150; n++) await agent.publishClaim({ text: `${n} "thing"` });
  for (const answerTokens of [TOKENS, 10_000]) {
    const call = { ...callOn(opened), answerTokens };
    const input = { query: 'thing', top_k: 200 };
    const answer = (await operationNamed('compile_context')!.run(call, input as never)) as {
      context: string;
      claims: { claim_id: string }[];
    };
    expect(tokensIn(JSON.stringify(answer))).toBeLessThanOrEqual(answerTokens);
    const standing = Array.from(answer.context.matchAll(/, claim ([0-9a-f]{12})/g), ([, id]) => id);
    const named = answer.claims.map(({ claim_id }) => claim_id.slice(0, 12));
    expect(named).toEqual(standing);
    expect(named.length).toBeGreaterThan(answerTokens / 400);
  }
});

test.each(['?limit=1', '?cursor=nonsense', '?nonsense=1'])(
  'a list of groups at lb://groups%s is none, as at every other address',
  async (query) => {
    const { node } = await openTestNode();
    await node.createGroup({ name: 'g' });
    const session: Session = {
      ...{ node, identity: 'node', answerTokens: 20_000, report: () => {} },
      ...{ scopes: new Set(['read', 'write']), toolsets: new Set(['default', 'groups']) },
    };
    const read = (uri: string) => readResource(session, uri, new AbortController().signal);
    expect(JSON.stringify(await read('lb://groups'))).toContain(node.groupIds()[0]);
    for (const address of ['lb://groups', 'lb://groups/g', 'lb://groups/g/claims'])
      await expect(read(address + query)).rejects.toThrow(ResourceNotFoundError);
  },
);
