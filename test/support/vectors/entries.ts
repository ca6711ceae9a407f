/**
 * Vector files: a comment, and entries with names. They only grow: an entry that was written once is the
 * protocol, so the generator adds what is missing and never touches what is there.
 */
import type { Json } from '../field-json.ts';

export interface Entry {
  readonly name: string;
  readonly comment: string;
  readonly [key: string]: Json;
}
export interface VectorFile {
  readonly comment: string;
  readonly entries: readonly Entry[];
}
/** File names without `.json`, with what is in them. */
export type Vectors = Readonly<Record<string, VectorFile>>;

/** The text of a file: one entry a line, so that a change shows as one. */
export function formatFile({ comment, entries }: VectorFile): string {
  const lines = entries.map((entry) => `    ${JSON.stringify(entry)}`);
  return `{\n  "comment": ${JSON.stringify(comment)},\n  "entries": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** What is in the file, then whatever of `made` it does not have yet. */
export function grown(existing: VectorFile | undefined, made: VectorFile): VectorFile {
  const names = new Set(existing?.entries.map(({ name }) => name));
  const entries = [...(existing?.entries ?? []), ...made.entries.filter(({ name }) => !names.has(name))];
  return { comment: existing?.comment ?? made.comment, entries };
}
