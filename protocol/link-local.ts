/**
 * Addresses of one link: two machines on one cable, without a router and without setup, have `fe80::…` and nothing
 * else. Such an address leads somewhere only together with the interface that it is reached by (its zone), and the name
 * of that is another on each machine. So an address with a zone is dialled, and never written down, told, or taken from
 * anybody: it comes from the owner of this node, or from an answer of mDNS, whose source it is.
 *
 * libp2p parses zones and then loses them: what it dials has none, and a connection that comes in over a link ends,
 * because the zone of its address is none of an address. Both are mended here, around its transport. The address of a
 * connection is without a zone, so that identify does not tell the peer what this machine calls its interfaces.
 */
import type { Server, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Transport } from '@libp2p/interface';
import { type TCPComponents, type TCPOptions, tcp } from '@libp2p/tcp';
import { CODE_IP6, CODE_IP6ZONE, multiaddr } from '@multiformats/multiaddr';

/** TCP that also speaks over links. */
export const tcpOverLinks =
  (options: TCPOptions) =>
  (components: TCPComponents): Transport => {
    const transport = tcp(options)(components);
    const dial = transport.dial.bind(transport);
    const createListener = transport.createListener.bind(transport);
    transport.dial = (address, dialOptions) => {
      const [zone, { code, value: host } = { code: 0 }, ...rest] = address.getComponents();
      if (zone?.code !== CODE_IP6ZONE || code !== CODE_IP6) return dial(address, dialOptions);
      const missing = missingInterface(zone.value!);
      if (missing !== undefined) return Promise.reject(new Error(missing));
      const plain = multiaddr([{ code, name: 'ip6', value: host! }, ...rest]);
      // The options of a dial go on to the socket, and before what stands in the address.
      return dial(plain, { ...dialOptions, host: `${host}%${zone.value}` } as typeof dialOptions);
    };
    transport.createListener = (listenOptions) => {
      const listener = createListener(listenOptions);
      (listener as unknown as { readonly server: Server }).server.prependListener('connection', withoutZone);
      return listener;
    };
    return transport;
  };

/** Takes the zone from the address at the other end of a socket. */
export function withoutZone(socket: Socket): void {
  const { remoteAddress } = socket;
  if (!remoteAddress?.includes('%')) return;
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress.split('%', 1)[0] });
}

/**
 * Says so where this machine has no interface of that name. The kernel would take another one, or say that an argument
 * is invalid.
 */
function missingInterface(zone: string): string | undefined {
  const known = networkInterfaces();
  const isNumber = (addresses: (typeof known)[string] = []): boolean =>
    addresses.some((address) => address.family === 'IPv6' && String(address.scopeid) === zone);
  if (known[zone] !== undefined || Object.values(known).some(isNumber)) return undefined;
  return `this machine has no interface ${zone}; it has ${Object.keys(known).sort().join(', ')}`;
}

/** Addresses of one link that an interface has. */
export function linkAddressesOf(name: string): string[] {
  return (networkInterfaces()[name] ?? [])
    .map(({ address }) => `/ip6/${address}`)
    .filter((address) => /^\/ip6\/fe[89ab]/i.test(address));
}
