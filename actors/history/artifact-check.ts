/**
 * Artifacts against the log: whatever claims and experiences refer to must be there, have its hash and be what its
 * operation says, and nothing else may be kept for the group. The order of the source does not matter; of several
 * broken ones the first in the log is found, and bytes that nothing refers to come after all of them.
 */
import { sha256 } from '../../crypto/hash.ts';
import { type ArtifactFault, claimFault, experienceFault } from '../../events/artifact.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import type { StateBase } from '../../machines/state.ts';
import { claimTable } from '../../machines/tables.ts';
import type { FinalBlock } from '../chain/judge.ts';
import type { Finding } from './findings.ts';
import type { Place } from './replay.ts';
import type { SourceArtifact } from './source.ts';

interface Needed {
  readonly place: Place;
  /** Which one it is of all that the log refers to. */
  readonly order: number;
}

export class ArtifactCheck {
  readonly #state: StateBase;
  /** What must be there, by where it was referred to. */
  readonly #needed = new Map<Hex32, Needed>();
  #noted = 0;
  #first: { readonly order: number; readonly finding: Finding } | undefined;
  /** Artifacts that are there with the right hash. */
  count = 0;

  /** @param state of the history, once all of its blocks are judged: what the operations said is in it */
  constructor(state: StateBase) {
    this.#state = state;
  }

  /** Takes up what a judged block refers to. */
  note({ header, judged }: FinalBlock): void {
    const { height } = header;
    for (const [transaction, { txId, operations }] of judged.accepted.entries()) {
      for (const operation of operations) {
        if (operation.type !== 'claim' && operation.type !== 'experience') continue;
        this.#needed.set(operation.artifact, { place: { height, transaction, txId }, order: this.#noted++ });
      }
    }
  }

  /**
   * Looks at one artifact of the source.
   * @param lastHeight where one is said to be that no block refers to
   */
  check({ hash, bytes }: SourceArtifact, lastHeight: number): void {
    const { place, order } = this.#needed.get(hash) ?? {
      place: { height: lastHeight },
      order: Number.POSITIVE_INFINITY,
    };
    const isStray = !this.#needed.delete(hash);
    const actual = bytes === undefined ? undefined : toHex(sha256(bytes));
    if (bytes === undefined || actual !== hash) {
      this.#found(order, { ...place, check: 'artifact_mismatch', artifact: hash, actual });
      return;
    }
    this.count++;
    if (isStray) {
      this.#found(order, { ...place, check: 'artifact_stray', artifact: hash });
      return;
    }
    const fault = this.#faultOf(hash, bytes);
    if (fault !== undefined) this.#found(order, { ...place, check: 'artifact_unfit', artifact: hash, fault });
  }

  #faultOf(hash: Hex32, bytes: Uint8Array): ArtifactFault | undefined {
    const claim = this.#state.get(claimTable, hash);
    return claim === undefined ? experienceFault(bytes) : claimFault(bytes, claim);
  }

  /** The first broken one, once all have been looked at. */
  finding(): Finding | undefined {
    for (const [artifact, { place, order }] of this.#needed)
      this.#found(order, { ...place, check: 'artifact_missing', artifact });
    return this.#first?.finding;
  }

  #found(order: number, finding: Finding): void {
    if (this.#first === undefined || order < this.#first.order) this.#first = { order, finding };
  }
}
