/**
 * The blocks that an address belongs to. Whoever has one address of a block can have all of them, so what is bounded by
 * address is bounded by block as well: /24 of IPv4, /64 of IPv6. Of IPv6 a whole /48 is given to one place as a matter
 * of course, which is 65,536 blocks; so what is bounded by block is bounded by that site too, at a few blocks' worth.
 *
 * An address of IPv6 that only carries one of IPv4 counts as that one. A host's name is free below the name that
 * somebody pays for, so it counts by its last two labels.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The blocks of a host, the narrowest first; the last one is its site. */
export function blocksOf(host: string): readonly string[] {
  const address = addressIn(host);
  if (address === undefined) return [nameBlock(host)];
  if (address instanceof ipaddr.IPv4) return [`${address.octets.slice(0, 3).join('.')}.0/24`];
  return [network(address, 64), network(address, 48)];
}

/** The narrowest block of a host. */
export const blockOf = (host: string): string => blocksOf(host)[0]!;

/** The widest block of a host. */
export const siteOf = (host: string): string => blocksOf(host).at(-1)!;

/** The address in a text, as the one that it stands for; nothing where it is none. */
export function addressIn(host: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const [bare = ''] = host.split('%', 1);
  if (isIP(bare) === 0) return undefined;
  const address = ipaddr.process(bare);
  return address instanceof ipaddr.IPv6 ? (carriedBy(address) ?? address) : address;
}

/** The first bits of an address, as a block. */
export function network(address: ipaddr.IPv6, bits: 48 | 64): string {
  const parts = address.parts.slice(0, bits / 16).map((part) => part.toString(16));
  return `${parts.join(':')}::/${bits}`;
}

/** The address of IPv4 that whoever uses this one has: by 6to4 and Teredo, and behind NAT64. */
function carriedBy({ parts }: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const [first, second] = parts;
  if (first === 0x2002) return ofParts(second!, parts[2]!);
  if (first === 0x2001 && second === 0) return ofParts(parts[6]! ^ 0xffff, parts[7]! ^ 0xffff);
  const isNat64 = first === 0x64 && second === 0xff9b && parts.slice(2, 6).every((part) => part === 0);
  return isNat64 ? ofParts(parts[6]!, parts[7]!) : undefined;
}

function ofParts(high: number, low: number): ipaddr.IPv4 {
  return new ipaddr.IPv4([high >> 8, high & 255, low >> 8, low & 255]);
}

function nameBlock(name: string): string {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.');
  return labels.slice(-2).join('.');
}
