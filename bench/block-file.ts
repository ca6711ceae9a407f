/** Blocks in a file, each after its length, for the processes of a measurement. */
import { readFileSync, writeFileSync } from 'node:fs';

export function writeBlocks(file: string, blocks: readonly Uint8Array[]): void {
  writeFileSync(file, Buffer.concat(blocks.flatMap((block) => [lengthOf(block), block])));
}

function lengthOf(block: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(block.length);
  return length;
}

export function readBlocks(file: string): Uint8Array[] {
  const bytes = readFileSync(file);
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    blocks.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return blocks;
}
