/** A2A where the group is sealed by another node: what is handed over waits for it, and is one task. */
import { afterEach, expect, test } from 'vitest';
import { a2aClient, send } from '../../support/a2a.ts';
import { serveOverHttp, tokenFor } from '../../support/mcp.ts';
import { closePeers, connect, joinGroup, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

test('a message for a sealer that is away becomes one task when it is back', async () => {
  const sealer = await peer();
  const follower = await peer();
  const group = await sealer.node.createGroup({ name: 'g' });
  const own = await joinGroup(sealer, follower, group.groupId);
  const server = await serveOverHttp(follower.node, { a2a: true });
  const client = await a2aClient('JSONRPC', server.port, tokenFor(follower.node, 'node'));
  try {
    const near = await send(client, 'near');
    expect(own.now.task(String(near.metadata?.taskId))?.status).toBe('pending');
    await follower.node.stopNetwork();
    await expect(send(client, 'far')).rejects.toThrow(/kept/);
    await expect(send(client, 'far')).rejects.toThrow(/kept/);
    expect(follower.node.outbox.pending(group.groupId)).toHaveLength(1);
    const network = await follower.node.startNetwork({ listen: { host: '127.0.0.1', port: 0 }, mdns: false });
    await connect({ ...follower, network }, sealer);
    await until('the task is sealed', () => group.now.tasks().length === 2 && own.now.tasks().length === 2);
    expect((await send(client, 'far')).status?.state).toBe(1);
  } finally {
    await server.close();
  }
});
