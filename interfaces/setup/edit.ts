/**
 * One entry in a configuration file of somebody else's. All that is not the entry stays as it is, byte for byte:
 * comments, order, blank lines. JSON may have comments and trailing commas. A change is checked by reading the new
 * text: it must hold the entry, and otherwise what the old one held.
 */
import { isDeepStrictEqual } from 'node:util';
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { parse as parseToml, stringify as stringifyToml } from 'smol-toml';
import { addToJson, removeFromJson } from './json-text.ts';

export type Format = 'json' | 'toml';
type Document = Readonly<Record<string, unknown>>;
type Path = readonly string[];

/** The file is not what its name says, or is too unusual to be changed by a program. An environment error. */
export class ConfigurationFileError extends Error {
  override readonly name = 'ConfigurationFileError';
  readonly code = 'configuration_unreadable';
}

/** What a text holds; an empty one holds nothing. @throws ConfigurationFileError */
export function readDocument(text: string, format: Format): Document {
  const value = format === 'toml' ? readToml(text) : readJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigurationFileError('it is not a table of settings');
  return value as Document;
}

function readJson(text: string): unknown {
  if (text.trim() === '') return {};
  const problems: ParseError[] = [];
  const value: unknown = parse(text, problems, { allowTrailingComma: true });
  const [problem] = problems;
  if (problem === undefined) return value;
  const line = text.slice(0, problem.offset).split('\n').length;
  throw new ConfigurationFileError(`line ${line} is not JSON (${printParseErrorCode(problem.error)})`);
}

function readToml(text: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    throw new ConfigurationFileError(`it is not TOML (${(error as Error).message.split('\n', 1)[0]})`);
  }
}

/** The entry at a path; nothing where there is none. */
export function entryAt(document: Document, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined,
    document,
  );
}

/** The text with the entry. What stood at its path must be gone before. @throws ConfigurationFileError */
export function withEntry(text: string, format: Format, path: Path, entry: Document): string {
  const changed = format === 'toml' ? addToml(text, path, entry) : addToJson(text, path, entry);
  const expected = structuredClone(readDocument(text, format)) as Record<string, unknown>;
  let at = expected;
  for (const key of path.slice(0, -1)) {
    at[key] ??= {};
    at = at[key] as Record<string, unknown>;
  }
  at[path.at(-1)!] = entry;
  return checked(changed, format, expected);
}

/** The text without the entry; the tables around it stay, also where they are empty now. */
export function withoutEntry(text: string, format: Format, path: Path): string {
  const changed = format === 'toml' ? removeToml(text, path) : removeFromJson(text, path);
  const expected = structuredClone(readDocument(text, format)) as Record<string, unknown>;
  const parent = entryAt(expected, path.slice(0, -1)) as Record<string, unknown>;
  delete parent[path.at(-1)!];
  // In TOML a table may be there only because of what is in it.
  if (format === 'toml' && Object.keys(parent).length === 0) {
    const left = readDocument(changed, format);
    if (entryAt(left, path.slice(0, -1)) === undefined) delete expected[path[0]!];
  }
  return checked(changed, format, expected);
}

function checked(text: string, format: Format, expected: unknown): string {
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  if (isDeepStrictEqual(plain(readDocument(text, format)), plain(expected))) return text;
  throw new ConfigurationFileError('it is written in a way that a program cannot change safely');
}

/** A table of its own, at the end: TOML lets tables come in any order. */
function addToml(text: string, path: Path, entry: Document): string {
  const nested = path.reduceRight<Document>((inner, key) => ({ [key]: inner }), entry);
  const gap = text === '' ? '' : text.endsWith('\n') ? '\n' : '\n\n';
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  return `${text}${`${gap}${stringifyToml(nested).trim()}\n`.replaceAll('\n', eol)}`;
}

/** From the header of the table to the next header of another one. */
function removeToml(text: string, path: Path): string {
  const lines = text.split(/(?<=\n)/);
  const isOurs = (line: string): boolean => {
    const header = /^\s*\[([^[\]]+)\]\s*(#.*)?$/.exec(line.trimEnd())?.[1];
    if (header === undefined) return false;
    const keys = keysOf(header);
    return path.every((key, at) => keys[at] === key);
  };
  const start = lines.findIndex(isOurs);
  if (start < 0) throw new ConfigurationFileError('the entry is not a table of its own; remove it by hand');
  let end = start + 1;
  while (end < lines.length && (!/^\s*\[/.test(lines[end]!) || isOurs(lines[end]!))) end++;
  // Comments and blank lines before the next table belong to that one.
  while (end < lines.length && end > start + 1 && /^\s*(#|$)/.test(lines[end - 1]!)) end--;
  // The blank line that was put before it.
  const isGap = end === lines.length && lines[start - 1]?.trim() === '';
  return [...lines.slice(0, isGap ? start - 1 : start), ...lines.slice(end)].join('');
}

/** The keys of a header, which TOML itself reads: `a."b c"`. */
function keysOf(header: string): string[] {
  const keys: string[] = [];
  try {
    let at: unknown = parseToml(`[${header}]`);
    while (typeof at === 'object' && at !== null && Object.keys(at).length === 1) {
      const [key] = Object.keys(at) as [string];
      keys.push(key);
      at = (at as Document)[key];
    }
  } catch {
    // A line of a text that spans several lines only looks like a header.
  }
  return keys;
}
