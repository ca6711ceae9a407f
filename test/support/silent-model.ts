/** An embedding model that takes every request and answers none, until whoever sent it goes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface SilentModel {
  readonly url: string;
  /** Requests for the vector of a text, or of any; and those of them whose senders have gone. */
  readonly asked: (input?: string) => number;
  readonly gone: (input?: string) => number;
}

export async function silentModel(): Promise<SilentModel> {
  const requests: { input: string; isGone: boolean }[] = [];
  const server = createServer(async (request, response) => {
    const { input } = (await json(request)) as { input: string };
    const noted = { input, isGone: false };
    requests.push(noted);
    response.on('close', () => {
      noted.isGone = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const of = (wanted?: string) => requests.filter(({ input }) => wanted === undefined || input === wanted);
  return {
    url,
    asked: (input) => of(input).length,
    gone: (input) => of(input).filter(({ isGone }) => isGone).length,
  };
}
