/**
 * Where in a log something of one kind happened. Nothing that is stored says so by itself: each log is looked through
 * once in a run of the node, for the first who asks, and from there on only in what is new.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Hex32 } from '../../events/bytes.ts';
import type { Effect } from '../../events/effects.ts';
import { decodeEffects } from '../../storage/effects.ts';
import type { GroupReader } from '../../storage/port.ts';

const BLOCKS_PER_TURN = 256;

/** What was picked, and the block that brought it about. */
export interface Happened<T> {
  readonly height: number;
  readonly what: T;
}

interface Known<T> {
  /** The last height that was looked at, and every one before it was. */
  readonly to: number;
  readonly happened: readonly Happened<T>[];
}

export class EffectScan<T> {
  /** What of an effect is wanted, where it is of the kind. */
  private readonly pick: (effect: Effect) => T | undefined;
  /** By group, the groups of this node: who asks while a log is looked through waits for the same look. */
  private readonly known = new Map<Hex32, Promise<Known<T>>>();

  constructor(pick: (effect: Effect) => T | undefined) {
    this.pick = pick;
  }

  /**
   * All that happened up to the present head, in the order of the log.
   * @returns nothing where not all of the history is here
   * @throws StorageError
   */
  async of(reader: GroupReader): Promise<readonly Happened<T>[] | undefined> {
    const { groupId } = reader;
    const { height } = reader.head()!;
    const before = this.known.get(groupId) ?? Promise.resolve<Known<T>>({ to: -1, happened: [] });
    const looking = before.then((known) => this.lookedThrough(reader, known));
    this.known.set(groupId, looking);
    // What could not be read is looked at again by the next who asks.
    looking.catch(() => this.known.get(groupId) === looking && this.known.delete(groupId));
    const { to, happened } = await looking;
    return to < height ? undefined : happened.filter((one) => one.height <= height);
  }

  /** What is known of a log after the blocks have been looked at that were not before. */
  private async lookedThrough(reader: GroupReader, known: Known<T>): Promise<Known<T>> {
    const happened = [...known.happened];
    const { height: head } = reader.head()!;
    for (let height = known.to + 1; height <= head; height++) {
      const effects = reader.effects(height);
      // Before a checkpoint, where the history has not been filled in yet.
      if (effects === undefined) return { to: height - 1, happened };
      for (const { effect } of decodeEffects(effects)) {
        const what = this.pick(effect);
        if (what !== undefined) happened.push({ height, what });
      }
      if (height % BLOCKS_PER_TURN === 0) await turn();
    }
    return { to: Math.max(known.to, head), happened };
  }
}
