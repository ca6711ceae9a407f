/**
 * Artifacts against the log: whatever claims and experiences refer to must be there and have its hash, and so must
 * everything else that is kept for the group (packages of offers, where they are). The order of the source does not
 * matter; of several broken ones the first in the log is found.
 */
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import type { FinalBlock } from '../chain/judge.ts';
import type { Finding } from './findings.ts';
import type { Place } from './replay.ts';
import type { SourceArtifact } from './source.ts';

export class ArtifactCheck {
  /** What must be there, by where it was first referred to. */
  readonly #needed = new Map<Hex32, Place>();
  #first: Finding | undefined;
  /** Artifacts that are there with the right hash. */
  count = 0;

  /** Takes up what a judged block refers to. */
  note({ header, judged }: FinalBlock): void {
    const { height } = header;
    for (const [transaction, { txId, operations }] of judged.accepted.entries()) {
      for (const operation of operations) {
        if (operation.type === 'claim' || operation.type === 'experience')
          this.#needed.set(operation.artifact, { height, transaction, txId });
      }
    }
  }

  /**
   * Looks at one artifact of the source.
   * @param lastHeight where a broken one is said to be that no block refers to
   */
  check({ hash, bytes }: SourceArtifact, lastHeight: number): void {
    const actual = bytes === undefined ? undefined : toHex(sha256(bytes));
    const place = this.#needed.get(hash);
    this.#needed.delete(hash);
    if (actual === hash) this.count++;
    else
      this.#found({
        ...(place ?? { height: lastHeight }),
        check: 'artifact_mismatch',
        artifact: hash,
        actual,
      });
  }

  /** The first broken one, once all have been looked at. */
  finding(): Finding | undefined {
    for (const [artifact, place] of this.#needed)
      this.#found({ ...place, check: 'artifact_missing', artifact });
    return this.#first;
  }

  #found(finding: Finding): void {
    if (this.#first === undefined || isBefore(finding, this.#first)) this.#first = finding;
  }
}

function isBefore(a: Place, b: Place): boolean {
  if (a.height !== b.height) return a.height < b.height;
  return (a.transaction ?? Number.POSITIVE_INFINITY) < (b.transaction ?? Number.POSITIVE_INFINITY);
}
