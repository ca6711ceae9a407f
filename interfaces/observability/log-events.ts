/** What happens on the bus, as lines of the log: halts and openings, and for whoever looks closer every block. */
import type { Bus } from '../../actors/bus.ts';
import type { LogEvent, MomentEvent } from '../../events/bus.ts';
import type { Logger } from './logger.ts';

/** How much each event of the moment matters; `info` where nothing is said. */
const LEVELS: Readonly<Partial<Record<MomentEvent['kind'], 'error' | 'warn' | 'debug'>>> = {
  'group.halted': 'error',
  'evidence.equivocation': 'error',
  'peer.banned': 'warn',
  'peer.connected': 'debug',
  'peer.disconnected': 'debug',
  'sync.progress': 'debug',
  'history.progress': 'debug',
  'evidence.checkpoint': 'error',
  'tx.refused': 'debug',
  'views.rebuilt': 'warn',
  'views.failed': 'error',
};

/**
 * Logs the events of a bus until it closes, or until the returned function is called. Events of the log are made
 * for level `trace` alone: a bus that nobody listens to does not decode effects.
 */
export function logEvents(bus: Bus, logger: Logger): () => void {
  const subscriptions = [bus.moment$.subscribe((event) => logMoment(logger, event))];
  if (logger.isLevelEnabled('debug'))
    subscriptions.push(bus.head$.subscribe((head) => logger.debug(head, 'block committed')));
  if (logger.isLevelEnabled('trace'))
    subscriptions.push(bus.log$.subscribe((event) => logLogEvent(logger, event)));
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

function logMoment(logger: Logger, event: MomentEvent): void {
  logger[LEVELS[event.kind] ?? 'info'](event, event.kind);
}

function logLogEvent(logger: Logger, { event, ...place }: LogEvent): void {
  logger.trace({ ...place, kind: event.kind, event }, 'event of the log');
}
