/** Brings the ledger's index of a group's claims up to date, a little at a time: others share this thread. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Group } from '../../../actors/group.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { MalformedError } from '../../../events/reader.ts';
import type { Ledger } from './ledger.ts';

/** Some ten milliseconds of work. */
const CLAIMS_PER_TURN = 500;

/** Claims whose text is not here, or is no text, are not known; they are looked for again the next time. */
export async function indexClaims(group: Group, ledger: Ledger, signal?: AbortSignal): Promise<void> {
  await ledger.merge(true);
  let count = 0;
  for (const { claim, parent } of group.now.claims()) {
    if (!ledger.isIndexed(claim)) {
      const text = textOf(group, claim);
      if (text !== undefined) ledger.index(claim, parent, text);
    }
    if (++count % CLAIMS_PER_TURN !== 0) continue;
    ledger.keep();
    await turn();
    signal?.throwIfAborted();
  }
  ledger.keep();
}

function textOf(group: Group, claim: Hex32): string | undefined {
  try {
    return group.claimContent(claim)?.text;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
