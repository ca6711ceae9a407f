/**
 * What a document is called and how it is tagged. The name is the same from wherever the import is started, because
 * it is what a second import recognises the document by: the package it belongs to and its path in there, or the
 * folder that was given and the path in that.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { TAG_CHARACTERS_MAX, TAGS_MAX } from '../../../events/limits.ts';

/** Longer names keep their end, where the file is. */
const NAME_CHARACTERS_MAX = 256;
/** The longest name that npm allows; whatever is longer is not a package's. */
const PACKAGE_NAME_CHARACTERS_MAX = 214;

export interface DocumentName {
  readonly name: string;
  /** Tags that follow from where it is: the package, its folders, its file. */
  readonly tags: readonly string[];
}

interface Package {
  readonly name: string;
  readonly folder: string;
}

/** Names documents; remembers which folder belongs to which package. */
export class Namer {
  private readonly packages = new Map<string, Package | undefined>();

  /**
   * @param file the file's absolute path
   * @param root the absolute path that the import was given
   */
  nameOf(file: string, root: string): DocumentName {
    const home = this.packageOf(dirname(file));
    // A file that was given by itself is named by the folder it lies in.
    const folder = home?.folder ?? (file === root ? dirname(file) : root);
    const top = home?.name ?? basename(folder);
    const inside = relative(folder, file).split(sep);
    const last = inside.at(-1)!;
    const stem = last.replace(/\.[^.]+$/, '') || last;
    return {
      name: clamp(plain([top, ...inside].join('/'))),
      tags: cleanTags([top, ...inside.slice(0, -1), stem]),
    };
  }

  private packageOf(folder: string): Package | undefined {
    if (this.packages.has(folder)) return this.packages.get(folder);
    const above = dirname(folder);
    const name = readPackageName(folder);
    const found =
      name !== undefined ? { name, folder } : above === folder ? undefined : this.packageOf(above);
    this.packages.set(folder, found);
    return found;
  }
}

function readPackageName(folder: string): string | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const name: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, 'name') : undefined;
    return typeof name === 'string' && name !== '' && name.length <= PACKAGE_NAME_CHARACTERS_MAX
      ? name
      : undefined;
  } catch {
    // No package.json, or one that cannot be read: the folder belongs to what is above it.
    return undefined;
  }
}

/** File names may hold what a line of text may not, and letters with their marks in either form. */
function plain(name: string): string {
  return name
    .toWellFormed()
    .normalize('NFC')
    .replace(/\p{Cc}/gu, '\ufffd');
}

function clamp(name: string): string {
  const characters = Array.from(name);
  return characters.length <= NAME_CHARACTERS_MAX
    ? name
    : `…${characters.slice(1 - NAME_CHARACTERS_MAX).join('')}`;
}

/** Words as tags: lower case, letters, digits and `@ / . _ -`, cut to the limits, each once, none empty. */
export function cleanTags(words: readonly string[]): string[] {
  const tags = words.map((word) => {
    const clean = word
      .normalize('NFC')
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}@/._-]+/gu, '-');
    const trimmed = clean.replace(/^-+|-+$/g, '');
    return Array.from(trimmed).slice(0, TAG_CHARACTERS_MAX).join('');
  });
  return [...new Set(tags)].filter((tag) => tag !== '').slice(0, TAGS_MAX);
}
