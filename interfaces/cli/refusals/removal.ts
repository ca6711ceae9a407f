/** The end of a membership in words: when it was, by whom, and the way back. */
import type { Removal } from '../../../events/receipt.ts';
import { moment, type Say } from './say.ts';

/** What somebody can do who was removed. Nothing of what is here is lost. */
export const BACK_IN =
  'what is here up to then stays readable; an admin can add you again with lb add-member, or give you a code for lb join';

/** `you were removed at 2026-01-31 12:00:00 UTC (2h ago), in block 17, by bob`. */
export function removalInWords({ member, height, tsMs, by }: Removal, say: Say): string {
  if (height === undefined || tsMs === undefined) return 'you were removed from the group';
  const did = by === member ? 'left' : 'were removed';
  const who = by === undefined || by === member ? '' : `, by ${say.name(by)}`;
  return `you ${did} at ${moment(tsMs, say)}, in block ${height}${who}`;
}
