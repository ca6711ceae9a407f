/** One import at a time for each ledger: two would take each other's rows for those of an earlier pass. */
import { once } from 'node:events';

const last = new Map<string, Promise<unknown>>();

/** Runs `work` when everybody who came before is done. @throws the signal's reason while it waits */
export async function inTurn<T>(
  place: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const before = last.get(place);
  const mine = (async () => {
    if (before !== undefined) await whenDone(before, signal);
    return work();
  })();
  // Whoever comes next waits for all before it, also where this one gives up waiting.
  const settled = Promise.allSettled([before, mine]);
  last.set(place, settled);
  try {
    return await mine;
  } finally {
    if (last.get(place) === settled) last.delete(place);
  }
}

async function whenDone(before: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (signal === undefined) await before;
  else {
    const done = new AbortController();
    await Promise.race([before, once(signal, 'abort', { signal: done.signal }).catch(() => undefined)]);
    done.abort();
    signal.throwIfAborted();
  }
}
