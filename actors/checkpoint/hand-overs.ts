/** Where the sealing of a group was handed over. */
import type { Hex32 } from '../../events/bytes.ts';
import type { GroupReader } from '../../storage/port.ts';
import { eventsOfStoredBlock } from '../chain/publish.ts';
import { EffectScan } from '../history/effect-scan.ts';

export class HandOvers {
  private readonly scan = new EffectScan(({ kind }) => (kind === 'sealers.changed' ? true : undefined));

  /**
   * Heights of the blocks that handed the sealing over, ascending.
   * @returns nothing where not all of the history is here
   * @throws StorageError
   */
  async heightsOf(reader: GroupReader): Promise<readonly number[] | undefined> {
    const happened = await this.scan.of(reader);
    return happened && [...new Set(happened.map(({ height }) => height))];
  }
}

/** The transaction that handed the sealing over in a block; of several the last one, which holds from then on. */
export function handOverIn(reader: GroupReader, height: number): Hex32 | undefined {
  let txId: Hex32 | undefined;
  for (const entry of eventsOfStoredBlock(reader, height))
    if (entry.event.kind === 'sealers.changed') txId = entry.txId;
  return txId;
}
