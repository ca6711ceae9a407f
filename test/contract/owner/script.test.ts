/** Verbs called from a program: the same data and the same errors, whether a node is up or not. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runVerb, VerbError } from '../../../interfaces/script.ts';
import { BatteryNode } from '../../../node.ts';
import { startNode, stopNode, type UpNode } from '../../support/owner.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-script-'));
const data = join(base, 'node');
let node: UpNode | undefined;
afterAll(async () => {
  if (node !== undefined) await stopNode(node);
  rmSync(base, { recursive: true, force: true });
});

async function useVerbs(): Promise<void> {
  const text = `Said at ${process.hrtime.bigint()}`;
  const made = await runVerb(['publish-claim', '-'], { data, input: text });
  expect(made).toMatchObject({ claim: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(await runVerb(['recent-claims', '--limit', '1'], { data })).toMatchObject({ claims: [{ text }] });
  const failure = await runVerb(['show', 'ffffffffffff'], { data }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(VerbError);
  expect(failure).toMatchObject({ code: 'not_found', exitCode: 3 });
  await expect(runVerb(['no-such-verb'], { data })).rejects.toMatchObject({ code: 'usage', exitCode: 2 });
}

describe('a script', () => {
  test('needs not know whether a node is up', async () => {
    await runVerb(['init'], { data });
    await runVerb(['create-group', '--name', 'g'], { data });
    await useVerbs();
    node = await startNode(data);
    await useVerbs();
    await stopNode(node);
    node = undefined;
  });

  test('uses the node that its own process has open, by any name of the directory', async () => {
    await using own = await BatteryNode.open({ data });
    await useVerbs();
    expect(own.group('g').recentClaims({ limit: 1 })[0]?.content?.text).toMatch(/^Said at /);
    // The node is the program's: a verb does not close it.
    expect(own.status).toBe('running');
    const link = join(base, 'link');
    symlinkSync(data, link);
    expect(await runVerb(['list-groups'], { data: link })).toMatchObject({ groups: [{ name: 'g' }] });
    expect(await runVerb(['list-groups'], { data: 'node', cwd: base })).toMatchObject({
      groups: [{ name: 'g' }],
    });
  });

  test('opens the directory itself again once that node is closed', useVerbs);
});
