/** In a namespace where two blocks of IPv6 are all its own: what one block can take of a node, and what is left. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { BatteryNode } from '../../../node.ts';
import { serveOverHttp } from '../../support/mcp.ts';
import { until } from '../../support/until.ts';

const [, , data, floodText, requestsText] = process.argv;
const NODE = 'fd01::1';
const FLOOD = 'fd01:0:0:2::';
const OTHER = 'fd01:0:0:3::';

const node = await BatteryNode.openOrInit({ data: data!, durability: 'commit' });
const server = await serveOverHttp(node, { http_host: '::' });

async function opened(localAddress: string): Promise<Socket> {
  const socket = connect({ port: server.port, host: NODE, localAddress });
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

function statusFor(localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(
      { host: NODE, port: server.port, path: '/v1/list_tasks', localAddress, agent: false },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode!));
      },
    )
      .on('error', reject)
      .end();
  });
}

const other = await opened(`${OTHER}1`);
const flood: Socket[] = [];
for (let at = 1; at <= Number(floodText); at++) flood.push(await opened(FLOOD + at.toString(16)));
const open = (): number => flood.filter((socket) => !socket.closed).length;
await until('the block has no more than its share', () => open() <= 64);
const counts = { ofFlood: open(), ofOther: other.closed ? 0 : 1 };
for (const socket of [...flood, other]) socket.destroy();

const statuses: number[] = [];
for (let at = 1; at <= Number(requestsText); at++) statuses.push(await statusFor(FLOOD + at.toString(16)));
const otherStatus = await statusFor(`${OTHER}1`);
await server.close();
await node.close();
process.stdout.write(JSON.stringify({ ...counts, statuses, otherStatus }));
