/**
 * Where a reader stands in the logs of several groups, as one opaque text: the cursor of `watch_claims` and of the
 * event stream. Time is not in it. A group that the text does not name came after it was made, and is read from its
 * beginning, so that nothing is ever skipped.
 */
import { UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import type { Hex32 } from '../../events/bytes.ts';

/** The next event to read. */
export interface Place {
  readonly height: number;
  readonly index: number;
}

const PREFIX = 'e1.';
const START: Place = { height: 0, index: 0 };
/** Digits of a group's id that stand for it: enough that two groups of one node never share them. */
const ID_DIGITS = 16;
export class Places {
  /** Groups that one cursor can hold; with more, a reader names one. */
  static readonly GROUPS_MAX = 256;
  private readonly places: Map<string, Place>;

  private constructor(places: Map<string, Place>) {
    this.places = places;
  }

  /** Where every group begins. */
  static atStart(): Places {
    return new Places(new Map());
  }

  /** Where the groups end now. @throws UsageError where there are too many */
  static atHead(groups: readonly Group[]): Places {
    if (groups.length > Places.GROUPS_MAX)
      throw new UsageError(
        `there are ${groups.length} groups, more than one cursor holds; name one in group_id`,
      );
    const places = new Places(new Map());
    for (const group of groups) places.set(group.groupId, { height: group.head.height + 1, index: 0 });
    return places;
  }

  /** @throws UsageError for anything that `toText` did not make */
  static fromText(text: string): Places {
    const places = new Map<string, Place>();
    if (text === PREFIX) return new Places(places);
    const parts = text.startsWith(PREFIX) ? decoded(text.slice(PREFIX.length)) : undefined;
    for (const part of parts ?? ['']) {
      const match = /^([0-9a-f]{16}):(\d{1,15}):(\d{1,9})$/.exec(part);
      if (match === null)
        throw new UsageError(
          'that is no cursor; leave it out to begin now, or take one from an earlier result',
        );
      places.set(match[1]!, { height: Number(match[2]), index: Number(match[3]) });
    }
    return new Places(places);
  }

  get(groupId: Hex32): Place {
    return this.places.get(groupId.slice(0, ID_DIGITS)) ?? START;
  }

  set(groupId: Hex32, place: Place): void {
    this.places.set(groupId.slice(0, ID_DIGITS), place);
  }

  toText(): string {
    const parts = Array.from(this.places, ([id, { height, index }]) => `${id}:${height}:${index}`);
    return PREFIX + Buffer.from(parts.join(' ')).toString('base64url');
  }
}

function decoded(text: string): string[] | undefined {
  const plain = Buffer.from(text, 'base64url').toString();
  return plain.length <= Places.GROUPS_MAX * 48 ? plain.split(' ') : undefined;
}
