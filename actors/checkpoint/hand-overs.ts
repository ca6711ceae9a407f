/**
 * Where the sealing of a group was handed over. Nothing that is stored says so by itself: each log is looked through
 * once in a run of the node, for the first who asks, and from there on only in what is new.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Hex32 } from '../../events/bytes.ts';
import { decodeEffects } from '../../storage/effects.ts';
import type { GroupReader } from '../../storage/port.ts';
import { eventsOfStoredBlock } from '../chain/publish.ts';

const BLOCKS_PER_TURN = 256;

interface Known {
  /** The last height that was looked at, and every one before it was. */
  readonly to: number;
  readonly heights: readonly number[];
}

const NOTHING: Known = { to: -1, heights: [] };

export class HandOvers {
  /** By group, the groups of this node: who asks while a log is looked through waits for the same look. */
  private readonly known = new Map<Hex32, Promise<Known>>();

  /**
   * Heights of the blocks that handed the sealing over, ascending.
   * @returns nothing where not all of the history is here
   * @throws StorageError
   */
  async heightsOf(reader: GroupReader): Promise<readonly number[] | undefined> {
    const { groupId } = reader;
    const { height } = reader.head()!;
    const before = this.known.get(groupId) ?? Promise.resolve(NOTHING);
    const looking = before.then((known) => lookedThrough(reader, known));
    this.known.set(groupId, looking);
    // What could not be read is looked at again by the next who asks.
    looking.catch(() => this.known.get(groupId) === looking && this.known.delete(groupId));
    const { to, heights } = await looking;
    return to < height ? undefined : heights.filter((one) => one <= height);
  }
}

/** What is known of a log after the blocks have been looked at that were not before. */
async function lookedThrough(reader: GroupReader, known: Known): Promise<Known> {
  const heights = [...known.heights];
  const { height: head } = reader.head()!;
  for (let height = known.to + 1; height <= head; height++) {
    const effects = reader.effects(height);
    // Before a checkpoint, where the history has not been filled in yet.
    if (effects === undefined) return { to: height - 1, heights };
    if (decodeEffects(effects).some(({ effect }) => effect.kind === 'sealers.changed')) heights.push(height);
    if (height % BLOCKS_PER_TURN === 0) await turn();
  }
  return { to: Math.max(known.to, head), heights };
}

/** The transaction that handed the sealing over in a block; of several the last one, which holds from then on. */
export function handOverIn(reader: GroupReader, height: number): Hex32 | undefined {
  let txId: Hex32 | undefined;
  for (const entry of eventsOfStoredBlock(reader, height))
    if (entry.event.kind === 'sealers.changed') txId = entry.txId;
  return txId;
}
