/** What an import sends, where whoever is told of it fails: nobody may be waiting at that moment. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Agent } from '../../../actors/agent.ts';
import { OPERATIONS_PER_TRANSACTION_MAX } from '../../../events/limits.ts';
import type { Operation } from '../../../events/registry.ts';
import { Publisher } from '../../../interfaces/cli/import/publisher.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown): unknown => unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(() => void process.off('unhandledRejection', note));

const OPERATION: Operation = { type: 'retract', claim: 'ab'.repeat(32), reason: 'gone' } as Operation;

it.each([
  ['the group', async () => Promise.reject(new Error('the disk is full')), () => {}],
  [
    'whoever is told',
    async () => ({ status: 'sealed' }),
    () => {
      throw new Error('the disk is full');
    },
  ],
] as const)('a failure of %s fails the next operation, and ends no process', async (_, submit, onSealed) => {
  let sent = 0;
  const publisher = new Publisher({ submit } as unknown as Agent, {
    isDry: false,
    onSend: () => sent++,
    onSealed,
  });
  for (let at = 0; at < OPERATIONS_PER_TRANSACTION_MAX; at++) await publisher.add(OPERATION, []);
  // Sends those before it, and may hear of the failure already.
  await Promise.allSettled([publisher.add(OPERATION, [])]);
  expect(sent).toBe(1);
  // The rejections of a turn are told at its end.
  await setImmediate();
  await expect(publisher.add(OPERATION, [])).rejects.toThrow('the disk is full');
  await expect(publisher.finish()).rejects.toThrow('the disk is full');
  expect(unhandled).toEqual([]);
});
