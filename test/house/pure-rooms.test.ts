/** The pure rooms judge a whole history where clocks, chance, timers and the platform throw. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../crypto/hash.ts';
import { toHex, utf8 } from '../../events/bytes.ts';
import { OPERATIONS } from '../../events/registry.ts';
import { scriptedHistory } from '../support/history.ts';

const child = fileURLToPath(new URL('./pure-rooms-child.ts', import.meta.url));
const world = scriptedHistory();
const input = JSON.stringify(world.chain.blocks.map(toHex));
const run = (...args: string[]) =>
  spawnSync(process.execPath, [child, ...args], { input, encoding: 'utf8', timeout: 60_000 });

describe('the pure rooms', () => {
  it('replay the history to the same head and state without the platform', () => {
    const { status, stdout, stderr } = run();
    expect(stderr.replace(/^.*ExperimentalWarning.*$/gm, '').trim()).toBe('');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      head: world.chain.judge.tip!.blockId,
      state: toHex(sha256(utf8(JSON.stringify(world.chain.dump())))),
    });
  });

  it.each(['Date', 'random', 'performance', 'timer', 'crypto', 'Intl', 'locale', 'Buffer', 'process'])(
    'would be caught using %s',
    (name) => {
      const { status, stderr } = run(name);
      expect(status).not.toBe(0);
      expect(stderr).toContain('is not for the pure rooms');
    },
  );

  it('the history has every operation that there is a way to have', () => {
    const seen = new Set(
      world.chain.finals.flatMap(({ judged }) =>
        judged.accepted.flatMap((one) => one.operations.map((o) => o.type)),
      ),
    );
    expect(Object.keys(OPERATIONS).filter((type) => !seen.has(type as never))).toEqual(['rules_upgrade']);
  });
});
