/**
 * Who an address stands for. One machine has one address of IPv4, and at the least a whole block of 2^64 of IPv6: what
 * is counted by address is counted by that block.
 */
import ipaddr from 'ipaddr.js';

const HOST_BITS = 64;
const PARTS = HOST_BITS / 16;

/** The block that an address is in, as one text; an IPv4 address in the clothes of IPv6 is what it is. */
export function blockOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const network = parsed.parts.slice(0, PARTS).map((part) => part.toString(16));
  return `${network.join(':')}::/${HOST_BITS}`;
}
