/** A question whose asker is gone is given up: over MCP, over HTTP, and at the command line. */
import type { ChildProcess } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lb } from '../../e2e/spawn-lb.ts';
import { ERAS, httpClient, serveOverHttp, stdioClient, tokenFor } from '../../support/mcp.ts';
import { newDirectory, opened, withClaims } from '../../support/opened-views.ts';
import { silentModel } from '../../support/silent-model.ts';

const TIMES = { timeout: 30_000 };
const QUERY = 'which is two?';

/** A node with claims and a model that never answers. */
async function waitingNode() {
  const model = await silentModel();
  const data = newDirectory();
  const { node } = await opened(data, { embedder: { kind: 'ollama', url: model.url, model: 'm' } });
  await withClaims(node, ['one', 'two']);
  return { ...model, data, node };
}

describe('a question that waits for the model is given up', () => {
  test('when the caller over HTTP hangs up', async () => {
    const { node, asked, gone } = await waitingNode();
    const { port } = await serveOverHttp(node);
    const leaving = new AbortController();
    const answer = fetch(`http://127.0.0.1:${port}/v1/compile_context`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokenFor(node, 'node')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
      signal: leaving.signal,
    });
    await expect.poll(() => asked(QUERY), TIMES).toBe(1);
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => gone(QUERY), TIMES).toBe(1);
  });

  test.each(ERAS)('when the client of MCP takes the call back (%s)', async (era) => {
    const { node, asked, gone } = await waitingNode();
    const { port } = await serveOverHttp(node);
    const client = await httpClient(era, port, tokenFor(node, 'node'));
    onTestFinished(() => client.close());
    const leaving = new AbortController();
    const input = { name: 'compile_context', arguments: { query: QUERY } };
    const answer = client.callTool(input, { signal: leaving.signal });
    answer.catch(() => {});
    await expect.poll(() => asked(QUERY), TIMES).toBe(1);
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => gone(QUERY), TIMES).toBe(1);
  });

  test('when the host of lb mcp takes the call back', async () => {
    const { node, data, url, asked, gone } = await waitingNode();
    await node.close();
    const client = await stdioClient('legacy', ['--data', data], { LB_EMBEDDER: `ollama:m@${url}` });
    onTestFinished(() => client.close());
    const leaving = new AbortController();
    const input = { name: 'compile_context', arguments: { query: QUERY } };
    const answer = client.callTool(input, { signal: leaving.signal });
    answer.catch(() => {});
    await expect.poll(() => asked(QUERY), TIMES).toBe(1);
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => gone(QUERY), TIMES).toBe(1);
  });

  test('by Ctrl-C at the command line, at once', async () => {
    const { node, data, url, asked, gone } = await waitingNode();
    await node.close();
    let child: ChildProcess | undefined;
    const verb = lb(['compile-context', QUERY, '--wait', '1h'], {
      data,
      env: { LB_EMBEDDER: `ollama:m@${url}` },
      onStart: (started) => {
        child = started;
      },
    });
    await expect.poll(() => asked(QUERY), TIMES).toBe(1);
    const startMs = performance.now();
    child!.kill('SIGINT');
    expect(await verb).toMatchObject({ exitCode: 130 });
    // A second on a free machine; the model would be waited for half a minute, and the vectors an hour.
    expect(performance.now() - startMs).toBeLessThan(10_000);
    await expect.poll(() => gone(QUERY), TIMES).toBe(1);
  });
});

test('ranking by words waits for no model at the command line either', async () => {
  const { node, data, url, asked } = await waitingNode();
  await node.close();
  const args = ['compile-context', QUERY, '--rank-by', 'words', '--wait', '1h', '--json'];
  const answer = await lb(args, { data, env: { LB_EMBEDDER: `ollama:m@${url}` } });
  expect(answer).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('two') });
  expect(asked()).toBeLessThanOrEqual(1);
});
