/**
 * What the group says already, so that nothing is said twice.
 *
 * A claim is known by its parent and its text; when it was made does not matter. It is found again by its place too,
 * which is its parent and its first line: a claim at the same place with another text is an earlier version of the
 * section. What was threaded under an earlier version stays there, so an edit adds the edited section and nothing
 * below it.
 */
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Group } from '../../../actors/group.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { MalformedError } from '../../../events/reader.ts';

/** Claims that are read in one go before others get a turn. */
const CLAIMS_PER_TURN = 2_000;

/** A short name for a parent and a text: 96 bits, so that a million claims collide with a chance of 10⁻¹⁷. */
function keyOf(parent: Hex32 | undefined, text: string): string {
  const hash = createHash('sha256');
  hash.update(parent ?? '').update('\n');
  return hash.update(text).digest('base64').slice(0, 16);
}

function firstLine(text: string): string {
  return /^[^\r\n]*/.exec(text)![0].trimEnd();
}

export class KnownClaims {
  private readonly byText = new Map<string, Hex32>();
  private readonly byPlace = new Map<string, Hex32[]>();

  /** Reads the claims of the group. Those whose text is not here, or is no text, are not known. */
  static async read(group: Group, signal?: AbortSignal): Promise<KnownClaims> {
    const known = new KnownClaims();
    let count = 0;
    for (const { claim, parent } of group.now.claims()) {
      const text = textOf(group, claim);
      if (text !== undefined) known.add(claim, parent, text);
      if (++count % CLAIMS_PER_TURN !== 0) continue;
      await turn();
      signal?.throwIfAborted();
    }
    return known;
  }

  add(claim: Hex32, parent: Hex32 | undefined, text: string): void {
    this.byText.set(keyOf(parent, text), claim);
    const place = keyOf(parent, firstLine(text));
    const there = this.byPlace.get(place);
    if (there === undefined) this.byPlace.set(place, [claim]);
    else there.push(claim);
  }

  /** The claim with this text under any of `parents`. */
  find(parents: readonly (Hex32 | undefined)[], text: string): Hex32 | undefined {
    for (const parent of parents) {
      const claim = this.byText.get(keyOf(parent, text));
      if (claim !== undefined) return claim;
    }
    return undefined;
  }

  /** The claims that stand where `text` would: same parent, same first line. */
  atPlaceOf(parents: readonly (Hex32 | undefined)[], text: string): Hex32[] {
    const line = firstLine(text);
    return parents.flatMap((parent) => this.byPlace.get(keyOf(parent, line)) ?? []);
  }
}

function textOf(group: Group, claim: Hex32): string | undefined {
  try {
    return group.claimContent(claim)?.text;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
