/** A node of its own process that has a chain up to its last block, and is given that one. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BatteryNode } from '../../node.ts';
import type { BlockRun } from './block-child.ts';

/** What the last of `blocks` takes from a node that has the others on disk. */
export async function followLast(blocks: readonly Uint8Array[]): Promise<BlockRun> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-heaviest-'));
  try {
    const data = join(dir, 'node');
    const file = join(dir, 'block');
    writeFileSync(file, blocks.at(-1)!);
    await keep(data, blocks.slice(0, -1));
    const child = fileURLToPath(new URL('./block-child.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [child, data, file]);
    return JSON.parse(stdout) as BlockRun;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function keep(data: string, blocks: readonly Uint8Array[]): Promise<void> {
  await using node = await BatteryNode.openOrInit({ data, durability: 'commit' });
  const chain = await node.networkPort.adopt(blocks[0]!);
  const refusal = await chain.follow(blocks.slice(1));
  if (refusal !== undefined) throw new Error(refusal.code);
}
