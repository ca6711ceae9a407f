/**
 * Every operation under a key, as a crash leaves it that comes between the block and the note of the answer: sent again,
 * it is not done again, and answers what it answered first.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { utf8 } from '../../../events/bytes.ts';
import { performOnce } from '../../../interfaces/operations/idempotency.ts';
import type { Call } from '../../../interfaces/operations/operation.ts';
import { OPERATIONS, operationNamed } from '../../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../../node.ts';
import { ADMIN_STORY, STORY, valueAt } from './story.ts';

vi.setConfig({ testTimeout: 240_000 });

/** They sign nothing that could be found, and doing them again changes nothing: they may be done again. */
const HARMLESS_AGAIN = new Set([
  ...['update_presence', 'sync_now', 'repair_group', 'trust_clock'],
  ...['pull_announcements', 'announce_offer'],
]);

/** Takes the answers away that were noted, as if the node had gone down before. */
async function forgetAnswers(node: BatteryNode): Promise<void> {
  const { agents } = node.networkPort.store;
  for (const [name, value] of [...agents.list(utf8('i'))]) {
    const { result: _, ...kept } = JSON.parse(new TextDecoder().decode(value)) as { result?: unknown };
    await agents.put(name.slice(), utf8(JSON.stringify(kept)));
  }
}

test('is answered as at first, and done once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lb-again-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const node = await BatteryNode.openOrInit({ data: join(folder, 'node'), durability: 'commit' });
  onTestFinished(() => node.close());
  for (const name of ['ann', 'bob']) await node.createIdentity(name);
  const saved = new Map<string, string>();
  const seen = new Set<string>();
  for (const [at, { as, tool, input, save = {}, fails, mayFail }] of [...STORY, ...ADMIN_STORY].entries()) {
    const operation = operationNamed(tool)!;
    const call: Call = {
      ...{ node, identity: as, signal: new AbortController().signal },
      progress: () => {},
    };
    const taken = operation.take(input?.((name) => saved.get(name)!) ?? {});
    const { input: meant } = taken as { input: Record<string, unknown> };
    expect(taken.problems, tool).toBeUndefined();
    const key = `step ${at}`;
    const first = performOnce(call, operation, meant, { key, work: () => operation.run(call, meant) });
    if (fails !== undefined || mayFail !== undefined) {
      await first.catch(() => {});
      continue;
    }
    const { result } = await first;
    for (const [name, path] of Object.entries(save)) saved.set(name, valueAt(result, path));
    if (operation.effect === 'reads') continue;
    await forgetAnswers(node);
    seen.add(tool);
    const again = await performOnce(call, operation, meant, {
      key,
      work: () => {
        if (HARMLESS_AGAIN.has(tool)) return operation.run(call, meant);
        throw new Error(`${tool} was done twice`);
      },
    }).catch((error: Error) => expect.fail(`${tool}: ${error.message}`));
    const { note: _, ...told } = result as Record<string, unknown>;
    if (!HARMLESS_AGAIN.has(tool)) expect(again, tool).toMatchObject({ isReplayed: true, result: told });
  }
  const changing = OPERATIONS.filter(({ effect }) => effect !== 'reads').map(({ name }) => name);
  const left = changing.filter((name) => !seen.has(name) && !HARMLESS_AGAIN.has(name));
  console.log(`not reached: ${left.join(', ')}`);
  expect(left.length).toBeLessThan(8);
});
