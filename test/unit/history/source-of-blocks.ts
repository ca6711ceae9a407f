import type { HistorySource } from '../../../actors/history/source.ts';
import type { Hex32 } from '../../../events/bytes.ts';

/** Blocks in memory as a history. */
export function sourceOfBlocks(groupId: Hex32, blocks: readonly Uint8Array[]): HistorySource {
  return {
    groupId,
    height: blocks.length - 1,
    blocks: (from, to) => blocks.slice(from, to),
    artifact: () => undefined,
    artifacts: () => [],
  };
}
