/**
 * Verbs that cannot be undone want the name of the thing typed: on a terminal when they ask, elsewhere with
 * `--yes-i-mean=NAME`. The message never contains the answer, since agents paste what they read.
 */
import type { Command } from 'commander';
import { UsageError } from '../../actors/errors.ts';
import { PREFIX_DIGITS_MIN } from '../../actors/ids.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Run } from './context.ts';

export interface ConfirmOptions {
  readonly yesIMean?: string;
}

export function confirmOption(command: Command): Command {
  return command.option('--yes-i-mean <name>', 'confirms, where there is no terminal to ask on');
}

/**
 * Asks whether this member is meant.
 * @param what what happens, as a sentence without its end: `this removes a member`
 * @throws UsageError unless the answer is one of the member's names or the beginning of their key
 */
export async function confirmMember(
  run: Run<ConfirmOptions>,
  what: string,
  member: { readonly key: Hex32; readonly names: readonly (string | undefined)[] },
): Promise<void> {
  const isMeant = (answer: string): boolean =>
    member.names.includes(answer) ||
    (answer.length >= PREFIX_DIGITS_MIN && member.key.startsWith(answer.toLowerCase()));
  const { yesIMean } = run.options;
  const how = `the member's name or the first ${PREFIX_DIGITS_MIN} digits of the key`;
  if (yesIMean === undefined && !run.terminal.isInteractive)
    throw new UsageError(`${what}; confirm with --yes-i-mean=NAME, where NAME is ${how}`);
  const answer =
    yesIMean ?? (await run.terminal.ask(`${what}. Type ${how}: `, { isShown: true, signal: run.signal }));
  if (!isMeant(answer)) throw new UsageError(`"${answer}" is not ${how}; nothing was changed`);
}
