import { type AddressInfo, createServer } from 'node:net';

/** Nodes of tests listen on the loopback alone; none looks for others on the local network, or is found there. */
export const LOOPBACK: NodeJS.ProcessEnv = { LB_P2P_HOST: '127.0.0.1', LB_P2P_MDNS: 'false' };

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
