/**
 * How much may wait in this room, in one place, as `events/limits.ts` is for the protocol. These are the node's own
 * business: nodes need not agree on them. What happens at each bound is in docs/ARCHITECTURE.md, in a table that is
 * made from here.
 */

/** Transactions that wait to be sealed, of one group; at 20,000 a second less than a second of work. */
export const SUBMISSIONS_MAX = 16_384;
/** Blocks of one group on their way to disk: one being flushed, one being written. */
export const COMMITS_IN_FLIGHT_MAX = 2;
/** Batches of foreign blocks under way at once: one is judged while the signatures of the others are checked. */
export const FOLLOW_BATCHES_MAX = 3;
/** Records per generation of the state cache. At some 500 bytes each, two generations stay under 64 MB. */
export const CACHE_GENERATION_ENTRIES = 65_536;
/** The same in bytes of their encoded values, since some are fat. Decoded they take two to three times as many. */
export const CACHE_GENERATION_BYTES = 16 * 1024 * 1024;
/** Events that wait for one subscriber of `watch`, unless it asks for another number. */
export const WATCH_EVENTS_DEFAULT = 1_024;
export const WATCH_EVENTS_MAX = 65_536;
/** Subscribers of `watch` at once. Each holds its queue. */
export const WATCHERS_MAX = 1_024;
/** Groups of which one notice says where their gap begins. */
export const GAPS_MAX = 256;
/** Deadlines held per group and kind of watch; those behind the horizon stay in the state. */
export const DEADLINES_MAX = 4_096;
/** Deadlines that a watch remembers having told. */
export const RAISED_MAX = 4_096;
/** Members of a group whose last beat is remembered. */
export const BEATS_MAX = 65_536;
/** A beat that came sooner than this after the last of the same member is dropped before its signature is checked. */
export const BEAT_GAP_MS_MIN = 1_000;
