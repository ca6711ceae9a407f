/**
 * What `lb setup` has changed, so that it can be taken back to the byte: of each file the place of the change and
 * what stood there. That is never more than the entry itself and the space around it, so no secret of somebody else's
 * configuration is copied. Kept beside the contexts, in the user's configuration folder.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { contextsFile } from '../cli/contexts.ts';

/** How to get from the text after a change to the one before. */
export interface Change {
  /** The hash of the text after the change. */
  readonly after: string;
  /** Whether there was no file before. */
  readonly isNew: boolean;
  readonly offset: number;
  /** Characters to take out, and what to put there. */
  readonly length: number;
  readonly text: string;
}

/** Changes by file. */
export type Changes = Readonly<Record<string, Change>>;

/** The change that takes `after` back to `before`. */
export function changeBetween(before: string | undefined, after: string): Change {
  const old = before ?? '';
  const most = Math.min(old.length, after.length);
  let start = 0;
  while (start < most && old[start] === after[start]) start++;
  let tail = 0;
  while (tail < most - start && old[old.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return {
    after: hashOf(after),
    isNew: before === undefined,
    offset: start,
    length: after.length - start - tail,
    text: old.slice(start, old.length - tail),
  };
}

/** The text before the change: nothing where the file has been changed since; `null` where there was no file. */
export function undone(text: string, change: Change): string | null | undefined {
  if (hashOf(text) !== change.after) return undefined;
  if (change.isNew) return null;
  return text.slice(0, change.offset) + change.text + text.slice(change.offset + change.length);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function changesFile(env: NodeJS.ProcessEnv): string {
  return join(dirname(contextsFile(env)), 'setup.json');
}

/** A file that is not there, or is damaged, says nothing: then an entry is taken out as it is found. */
export function readChanges(env: NodeJS.ProcessEnv): Changes {
  try {
    const value: unknown = JSON.parse(readFileSync(changesFile(env), 'utf8'));
    const entries = Object.entries((value ?? {}) as Record<string, unknown>);
    return Object.fromEntries(entries.filter((entry): entry is [string, Change] => isChange(entry[1])));
  } catch {
    return {};
  }
}

function isChange(value: unknown): boolean {
  const { after, isNew, offset, length, text } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof after === 'string' &&
    typeof isNew === 'boolean' &&
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    typeof text === 'string'
  );
}

export function writeChanges(env: NodeJS.ProcessEnv, changes: Changes): void {
  const path = changesFile(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(changes, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}
