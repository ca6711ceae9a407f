/** Clients that look for a way to log in: there is none, and they learn it at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpServer } from '../../../interfaces/http/server.ts';
import { BatteryNode } from '../../../node.ts';
import { serveOverHttp } from '../../support/mcp.ts';

const folder = mkdtempSync(join(tmpdir(), 'lb-oauth-'));
let node: BatteryNode;
let server: HttpServer;
let base: string;
beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(folder, 'node') });
  server = await serveOverHttp(node);
  base = `http://127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await server.close();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A host that would open a browser, and then wait for somebody to come back from it. */
function host(): OAuthClientProvider & { readonly opened: string[] } {
  const opened: string[] = [];
  let verifier = '';
  return {
    opened,
    redirectUrl: 'http://127.0.0.1:1/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1:1/callback'] },
    clientInformation: () => undefined,
    tokens: () => ({ access_token: 'wrong', token_type: 'bearer' }),
    saveClientInformation: () => {},
    saveTokens: () => {},
    redirectToAuthorization: (url) => void opened.push(String(url)),
    saveCodeVerifier: (given) => {
      verifier = given;
    },
    codeVerifier: () => verifier,
  };
}

describe('a client with a wrong token', () => {
  test('fails at once, and opens no browser', async () => {
    const provider = host();
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`${base}/mcp`), {
      authProvider: provider,
    });
    await expect(client.connect(transport)).rejects.toThrow();
    expect(provider.opened).toEqual([]);
  });

  test('is told that there is no server to log in at', async () => {
    const refused = await fetch(`${base}/mcp`, {
      method: 'POST',
      headers: { authorization: 'Bearer wrong', 'content-type': 'application/json' },
      body: '{}',
    });
    expect(refused.status).toBe(401);
    const [, metadata] = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate')!)!;
    const found = (await (await fetch(metadata!)).json()) as Record<string, unknown>;
    expect(found).toMatchObject({ resource: `${base}/mcp`, authorization_servers: [] });
  });
});

test.each([
  ['GET', '/.well-known/oauth-authorization-server'],
  ['GET', '/.well-known/oauth-authorization-server/mcp'],
  ['GET', '/.well-known/openid-configuration'],
  ['GET', '/.well-known/openid-configuration/mcp'],
  ['GET', '/mcp/.well-known/openid-configuration'],
  ['GET', '/authorize?client_id=x'],
  ['POST', '/register'],
  ['POST', '/token'],
  ['POST', '/mcp/register'],
  ['GET', '/v1/nothing'],
])('%s %s is not there, with and without a token', async (method, path) => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
    const response = await fetch(base + path, { method, headers });
    expect(response.status).toBe(404);
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect(await response.json()).toMatchObject({ code: 'not_found' });
  }
});

test('what is there is guarded all the same', async () => {
  for (const path of ['/v1/list_groups', '/mcp', '/metrics', '/v1/events'])
    expect((await fetch(base + path)).status).toBe(401);
});
