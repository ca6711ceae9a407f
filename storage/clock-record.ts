/**
 * When this directory was last in use by a clock that was right: what the next process holds its own clock against.
 *
 * It is a hint and no part of the chain. One that is missing, damaged or cannot be written costs a question at worst,
 * so neither reading nor writing it ever fails.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface ClockRecord {
  readonly wallMs: number;
  readonly sinceBootMs: number | undefined;
  readonly bootId: string | undefined;
}

/** Longer than this is no file of ours. */
const BYTES_MAX = 1_024;

export function readClockRecord(path: string): ClockRecord | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > BYTES_MAX) return undefined;
    const { wallMs, sinceBootMs, bootId } = JSON.parse(text) as Record<string, unknown>;
    if (typeof wallMs !== 'number' || !Number.isFinite(wallMs)) return undefined;
    return {
      wallMs,
      sinceBootMs: typeof sinceBootMs === 'number' && Number.isFinite(sinceBootMs) ? sinceBootMs : undefined,
      bootId: typeof bootId === 'string' ? bootId : undefined,
    };
  } catch {
    return undefined;
  }
}

/** Called by the owner of the directory alone, so one draft is enough. */
export function writeClockRecord(path: string, record: ClockRecord): void {
  try {
    const draft = `${path}.tmp`;
    writeFileSync(draft, JSON.stringify(record), { mode: 0o600 });
    renameSync(draft, path);
  } catch {
    // A disk that is full or cannot be written: see above.
  }
}
