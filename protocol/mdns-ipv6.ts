/**
 * mDNS over IPv6: libp2p's own speaks over IPv4 alone, and on a network without it nobody would be found. Questions and
 * answers are the same; each interface has a socket of its own, since a group of IPv6 is joined by interface.
 *
 * Over IPv6 an answer also names the addresses that are good on that link only, as `/ip6/fe80::…`. Whoever hears it takes
 * of these the port, and of the packet the address and the interface that it came in by: so nobody can name another's.
 */
import { networkInterfaces } from 'node:os';
import {
  type PeerDiscovery,
  type PeerDiscoveryEvents,
  peerDiscoverySymbol,
  type Startable,
  TypedEventEmitter,
} from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import multicastDns, { type MulticastDNS, type QueryPacket, type ResponsePacket } from 'multicast-dns';
import { isLinkLocal, isLoopback, placeOf } from './addresses.ts';
import { linkAddressesOf } from './link-local.ts';

type Answer = ResponsePacket['answers'][number];
type TxtAnswer = Extract<Answer, { type: 'TXT' }>;

const GROUP = 'ff02::fb';
const PORT = 5353;
const TTL_S = 120;
/** Of a TXT record, and of records in one answer: more would not fit into a packet. */
const TXT_BYTES_MAX = 255;
const ADDRESSES_MAX = 8;
const PREFIX = 'dnsaddr=';
/** Listening on all addresses of IPv6, those of links included. */
const ON_ALL = /^\/ip6\/::\/tcp\/([1-9]\d*)$/;

export interface Ipv6Options {
  readonly serviceTag: string;
  readonly intervalMs: number;
}

interface Components {
  readonly addressManager: { getAddresses(): Multiaddr[]; getListenAddrs(): Multiaddr[] };
  readonly peerId: { toString(): string };
}

export const mdnsOverIpv6 =
  (options: Ipv6Options) =>
  (components: Components): PeerDiscovery =>
    new MdnsOverIpv6(options, components);

class MdnsOverIpv6 extends TypedEventEmitter<PeerDiscoveryEvents> implements PeerDiscovery, Startable {
  readonly [peerDiscoverySymbol] = this;
  readonly [Symbol.toStringTag] = 'mdns-ipv6';
  private readonly options: Ipv6Options;
  private readonly components: Components;
  private readonly sockets = new Map<string, MulticastDNS>();
  private timer: NodeJS.Timeout | undefined;

  constructor(options: Ipv6Options, components: Components) {
    super();
    this.options = options;
    this.components = components;
  }

  start(): void {
    this.timer ??= setInterval(() => this.ask(), this.options.intervalMs).unref();
    this.ask();
  }

  /** Asks on every interface, also on those that have come up meanwhile. */
  private ask(): void {
    const present = interfaces();
    for (const name of this.sockets.keys()) if (!present.includes(name)) this.leave(name);
    for (const name of present) this.sockets.get(name) ?? this.join(name);
    const questions = [{ name: this.options.serviceTag, type: 'PTR' as const }];
    for (const socket of this.sockets.values()) socket.query({ questions });
  }

  private join(name: string): void {
    const socket = multicastDns({ type: 'udp6', ip: GROUP, port: PORT, interface: `::%${name}`, bind: '::' });
    this.sockets.set(name, socket);
    socket.on('query', (query) => this.answer(name, socket, query));
    // Every socket hears what comes in by any interface; where a packet came from is in its address.
    socket.on('response', (response, { address }) => this.hear(response, address));
    // What an interface does not allow is tried again when it is up anew; the others go on.
    socket.on('error', () => this.leave(name));
    socket.on('warning', () => {});
  }

  private leave(name: string): void {
    this.sockets.get(name)?.destroy();
    this.sockets.delete(name);
  }

  private answer(name: string, socket: MulticastDNS, { questions }: QueryPacket): void {
    const { serviceTag } = this.options;
    if (!questions.some(({ name }) => name === serviceTag)) return;
    const elsewhere = this.components.addressManager.getAddresses().filter((address) => isForOthers(address));
    const texts = [...this.onLink(name), ...elsewhere.map(String)]
      .map((address) => `${PREFIX}${address}`)
      .filter((text) => text.length <= TXT_BYTES_MAX)
      .slice(0, ADDRESSES_MAX);
    const [first] = texts;
    if (first === undefined) return;
    const peer = `${first.split('/').at(-1)!.slice(-32)}.${serviceTag}`;
    const shared = { class: 'IN' as const, ttl: TTL_S };
    const answers: Answer[] = [
      { name: serviceTag, type: 'PTR', data: peer, ...shared },
      ...texts.map((data): Answer => ({ name: peer, type: 'TXT', data, ...shared })),
    ];
    socket.respond(answers);
  }

  /** Where this node is on the link of an interface, if it listens on all addresses. */
  private onLink(name: string): string[] {
    const { addressManager, peerId } = this.components;
    const [port] = addressManager.getListenAddrs().flatMap((at) => ON_ALL.exec(at.toString())?.[1] ?? []);
    if (port === undefined) return [];
    return linkAddressesOf(name).map((address) => `${address}/tcp/${port}/p2p/${peerId.toString()}`);
  }

  private hear({ answers, additionals }: ResponsePacket, source: string): void {
    const isOurs = answers.some(({ type, name }) => type === 'PTR' && name === this.options.serviceTag);
    if (!isOurs) return;
    const texts = [...answers, ...additionals].filter((answer): answer is TxtAnswer => answer.type === 'TXT');
    const addresses = texts
      .flatMap(({ data }) => data)
      .map(String)
      .filter((text) => text.startsWith(PREFIX))
      .slice(0, ADDRESSES_MAX)
      .flatMap((text) => parsed(text.slice(PREFIX.length)) ?? []);
    const key = addresses[0] && peerOf(addresses[0]);
    if (key === undefined || addresses.some((address) => peerOf(address) !== key)) return;
    const multiaddrs = addresses.flatMap((address) => reached(address.decapsulateCode(CODE_P2P), source));
    if (multiaddrs.length === 0) return;
    this.safeDispatchEvent('peer', { detail: { id: peerIdFromString(key), multiaddrs } });
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    for (const name of [...this.sockets.keys()]) this.leave(name);
  }
}

/** Interfaces with an address of IPv6 that reach other machines. */
function interfaces(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.some(({ family, internal }) => family === 'IPv6' && !internal) ? [name] : [],
  );
}

const isForOthers = (address: Multiaddr): boolean =>
  !isLoopback(address.toString()) && !isLinkLocal(address.toString());

/** An address as it is reached from here: one of the link by the interface that the answer came in by, or not at all. */
function reached(address: Multiaddr, source: string): Multiaddr[] {
  if (!isLinkLocal(address.toString())) return [address];
  const port = address.getComponents().find(({ name }) => name === 'tcp')?.value;
  return source.includes('%') && port !== undefined ? [multiaddr(placeOf(source, Number(port)))] : [];
}

const peerOf = (address: Multiaddr): string | undefined =>
  address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value;

function parsed(text: string): Multiaddr | undefined {
  try {
    const address = multiaddr(text);
    const key = peerOf(address);
    return key !== undefined && peerIdFromString(key) ? address : undefined;
  } catch {
    return undefined;
  }
}
