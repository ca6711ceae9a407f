/** What is remembered of each recorded history: the figures that a replay of it must give for ever. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { openExport } from '../../actors/history/export-file.ts';
import { replay } from '../../actors/history/replay.ts';
import { compareUtf8, toHex } from '../../events/bytes.ts';

export interface Golden {
  readonly sha256: string;
  readonly groupId: string;
  readonly headId: string;
  readonly state: string;
  readonly operations: number;
}

const FILE = new URL('./golden.json', import.meta.url);

export function readGolden(): Record<string, Golden> {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Golden>;
}

/** SHA-256 over all keys and values of a state, ascending by key: one figure for "the same state". */
function fingerprint(entries: Iterable<readonly [key: string, value: Uint8Array]>): string {
  const hash = createHash('sha256');
  for (const [key, value] of [...entries].sort(([a], [b]) => compareUtf8(a, b)))
    hash.update(`${key}\0${toHex(value)}\n`);
  return hash.digest('hex');
}

/** The figures of a history as this software replays it. */
export async function goldenOf(path: string): Promise<Golden> {
  using source = openExport(path);
  const replayed = await replay(source);
  if (replayed.status !== 'ok') throw new Error(replayed.refusal.code);
  return {
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
    groupId: source.groupId,
    headId: replayed.tip!.blockId,
    state: fingerprint(replayed.state.entries()),
    operations: replayed.operations,
  };
}

/** Remembers the figures of a history that was just recorded. */
export async function keepGolden(path: string): Promise<void> {
  const golden = { ...readGolden(), [basename(path)]: await goldenOf(path) };
  writeFileSync(FILE, `${JSON.stringify(golden, null, 2)}\n`);
}
