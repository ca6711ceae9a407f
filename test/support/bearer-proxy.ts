/**
 * A proxy that adds an access token to every request and passes everything else on as it is: for programs that can
 * give none, such as the conformance suite.
 */
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BearerProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** @param path what requests go to, whatever they name: the query of the target is part of it */
export async function startBearerProxy(
  target: { port: number; path: string },
  token: string,
): Promise<BearerProxy> {
  const server = createServer((request, response) => {
    const { method, headers } = request;
    const passed = send(
      {
        port: target.port,
        host: '127.0.0.1',
        path: target.path,
        method,
        headers: { ...headers, authorization: `Bearer ${token}` },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        response.on('close', () => answer.destroy());
      },
    );
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
