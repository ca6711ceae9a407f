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

/** Two namespaces joined by a pair of virtual interfaces, each with an address; `remove` takes them away. */
export function twoMachines(tag: string): { names: readonly [string, string]; remove(): void } {
  const names = [`lb-${tag}-a`, `lb-${tag}-b`] as const;
  const links = [`lb${tag}a`, `lb${tag}b`] as const;
  for (const name of names) ip('netns', 'add', name);
  ip('link', 'add', links[0], 'type', 'veth', 'peer', 'name', links[1]);
  for (const [at, name] of names.entries()) {
    ip('link', 'set', links[at]!, 'netns', name);
    ip('-n', name, 'addr', 'add', `10.77.0.${at + 1}/24`, 'dev', links[at]!);
    ip('-n', name, 'link', 'set', links[at]!, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'route', 'add', 'default', 'dev', links[at]!);
  }
  return {
    names,
    remove: () => {
      for (const name of names) ip('netns', 'del', name);
    },
  };
}
