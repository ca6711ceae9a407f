/**
 * Where a history can be read from: a group of this node's store, or an export file.
 *
 * Replay, audit and time travel ask for nothing else, so each works on both. What only one of the two has is
 * optional: a store also has indexes and a state of its own to hold against the log, a file a checksum.
 */
import type { Hex32 } from '../../events/bytes.ts';
import { StorageError } from '../../storage/errors.ts';
import type { GroupReader } from '../../storage/port.ts';

/** Bytes that are kept under a hash; nothing where the place is there but its bytes cannot be read. */
export interface SourceArtifact {
  /** The hash that they are kept under, lower-case hex; whether they have it is for the reader to check. */
  readonly hash: Hex32;
  readonly bytes: Uint8Array | undefined;
}

/** A chain to read, from block 0 on. */
export interface HistorySource {
  readonly groupId: Hex32;
  /** The height of the last block; −1 for a group without any. */
  readonly height: number;
  /** The bytes of the blocks with from ≤ height < to, ascending. A gap is not closed: the blocks tell. */
  blocks(from?: number, to?: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** An artifact by its hash, unchecked. */
  artifact(hash: Hex32): Uint8Array | undefined;
  /** Every artifact, ascending by hash, unchecked. */
  artifacts(): Iterable<SourceArtifact>;
  /** The group's own store, whose state and indexes an audit compares with what the log says. */
  readonly store?: GroupReader;
  /** Checks what is around the history: the checksum of a file. Rejects with `ExportFileError`. */
  checkContainer?(): Promise<void>;
}

/**
 * A group of a store as a history. The height is the one at this moment; what comes later is not seen. For an
 * audit, `reader` must be a snapshot's, since it compares the state of one moment.
 */
export function sourceOf(reader: GroupReader): HistorySource {
  const height = reader.head()?.height ?? -1;
  return {
    groupId: reader.groupId,
    height,
    *blocks(from = 0, to = height + 1) {
      for (const { bytes } of reader.blocks(from, Math.min(to, height + 1))) yield bytes;
    },
    artifact: (hash) => reader.artifact(hash),
    *artifacts() {
      for (const { hash } of reader.artifacts()) yield { hash, bytes: readable(() => reader.artifact(hash)) };
    },
    store: reader,
  };
}

/** What `read` gives, or nothing where the store finds it damaged. Other failures pass through. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StorageError && error.code === 'corrupt') return undefined;
    throw error;
  }
}
