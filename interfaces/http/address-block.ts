/**
 * Who an address stands for. One machine has one address of IPv4, and at the least a whole block of 2^64 of IPv6: what
 * is counted by address is counted by that block.
 */
import { addressIn, network, siteOf } from '../../protocol/address-block.ts';

export { siteOf };

/** The block that an address is in, as one text; an IPv4 address in the clothes of IPv6 is what it is. */
export function blockOf(address: string): string {
  const parsed = addressIn(address);
  if (parsed === undefined) return address;
  return 'octets' in parsed ? parsed.toString() : network(parsed, 64);
}
