/**
 * Which claims of a group are in, as far as somebody has asked: so that asking again costs nothing, however long the
 * chain of evidence is. A verdict stands until something that it was drawn from turns; a new claim turns none, since
 * evidence is older than what rests on it. So a retraction makes only those verdicts unknown that may follow from it,
 * each once, and the next who asks finds them again.
 *
 * What has to be walked is walked in slices, with whoever else has work in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Hex32 } from '../events/bytes.ts';
import { holding, holds, type KnownVerdicts, type Standing } from '../machines/knowledge.ts';
import type { WriteSet } from '../machines/state.ts';
import { retractionTable } from '../machines/tables.ts';

/** More than this are not remembered from one question to the next: some 40 MB. */
export const VERDICTS_MAX = 131_072;
/** Steps between two turns of the event loop: a few milliseconds. */
const STEPS_PER_TURN = 256;

export class Verdicts {
  private readonly read: (claim: Hex32) => Standing | undefined;
  private readonly max: number;
  private readonly verdicts = new Map<Hex32, boolean>();
  /** By claim, those whose verdict may have been drawn from its own. */
  private readonly drawn = new Map<Hex32, Set<Hex32>>();
  private readonly known: KnownVerdicts;
  /** Walks under way: what they have found so far is not thrown away before they end. */
  private walks = 0;

  constructor(read: (claim: Hex32) => Standing | undefined, max = VERDICTS_MAX) {
    this.read = read;
    this.max = max;
    this.known = {
      get: (claim) => this.verdicts.get(claim),
      set: (claim, verdict, evidence) => this.keep(claim, verdict, evidence),
    };
  }

  /** Whether a claim is in, in one go: it takes as long as what is not known yet is deep. */
  now(claim: Hex32): boolean {
    const isIn = holds(claim, this.read, this.known);
    this.trim();
    return isIn;
  }

  /** Whether a claim is in; whoever has work gets their turn in between. */
  async inTurns(claim: Hex32): Promise<boolean> {
    this.walks++;
    try {
      const walk = holding(claim, this.read, this.known);
      for (let steps = 1; ; steps++) {
        const step = walk.next();
        if (step.done === true) return step.value;
        if (steps % STEPS_PER_TURN === 0) await nextTurn();
      }
    } finally {
      this.walks--;
      this.trim();
    }
  }

  /** Takes in what a committed block wrote. */
  observe(writes: WriteSet): void {
    const turned = [...(writes.of(retractionTable) ?? [])].map(([claim]) => claim);
    for (let claim = turned.pop(); claim !== undefined; claim = turned.pop()) {
      if (!this.verdicts.delete(claim)) continue;
      const drawn = this.drawn.get(claim);
      this.drawn.delete(claim);
      if (drawn !== undefined) for (const dependent of drawn) turned.push(dependent);
    }
  }

  /** Forgets everything: the state may have changed in ways that nobody told. */
  clear(): void {
    this.verdicts.clear();
    this.drawn.clear();
  }

  private keep(claim: Hex32, verdict: boolean, evidence: readonly Hex32[]): void {
    this.verdicts.set(claim, verdict);
    for (const reference of evidence) {
      if (!this.verdicts.has(reference)) continue;
      const drawn = this.drawn.get(reference);
      if (drawn === undefined) this.drawn.set(reference, new Set([claim]));
      else drawn.add(claim);
    }
  }

  private trim(): void {
    if (this.walks === 0 && this.verdicts.size > this.max) this.clear();
  }
}
