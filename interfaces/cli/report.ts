/** What a verb says that signed something: a sentence, the ids it made, and where it is sealed. */
import type { Receipt } from '../../events/receipt.ts';
import type { Run } from './context.ts';
import { type Field, printFields } from './table.ts';
import { count } from './text.ts';

/**
 * Prints a receipt.
 * @param sentence what was done, for people
 * @param made what it made: ids in full, since they are pasted into the next verb
 */
export function printReceipt(
  run: Run,
  receipt: Receipt,
  sentence: string,
  made: Readonly<Record<string, unknown>> = {},
): void {
  run.print({ ...receipt, ...made }, () => {
    run.out.line(run.out.style('green', sentence));
    const fields = Object.entries(made).map(([label, value]): Field => [label, textOf(value)]);
    const place = `block ${receipt.height}, transaction ${receipt.txId}`;
    printFields(run.out, [...fields, ['sealed in', place], ...rewards(run, receipt)], '  ');
  });
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** Money that came along with it, so that nobody wonders about a balance. */
function rewards(run: Run, receipt: Receipt): Field[] {
  return receipt.effects.flatMap((effect): Field[] => {
    if (effect.kind === 'reward.paid')
      return [['reward', `${count(effect.amount, 'token')} (${effect.source}) to ${run.nameOf(effect.to)}`]];
    if (effect.kind === 'reward.skipped')
      return [
        [
          'no reward',
          `${count(effect.amount, 'token')} (${effect.source}) would exceed the ${effect.cap} cap`,
        ],
      ];
    return [];
  });
}
