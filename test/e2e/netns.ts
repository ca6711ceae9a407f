/** Network namespaces: two machines on one cable, as far as the kernel is concerned. Needs root and `ip`. */
import { execFileSync } from 'node:child_process';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** Why namespaces cannot be made here; nothing where they can. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const name = `lb-try-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n', 1)[0];
  }
}

/**
 * Two namespaces joined by a pair of virtual interfaces, each with an address; `remove` takes them away.
 * @param family 6 for a cable without IPv4; `link` for one where each has only what it gives itself, `fe80::…`
 */
export function twoMachines(
  tag: string,
  family: 4 | 6 | 'link' = 4,
): { names: readonly [string, string]; remove(): void } {
  const names = [`lb-${tag}-a`, `lb-${tag}-b`] as const;
  const links = [`lb${tag}a`, `lb${tag}b`] as const;
  for (const name of names) ip('netns', 'add', name);
  ip('link', 'add', links[0], 'type', 'veth', 'peer', 'name', links[1]);
  for (const [at, name] of names.entries()) {
    ip('link', 'set', links[at]!, 'netns', name);
    // An address of IPv6 is good for nothing until it is known to be the only one, which takes a second or two.
    const address = family === 4 ? [`10.77.0.${at + 1}/24`] : [`fd77::${at + 1}/64`, 'nodad'];
    if (family !== 'link') ip('-n', name, 'addr', 'add', ...address, 'dev', links[at]!);
    ip('-n', name, 'link', 'set', links[at]!, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    if (family === 4) ip('-n', name, 'route', 'add', 'default', 'dev', links[at]!);
  }
  return {
    names,
    remove: () => {
      for (const name of names) ip('netns', 'del', name);
    },
  };
}

/**
 * Three namespaces in a row: the first and the last each share a cable with the one between them, and with nobody
 * else; nothing is forwarded. `addresses` are those of the middle one, as its neighbours see it.
 */
export function threeInARow(tag: string): {
  names: readonly [string, string, string];
  addresses: readonly [left: string, right: string];
  remove(): void;
} {
  const names = [`lb-${tag}-a`, `lb-${tag}-b`, `lb-${tag}-c`] as const;
  for (const name of names) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  const addresses = ['10.77.1.2', '10.77.2.2'] as const;
  for (const [at, [outer, host]] of (
    [
      [names[0], '10.77.1.1'],
      [names[2], '10.77.2.1'],
    ] as const
  ).entries()) {
    const links = [`lb${tag}${at}o`, `lb${tag}${at}m`] as const;
    ip('link', 'add', links[0], 'type', 'veth', 'peer', 'name', links[1]);
    for (const [link, name, address] of [
      [links[0], outer, host],
      [links[1], names[1], addresses[at]!],
    ] as const) {
      ip('link', 'set', link, 'netns', name);
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', link);
      ip('-n', name, 'link', 'set', link, 'up');
    }
  }
  return {
    names,
    addresses,
    remove: () => {
      for (const name of names) ip('netns', 'del', name);
    },
  };
}
