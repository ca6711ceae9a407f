/** A node with its HTTP interface in a process of its own, for the benchmark of MCP; prints its port and tokens. */
import { AccessTokens } from '../interfaces/access/tokens.ts';
import { SETTINGS } from '../interfaces/config/schema.ts';
import { startHttp } from '../interfaces/http/server.ts';
import { health, ready } from '../interfaces/observability/health.ts';
import { BatteryNode } from '../node.ts';

const [data = '', clients = '0'] = process.argv.slice(2);
const node = await BatteryNode.openOrInit({ data });
const group = await node.createGroup({ name: 'bench' });
const admin = group.as('node');
const tokens = new AccessTokens(data);
const issued: string[] = [];
for (let n = 0; n < Number(clients); n++) {
  const name = `agent-${n}`;
  const { publicKey } = await node.createIdentity(name);
  await admin.addMember(publicKey, 'member');
  issued.push(tokens.create({ name, identity: name }).token);
}
for (let n = 0; n < 20; n++) await admin.createTask({ task: `task-${n}`, title: `Task ${n}` });
const server = await startHttp(
  node,
  {
    http_host: SETTINGS.http_host.default,
    http_port: 0,
    http_allowed_hosts: [],
    http_allowed_origins: [],
    http_max_req_per_min: 1_000_000_000,
    a2a: false,
    a2a_url: undefined,
    a2a_push_private: false,
  },
  { metrics: undefined, health: () => health(node, data), ready: () => ready(node, data) },
  (error) => {
    throw error;
  },
);
process.stdout.write(`${JSON.stringify({ port: server.port, tokens: issued })}\n`);
process.stdin.resume();
process.stdin.on('end', async () => {
  await server.close();
  await node.close();
  process.exit();
});
