/** Why a connection could not be made, or a port not be had, in words: libp2p's own are for its programmers. */
import { type AddressInfo, createServer } from 'node:net';
import { NetworkError } from './errors.ts';

const DIAL_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was closed at once',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'that name has no address',
  EAI_AGAIN: 'the name cannot be looked up now',
  ETIMEDOUT: 'no answer',
};

/** Whether a dial failed because whoever answered there did not prove the key that was called. */
export function isAnotherKey(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isAnotherKey);
  const { name } = (error ?? {}) as { name?: string };
  return name === 'EncryptionFailedError' || name === 'UnexpectedPeerError';
}

/**
 * Why a dial failed.
 * @param isKeyKnown whether a key was asked for, which whoever answers has to prove
 */
export function dialReason(error: unknown, isKeyKnown = true): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return dialReason(error.errors[0], isKeyKnown);
  const {
    code,
    name,
    message = String(error),
  } = (error ?? {}) as { code?: string; name?: string; message?: string };
  if (code !== undefined && DIAL_REASONS[code] !== undefined) return DIAL_REASONS[code];
  if (name === 'TimeoutError' || name === 'AbortError') return 'no answer';
  if (isAnotherKey(error))
    return isKeyKnown ? 'what answers there does not prove that key' : 'what answers there is no node';
  return message.split('\n')[0]!;
}

const LISTEN_REASONS: Readonly<Record<string, (place: { host: string; port: number }) => string>> = {
  EADDRINUSE: ({ port }) => `another program uses port ${port}; choose another one with --port, or 0 for any`,
  EADDRNOTAVAIL: ({ host }) => `${host} is no address of this machine; 0.0.0.0 stands for all that it has`,
  EACCES: ({ port }) => `port ${port} is reserved; choose one above 1023 with --port`,
  ENOTFOUND: ({ host }) => `${host} is no name of this machine; 0.0.0.0 stands for all its addresses`,
};

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Stand for all addresses of this machine, of both families. */
export const ALL_HOSTS: readonly string[] = ['0.0.0.0', '::'];
/** The family is not there: a machine without IPv6, or without IPv4. */
const NO_FAMILY: readonly string[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT'];

/**
 * Tries where can be listened: for all addresses of this machine, on those of IPv4 and of IPv6 at one port.
 * @returns the places, which are free
 * @throws NetworkError `listen_failed` with the reason in words
 */
export async function placesToListen(place: Place): Promise<Place[]> {
  if (!ALL_HOSTS.includes(place.host)) {
    await tryToListen(place);
    return [place];
  }
  const found: Place[] = [];
  let { port } = place;
  let failure: NetworkError | undefined;
  for (const host of ALL_HOSTS) {
    try {
      port = await tryToListen({ host, port });
      found.push({ host, port });
    } catch (error) {
      const { code = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
      if (!NO_FAMILY.includes(code)) throw error;
      failure ??= error as NetworkError;
    }
  }
  if (found.length === 0) throw failure!;
  return found;
}

/**
 * Tries whether a place can be listened on.
 * @returns the port, which for port 0 is a free one
 * @throws NetworkError `listen_failed` with the reason in words
 */
async function tryToListen(place: Place): Promise<number> {
  const { host, port } = place;
  const failure = await new Promise<NodeJS.ErrnoException | number>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, ipv6Only: true }, () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
  if (typeof failure === 'number') return failure;
  const reason = LISTEN_REASONS[failure.code ?? '']?.(place) ?? failure.message;
  throw new NetworkError('listen_failed', `cannot listen for peers: ${reason}`, { cause: failure });
}
