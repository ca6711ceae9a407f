/**
 * A history that can be told whole from torn: what commit number n writes. Free of the test framework, because the
 * child process runs it.
 */
import { utf8 } from '../../events/bytes.ts';
import type { CommitBatch } from '../../storage/port.ts';

export const GROUP = 'cd'.repeat(32);

/** Cells that every commit rewrites: enough for some dozen pages. */
export const CELLS = 200;
export const BLOCK_BYTES = 3000;

export function idAt(height: number, kind: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(kind);
  new DataView(bytes.buffer).setUint32(0, height);
  return bytes;
}

/** The commit that makes `height` the head. */
export function commitAt(height: number): CommitBatch {
  const value = utf8(`written at ${height}`);
  const cells = Array.from({ length: CELLS }, (_, cell) => [`cell/${cell * 7919}`, value] as const);
  return {
    blocks: [
      { height, id: idAt(height, 1), bytes: new Uint8Array(BLOCK_BYTES).fill(height), effects: value },
    ],
    head: {
      height,
      blockId: Buffer.from(idAt(height, 1)).toString('hex'),
      tsMs: height,
      frontier: [idAt(height, 2)],
      operations: CELLS * (height + 1),
      transactions: height + 1,
    },
    state: [...cells, [`once/${height}`, value], [`once/${height - 10}`, undefined]],
    txs: [{ txId: idAt(height, 3), height, index: 0 }],
    nodes: [[0, height, idAt(height, 4)]],
    artifacts: [{ hash: idAt(height, 5), bytes: value }],
  };
}
