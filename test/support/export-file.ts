/** Export files put together by hand, well formed around whatever is in them. */
import {
  END_BYTES,
  endCounts,
  exportHeader,
  FRAME,
  type FrameKind,
  frameHead,
  MAGIC,
} from '../../actors/history/export-format.ts';
import { sha256 } from '../../crypto/hash.ts';
import { concatBytes, type Hex32 } from '../../events/bytes.ts';
import { encode } from '../../events/codec.ts';

export interface ExportParts {
  readonly groupId: Hex32;
  readonly blocks: readonly Uint8Array[];
  readonly artifacts: readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[];
}

export function assembleExport({ groupId, blocks, artifacts }: ExportParts): Uint8Array {
  const header = encode(exportHeader, { groupId, height: blocks.length - 1 });
  const frame = (kind: FrameKind, bytes: Uint8Array) => concatBytes(frameHead(kind, bytes.length), bytes);
  const before = concatBytes(
    MAGIC,
    frame(FRAME.header, header),
    ...blocks.map((bytes) => frame(FRAME.block, bytes)),
    ...artifacts.map(({ hash, bytes }) => frame(FRAME.artifact, concatBytes(hash, bytes))),
    frameHead(FRAME.end, END_BYTES),
    endCounts(blocks.length, artifacts.length),
  );
  return concatBytes(before, sha256(before));
}
