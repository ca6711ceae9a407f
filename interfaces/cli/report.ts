/** What a verb says that signed something: a sentence, the ids it made, and where it is sealed. */
import type { SkipReason } from '../../events/effects.ts';
import type { Receipt } from '../../events/receipt.ts';
import type { Run } from './context.ts';
import { type Field, printFields, printSentence } from './table.ts';
import { count } from './text.ts';

/**
 * Prints a receipt.
 * @param sentence what was done, for people
 * @param made what it made: ids in full, since they are pasted into the next verb
 * @param shown the same for people, where that is not simply all of it
 */
export function printReceipt(
  run: Run,
  receipt: Receipt,
  sentence: string,
  made: Readonly<Record<string, unknown>> = {},
  shown: readonly Field[] = Object.entries(made).map(([label, value]): Field => [label, textOf(value)]),
): void {
  run.print({ ...receipt, ...made }, () => {
    printSentence(run.out, sentence);
    const place = `block ${receipt.height}, transaction ${receipt.txId}`;
    printFields(run.out, [...shown, ['sealed in', place], ...rewards(run, receipt)], '  ');
  });
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

const WITHHELD: Record<SkipReason, string> = {
  supply_cap: 'would exceed the supply cap',
  account_cap: 'would exceed the account cap',
  promise_void: 'were promised by somebody who is no admin any more',
};

/** Money that came along with it, so that nobody wonders about a balance. */
function rewards(run: Run, receipt: Receipt): Field[] {
  return receipt.effects.flatMap((effect): Field[] => {
    if (effect.kind === 'reward.paid')
      return [['reward', `${count(effect.amount, 'token')} (${effect.source}) to ${run.nameOf(effect.to)}`]];
    if (effect.kind === 'reward.skipped')
      return [
        ['no reward', `${count(effect.amount, 'token')} (${effect.source}) ${WITHHELD[effect.because]}`],
      ];
    if (effect.kind === 'reward.to_treasury')
      return [
        [
          'to treasury',
          `${count(effect.amount, 'token')} (task), above the account cap of ${run.nameOf(effect.to)}`,
        ],
      ];
    return [];
  });
}
