/**
 * Front matter: data in YAML (`---`) or TOML (`+++`) before the text. Its title and its tags are the document's; the
 * rest is for whatever program it was written for.
 */
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';

/** Data for a page, not a page; a longer one is text that begins with a ruler. */
export const FRONT_MATTER_BYTES_MAX = 64 * 1024;
const TITLE_CHARACTERS_MAX = 256;
const TAG_KEYS = ['tags', 'tag', 'keywords'];

export interface FrontMatter {
  /** Where the body begins, in UTF-16 code units; 0 where there is no front matter. */
  readonly end: number;
  readonly title?: string;
  readonly tags: readonly string[];
}

const NONE: FrontMatter = { end: 0, tags: [] };

/** The front matter at the beginning of `text`. */
export function frontMatterOf(text: string): FrontMatter {
  const match = /^(---|\+\+\+)[ \t]*\r?\n(?:([\s\S]*?)\r?\n)??(?:\1|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(text);
  if (match === null) return NONE;
  const [all, fence, data = ''] = match;
  // A text may also begin with a ruler; data has a key in its first line.
  if (data !== '' && !/^\s*(?:#.*\r?\n\s*)*["']?[\w.-]+["']?\s*[:=]/.test(data)) return NONE;
  return { end: all.length, ...whatIsSaid(fence === '+++' ? toml(data) : yaml(data)) };
}

/** Data that is not well formed says nothing, and is still no part of the text. */
function yaml(data: string): unknown {
  try {
    // Few aliases: a handful of lines could unfold to gigabytes.
    return parseYaml(data, { maxAliasCount: 100, logLevel: 'silent' });
  } catch {
    return undefined;
  }
}

function toml(data: string): unknown {
  try {
    return parseToml(data);
  } catch {
    return undefined;
  }
}

function whatIsSaid(data: unknown): Omit<FrontMatter, 'end'> {
  if (typeof data !== 'object' || data === null) return { tags: [] };
  const title = lineOf(Reflect.get(data, 'title'));
  const tags = TAG_KEYS.flatMap((key) => tagsOf(Reflect.get(data, key)));
  return title === undefined ? { tags } : { title, tags };
}

/** A title is one line of what people can read. */
function lineOf(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const line = String(value)
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return line === '' ? undefined : Array.from(line).slice(0, TITLE_CHARACTERS_MAX).join('');
}

function tagsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(',');
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) =>
    typeof one === 'string' || typeof one === 'number' ? [String(one)] : [],
  );
}
