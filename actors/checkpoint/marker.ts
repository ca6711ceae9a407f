/**
 * What a node remembers of a group that it began at a checkpoint, until all of the history behind it is here and
 * has been judged.
 *
 *   'checkpoint/' group  →  [the checkpoint's statement with its seal, the last height that is filled in + 1]
 */
import { concatBytes, fromHex, type Hex32, utf8 } from '../../events/bytes.ts';
import { decode, encode, type Of } from '../../events/codec.ts';
import { record, uint } from '../../events/fields.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';
import { type Statement, sealedStatementCodec, statementCodec } from './format.ts';

const markerCodec = record({ sealed: sealedStatementCodec, filled: uint(2 ** 48 - 1) });
export type Marker = Of<typeof markerCodec>;

const keyOf = (groupId: Hex32): Uint8Array => concatBytes(utf8('checkpoint/'), fromHex(groupId));

/** How much of the history before a checkpoint is here. */
export interface HistoryGap {
  /** Blocks from height 0 on that are here and judged. */
  readonly filled: number;
  /** The height of the checkpoint: from there on everything is here. */
  readonly height: number;
}

export function readMarker(records: OpaqueMap, groupId: Hex32): Marker | undefined {
  const bytes = records.get(keyOf(groupId));
  return bytes === undefined ? undefined : decode(markerCodec, bytes.slice());
}

export function writeMarker(records: OpaqueMap, groupId: Hex32, marker: Marker): Promise<void> {
  return records.put(keyOf(groupId), encode(markerCodec, marker));
}

export function deleteMarker(records: OpaqueMap, groupId: Hex32): Promise<void> {
  return records.delete(keyOf(groupId));
}

export function statementOf({ sealed }: Pick<Marker, 'sealed'>): Statement {
  return decode(statementCodec, sealed.statement);
}

/** The part of a group's history that is not here yet; nothing where all of it is. */
export function historyGap(records: OpaqueMap, groupId: Hex32): HistoryGap | undefined {
  const marker = readMarker(records, groupId);
  return marker && { filled: marker.filled, height: statementOf(marker).height };
}
