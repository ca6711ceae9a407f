/**
 * Tells subscribers which resources changed. Events of one moment are put together, so that a burst of a thousand
 * tasks is one notification for each address, and a listener costs nothing while nothing happens.
 */
import type { Subscription } from 'rxjs';
import type { LogEvent } from '../../events/bus.ts';
import type { BatteryNode } from '../../node.ts';
import { groupUri } from './resources.ts';

/** Events within this span are told together. */
const GATHER_MS = 20;
/** Addresses of one telling; beyond, subscribers of single tasks and claims of that burst are not told. */
const ADDRESSES_MAX = 10_000;

export interface Changes {
  /** Addresses whose resource is another now. */
  readonly updated: ReadonlySet<string>;
  /** Whether there are other resources than before. */
  readonly isListChanged: boolean;
}

/** Calls `tell` after every change until it is disposed of. */
export function watchChanges(node: BatteryNode, tell: (changes: Changes) => void): Disposable {
  let updated = new Set<string>();
  let isListChanged = false;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    const changes = { updated, isListChanged };
    updated = new Set();
    isListChanged = false;
    tell(changes);
  };
  const note = (addresses: readonly string[]): void => {
    for (const address of addresses) if (updated.size < ADDRESSES_MAX) updated.add(address);
    if (updated.size > 0 || isListChanged) timer ??= setTimeout(flush, GATHER_MS);
  };
  const subscriptions: Subscription[] = [
    node.bus.log$.subscribe((event) => note(addressesOf(event))),
    node.bus.moment$.subscribe((event) => {
      if (event.kind !== 'group.opened') return;
      isListChanged = true;
      note(['lb://groups']);
    }),
  ];
  return {
    [Symbol.dispose]() {
      for (const subscription of subscriptions) subscription.unsubscribe();
      clearTimeout(timer);
    },
  };
}

/** The resources that an event changes. */
function addressesOf({ groupId, event }: LogEvent): string[] {
  const group = groupUri(groupId);
  switch (event.kind) {
    case 'claim.published':
      return [`${group}/claims`];
    case 'claim.retracted':
    case 'claim.reinstated':
      return [`${group}/claims`, `${group}/claims/${event.claim}`];
    case 'task.changed':
      return [`${group}/tasks`, `${group}/tasks/${encodeURIComponent(event.task)}`];
    case 'purchase.changed':
      return [`${group}/purchases/${event.purchase}`];
    case 'policy.changed':
    case 'time.corrected':
    case 'member.changed':
    case 'sealers.changed':
    case 'rules.upgraded':
      return [group];
    default:
      return [];
  }
}
