/**
 * Is a request addressed to this node? A page in a browser can be made to send requests to a loopback address under
 * another name (DNS rebinding), and reads the answers as its own. Every port that speaks HTTP asks this first.
 */
import { isIP } from 'node:net';
import type { Problem } from './problem.ts';

export const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * What is wrong with the host that a request is addressed to.
 * @param given the header
 * @param names those besides the loopback ones that the node goes by
 */
export function hostProblem(given: string | undefined, names: readonly string[]): Problem | undefined {
  const name = nameIn(given);
  // A name can be made to point anywhere; an address is what it is.
  const isAddress = name !== undefined && isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  if (isAddress || (name !== undefined && [...LOOPBACK_NAMES, ...names].includes(name))) return undefined;
  return {
    status: 403,
    code: 'host_refused',
    detail: 'this node does not go by the name that the request is addressed to',
    next: 'address it by its IP address, or ask the operator of the node to allow that name',
  };
}

/**
 * The name in the header, where that is a host and a port and nothing else. What is behind a `\`, a `/` or a `#` is read
 * as a path by some and as the host by others, and this node says its address again to those who come after.
 */
function nameIn(given: string | undefined): string | undefined {
  if (given === undefined || !/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(given))
    return undefined;
  const url = `http://${given}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
