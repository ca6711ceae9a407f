/** Events as the command line names and shows them: what `log` and `watch` share. */
import { UsageError } from '../../actors/errors.ts';
import { type Cursor, formatCursor, type LogEvent, type MomentEvent, parseCursor } from '../../events/bus.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { EffectKind } from '../../events/effects.ts';
import { describeFact } from './facts.ts';
import { parseList } from './parse.ts';
import type { Column } from './table.ts';
import { formatTime } from './text.ts';

export type LogKind = EffectKind | 'block.sealed';
export type MomentKind = MomentEvent['kind'];

/** Every kind of event of the log; the type makes sure that none is forgotten or misspelt. */
const LOG_KINDS: Readonly<Record<LogKind, true>> = {
  'group.created': true,
  'rules.upgraded': true,
  'policy.changed': true,
  'time.corrected': true,
  'member.changed': true,
  'invite.changed': true,
  'profile.changed': true,
  'sealers.proposed': true,
  'sealers.changed': true,
  'tokens.minted': true,
  'tokens.transferred': true,
  'treasury.spent': true,
  'reward.paid': true,
  'reward.skipped': true,
  'reward.to_treasury': true,
  'reward.returned': true,
  'claim.published': true,
  'claim.retracted': true,
  'claim.reinstated': true,
  'experience.recorded': true,
  'task.changed': true,
  'presence.changed': true,
  'offer.created': true,
  'offer.revoked': true,
  'purchase.changed': true,
  'payout.made': true,
  'payout.to_treasury': true,
  'seller.marked': true,
  'block.sealed': true,
};

/** Every kind of event of the moment, which has no place in the log. */
const MOMENT_KINDS: Readonly<Record<MomentKind, true>> = {
  'tx.refused': true,
  'group.opened': true,
  'group.halted': true,
  'group.restarted': true,
  'task.overdue': true,
  'task.leaseExpired': true,
  'presence.stale': true,
  'clock.jumped': true,
  'clock.restored': true,
  'views.rebuilt': true,
  'views.progress': true,
  'views.failed': true,
  'peer.connected': true,
  'peer.disconnected': true,
  'peer.banned': true,
  'peer.suspected': true,
  'sync.progress': true,
  'history.progress': true,
  'evidence.equivocation': true,
  'evidence.checkpoint': true,
};

export const LOG_KIND_LIST = Object.keys(LOG_KINDS) as readonly LogKind[];
export const MOMENT_KIND_LIST = Object.keys(MOMENT_KINDS) as readonly MomentKind[];

/** The kinds that `--kind` names; nothing where it was not given. */
export function parseKinds<K extends string>(
  text: string | undefined,
  known: readonly K[],
): readonly K[] | undefined {
  if (text === undefined) return undefined;
  return parseList(text).flatMap((given) => {
    const kinds = known.filter((kind) => kind === given || kind.startsWith(`${given}.`));
    if (kinds.length === 0) throw new UsageError(`--kind ${given}: there are ${known.join(', ')}`);
    return kinds;
  });
}

/** @throws UsageError for anything but a cursor */
export function cursorOf(text: string): Cursor {
  const cursor = parseCursor(text);
  if (cursor === undefined) throw new UsageError(`--after ${text}: that is no cursor`);
  return cursor;
}

/** An event of the log as machines get it. */
export function eventWire(event: LogEvent): Readonly<Record<string, unknown>> {
  return { cursor: formatCursor(event), ...event };
}

/** The columns of a list of events. */
export function eventColumns(name: (id: Hex32) => string): readonly Column<LogEvent>[] {
  return [
    { header: 'place', value: ({ height, index }) => `${height}.${index}` },
    {
      header: 'time',
      value: ({ tsMs }) => formatTime(tsMs).slice(0, 19),
      plain: ({ tsMs }) => formatTime(tsMs),
    },
    { header: 'event', value: ({ event }) => event.kind },
    {
      header: 'author',
      value: ({ author }) => (author === undefined ? '' : name(author)),
      plain: ({ author }) => author ?? '',
      isFlexible: true,
    },
    { header: 'what', value: ({ event }) => describeFact(event, name), isText: true },
  ];
}
