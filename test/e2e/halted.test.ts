/** A node one of whose groups is damaged on disk, as an operator sees it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDirectory } from '../../storage/directory.ts';
import { openEnvironment } from '../../storage/environment.ts';
import { groupKey } from '../../storage/keys.ts';
import { sealedTables } from '../support/sealed-tables.ts';
import { lb, lbJson } from './spawn-lb.ts';

interface Info {
  groups: { name: string; status: string }[];
  halted: { group_id: string; name: string; status: string; halt_reason: string; retry_at_ms?: number }[];
}

test('lb info names a halted group with its reason, and the others work', async () => {
  const base = mkdtempSync(join(tmpdir(), 'lb-halted-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const data = join(base, 'node');
  await lbJson(['init'], { data });
  const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'damaged'], { data });
  await lbJson(['create-group', '--name', 'whole'], { data });
  const dir = openDirectory(data).chain;
  const environment = openEnvironment({ dir, mapSize: 64 * 1024 ** 3, durability: 'flush' });
  sealedTables(environment).heads.putSync(groupKey(1).slice(), Uint8Array.of(0xc1));
  await environment.root.close();

  const info = await lbJson<Info>(['info'], { data });
  expect(info.groups.map(({ name }) => name)).toEqual(['whole']);
  expect(info.halted).toMatchObject([{ group_id, name: 'damaged', status: 'halted' }]);
  expect(info.halted[0]!.halt_reason).toContain('head record');
  const text = await lb(['info'], { data });
  const line = text.stdout.split('\n').find((one) => one.startsWith('halted: damaged'));
  expect(line).toContain('head record');
  expect(line).toContain('lb repair');

  const refused = await lb(['publish-claim', '--group', group_id, '--text', 'x'], { data });
  expect(refused.exitCode).toBe(7);
  expect(refused.stderr.trimEnd()).not.toContain('\n');
  await lbJson(['publish-claim', '--group', 'whole', '--text', 'x'], { data });
});
