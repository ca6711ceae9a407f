/** What a question waits for, until it is answered or whoever asked is gone. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Comparison } from './comparison.ts';
import type { Ask } from './protocol.ts';
import type { QueryVector } from './retrieve.ts';

/** A question that waits: for its group to come up to the head, and then perhaps for vectors. */
export interface Waiting {
  readonly ask: Ask;
  readonly indexUntilMs: number;
  /** Aborted when whoever asked does not wait any more. */
  readonly gone: AbortController;
  /** Set once the group is up to the head, or the time for that is over: how long vectors are waited for. */
  embedUntilMs?: number | undefined;
  /** What the model makes of the query, once it was asked. */
  asked?: { readonly vector: QueryVector };
  /** Its file was made again for it: damage a second time is an answer. */
  isRecovered?: boolean;
  /** How far a comparison is. */
  comparison?: Comparison | undefined;
}

/** Until `work` is done or the time is over. Rejects when whoever waits is gone, or as `work` does. */
export async function within(ms: number, gone: AbortSignal, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const signal = AbortSignal.any([gone, done.signal]);
  try {
    await Promise.race([work, delay(ms, undefined, { signal })]);
  } finally {
    done.abort();
  }
}
