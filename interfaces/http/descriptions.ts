/**
 * What everybody may read of a node that is up: its operations, and by what it is guarded. Both name the address under
 * which they were asked for.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { baseUrl } from './gate.ts';
import { openApi } from './openapi.ts';

/** Stands in the description for the address under which the caller knows the node. */
const ANY_URL = 'https://node.invalid';

export function addDescriptions(app: FastifyInstance): void {
  // It takes a while to write, and anybody may ask for it, under as many addresses as they like.
  let described: string | undefined;
  app.get('/openapi.json', async (request, reply) => {
    described ??= JSON.stringify(openApi(ANY_URL));
    const text = described.replace(JSON.stringify(ANY_URL), () => JSON.stringify(baseUrl(request)));
    return reply.type('application/json; charset=utf-8').send(text);
  });
  const metadata = async (request: FastifyRequest) => ({
    resource: `${baseUrl(request)}/mcp`,
    resource_name: 'Battery Node',
    bearer_methods_supported: ['header'],
    scopes_supported: ['read', 'write', 'admin'],
    // Nobody gives out tokens over the network: there is no server to log in at, and a client need not look for one.
    authorization_servers: [],
  });
  app.get('/.well-known/oauth-protected-resource', metadata);
  app.get('/.well-known/oauth-protected-resource/mcp', metadata);
}
