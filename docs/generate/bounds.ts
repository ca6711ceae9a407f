/** What may wait in a node, how much of it, and what happens then; each bound of `actors/bounds.ts` must be here. */
import * as bounds from '../../actors/bounds.ts';
import { RESTART_MS_MAX, RESTART_MS_MIN } from '../../actors/node/node.machine.ts';
import { number, span, table } from './table.ts';

/** What is bounded, and what happens at the bound. Total: a bound without a policy does not compile. */
const POLICIES: { readonly [K in keyof typeof bounds]: readonly [what: string, policy: string] } = {
  SUBMISSIONS_MAX: [
    'transactions of a group that wait to be sealed',
    'the submitter waits for room: slowed, never dropped',
  ],
  COMMITS_IN_FLIGHT_MAX: ['blocks of a group on their way to disk', 'the sealer waits; transactions gather'],
  FOLLOW_BATCHES_MAX: [
    'batches of foreign blocks under way',
    'the source of the blocks is not read meanwhile',
  ],
  CACHE_GENERATION_ENTRIES: [
    'decoded records of a group, two generations of them',
    'the older generation is forgotten and read again from storage',
  ],
  CACHE_GENERATION_BYTES: ['bytes that a generation of them was encoded in', 'the same'],
  WATCH_EVENTS_DEFAULT: [
    'events that wait for a subscriber of `watch`',
    'the older half goes; the subscriber gets `events.skipped` with counts and cursors',
  ],
  WATCH_EVENTS_MAX: ['the most that a subscriber of `watch` may ask for', '`UsageError`'],
  WATCHERS_MAX: ['subscribers of `watch` at once', '`TooManyWatchersError`, before anything is held'],
  GAPS_MAX: ['groups whose gap one `events.skipped` locates', 'the others are counted in `uncountedGroups`'],
  DEADLINES_MAX: [
    'deadlines held per task board or presence',
    'the later half stays in the state and is read again when its time comes',
  ],
  RAISED_MAX: [
    'told deadlines that a watch remembers',
    'the oldest are forgotten: told again if their task changes',
  ],
  BEATS_MAX: [
    'members of a group whose last beat is remembered',
    'the one unheard for longest is forgotten: stale by the chain alone',
  ],
  BEAT_GAP_MS_MIN: ['time between two beats of a member', 'the later beat is dropped unchecked'],
};

/** What is bounded by how it is built, or in another room. */
const OTHERS: readonly (readonly string[])[] = [
  ['events of a group read with `events`', 'one block', 'none waits: a stream holds a cursor and reads on'],
  [
    'listeners of the bus',
    'no queue',
    'called in turn, within the block that they hear of: for actors; others use `watch`',
  ],
  [
    'chunks of signatures per thread',
    'one checked, one ready',
    '`verify` waits, and so does whoever submits or follows',
  ],
  ['questions that wait for the views', '4,096', 'refused with `views_busy`'],
  ['queries in SQL at once, and waiting', '2, and 64', 'refused with `views_busy`'],
  ['files of views that are open', '32', 'the one unused for longest is closed'],
  [
    'postings that the search holds in memory, per group',
    '64 MiB',
    'those of the term unused for longest are read again',
  ],
  ['alarms', 'one per group and part', 'one timer of the system serves all'],
  [
    'failed actors',
    'one per group and part',
    `tried again after ${span(RESTART_MS_MIN)}, then twice as long, up to ${span(RESTART_MS_MAX)}`,
  ],
];

const VALUES: Readonly<Record<keyof typeof bounds, number>> = bounds;

function valueInWords(name: keyof typeof bounds): string {
  return name.includes('_MS') ? span(VALUES[name]) : number(VALUES[name]);
}

export function boundsTable(): string {
  const rows = (Object.keys(POLICIES) as (keyof typeof bounds)[]).map((name) => {
    const [what, policy] = POLICIES[name];
    return [what, `${valueInWords(name)} (\`${name}\`)`, policy];
  });
  return table(['what', 'bound', 'at the bound'], [...rows, ...OTHERS]);
}
