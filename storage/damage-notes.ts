/**
 * Which groups were found damaged, in a file of its own beside the database: `damage.json`.
 *
 * Damage is found where it is read, and a start reads little. Without a note the next start would seal on, over
 * state that is known to be wrong. The note goes when the group is repaired, or when an audit finds it whole.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { StorageError, withFileErrors } from './errors.ts';
import { syncFolder, writeNewFile } from './folders.ts';

/** What is wrong with each damaged group, by its id. */
export class DamageNotes {
  readonly #path: string;
  #notes: Map<string, string> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** What is wrong with a group, for people; nothing where nothing is known. */
  of(groupId: string): string | undefined {
    return this.#read().get(groupId);
  }

  /** Notes damage. A disk that takes no note leaves it in memory. */
  note(groupId: string, reason: string): void {
    if (this.#read().has(groupId)) return;
    this.#read().set(groupId, reason);
    this.#tryWrite();
  }

  /** The group is whole again. @throws StorageError `disk_full`, `io` */
  clear(groupId: string): void {
    if (this.#read().delete(groupId)) this.#write();
  }

  #read(): Map<string, string> {
    this.#notes ??= new Map(Object.entries(readNotes(this.#path)));
    return this.#notes;
  }

  #tryWrite(): void {
    try {
      this.#write();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  #write(): void {
    withFileErrors('write', this.#path, () => {
      const notes = Object.fromEntries(this.#read());
      if (this.#read().size === 0) {
        rmSync(this.#path, { force: true });
        return;
      }
      const draft = `${this.#path}.${process.pid}.tmp`;
      rmSync(draft, { force: true });
      writeNewFile(draft, `${JSON.stringify({ format: 1, groups: notes })}\n`);
      renameSync(draft, this.#path);
      syncFolder(dirname(this.#path));
    });
  }
}

function readNotes(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  try {
    const { groups } = JSON.parse(text) as { groups?: unknown };
    if (typeof groups !== 'object' || groups === null) return {};
    const entries = Object.entries(groups as Record<string, unknown>);
    return Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    // A note that cannot be read says nothing: what is damaged is found again where it is read.
    return {};
  }
}
