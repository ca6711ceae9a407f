/**
 * Addresses of peers as people write them: a multiaddr (`/ip4/10.0.0.2/tcp/4242/p2p/12D3…`), or `KEY@HOST:PORT`
 * with the key in hex. The key is who the peer is; the rest is where it might be.
 *
 * An address that is good on one link only (`fe80::…`) names the interface of this machine as well, its zone:
 * `/ip6zone/eth0/ip6/fe80::7/tcp/4242`, or `KEY@[fe80::7%eth0]:4242`. It is dialled, and neither kept nor told: see
 * link-local.ts.
 */
import { isIP } from 'node:net';
import { CODE_IP6ZONE, CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { UsageError } from '../actors/errors.ts';
import { ADDRESS_BYTES_MAX } from '../actors/invites.ts';
import { type Hex32, isHex32 } from '../events/bytes.ts';
import { siteOf } from './address-block.ts';
import { keyOfText, peerIdOf } from './keys.ts';

/** Where a peer might be, without its key. */
export interface PeerAddress {
  readonly key: Hex32;
  readonly address: string;
}

const KEY_AND_PLACE = /^([0-9a-f]{64})@(.+):(\d{1,5})$/;

/** @throws UsageError for what is neither form, or names no key */
export function parsePeerAddress(text: string): PeerAddress {
  const form = KEY_AND_PLACE.exec(text);
  if (form !== null) {
    const address = placeOf(form[2]!.replace(/^\[|\]$/g, ''), Number(form[3]));
    if (canBeTried(address) && isHex32(form[1])) return { key: form[1], address };
  }
  const parsed = parse(text);
  const last = parsed?.getComponents().at(-1);
  const peer = last?.code === CODE_P2P ? last.value : undefined;
  const key = peer === undefined ? undefined : keyOfText(peer);
  const address = parsed?.decapsulateCode(CODE_P2P).toString();
  if (key !== undefined && address !== undefined && canBeTried(address)) return { key, address };
  if (isLinkLocal(address ?? '') || /@\[?fe[89ab][0-9a-f]:/i.test(text))
    throw new UsageError(zoneMissing(text));
  throw new UsageError(
    `"${text.slice(0, 100)}" is no address of a peer; write /ip4/HOST/tcp/PORT/p2p/PEER-ID or KEY@HOST:PORT`,
  );
}

const zoneMissing = (text: string): string =>
  `"${text.slice(0, 100)}" is good on one link only, so it needs the name of your interface there: /ip6zone/INTERFACE/ip6/fe80::…/tcp/PORT/p2p/PEER-ID, or KEY@[fe80::…%INTERFACE]:PORT`;

/** A host and a port as an address. */
export function placeOf(host: string, port: number): string {
  const [bare = '', zone] = host.split('%', 2);
  if (zone !== undefined && isIP(bare) === 6) return `/ip6zone/${zone}/ip6/${bare}/tcp/${port}`;
  const kind = isIP(host) === 4 ? 'ip4' : isIP(host) === 6 ? 'ip6' : 'dns';
  return `/${kind}/${host}/tcp/${port}`;
}

/** Whether an address, from whoever it came, is one of TCP that can be tried, and means the same on each machine. */
export function isDialable(address: string): boolean {
  if (address.length > ADDRESS_BYTES_MAX || isLinkLocal(address)) return false;
  const components = parse(address)?.getComponents();
  if (components?.length !== 2) return false;
  const [host, port] = components;
  return /^(ip4|ip6|dns|dns4|dns6)$/.test(host!.name) && port!.name === 'tcp' && Number(port!.value) > 0;
}

/** Whether an address is good on one link of this machine, which it names. */
export function isOnLink(address: string): boolean {
  if (address.length > ADDRESS_BYTES_MAX) return false;
  const [zone, host, port, ...more] = parse(address)?.getComponents() ?? [];
  const isZoned = zone?.name === 'ip6zone' && zone.value !== '' && host?.name === 'ip6';
  const isPort = port?.name === 'tcp' && Number(port.value) > 0 && more.length === 0;
  return isZoned && isPort && isLinkLocal(`/ip6/${host.value}`);
}

/** Whether an address can be tried here: for what the owner of this node says, or the link itself. */
export const canBeTried = (address: string): boolean => isDialable(address) || isOnLink(address);

/** Whether an address is of the machine itself: to any other it is somewhere else. */
export const isLoopback = (address: string): boolean => /^\/(ip4\/127\.|ip6\/::1\/)/.test(address);

/** Whether an address means something only together with the name of an interface. */
export const isLinkLocal = (address: string): boolean => /^\/ip6\/fe[89ab]/i.test(address);

function parse(text: string): Multiaddr | undefined {
  try {
    return multiaddr(text);
  } catch {
    return undefined;
  }
}

/** The address with the key in it: a dial of it ends unless the peer proves that key. */
export function dialAddress({ key, address }: PeerAddress): Multiaddr {
  return multiaddr(`${address}/p2p/${peerIdOf(key).toString()}`);
}

/** The site of an address that can be dialled: see address-block.ts. */
export const siteOfAddress = (address: string): string => siteOf(address.split('/')[2] ?? '');

/** The host in an address: what connections are counted by. */
export function hostOf(address: Multiaddr): string {
  return address.getComponents().find(({ code }) => code !== CODE_IP6ZONE)?.value ?? '';
}
