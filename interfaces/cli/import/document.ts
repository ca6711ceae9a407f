/**
 * A document as texts for claims: the document's own first, then its sections in order, each with how deep it is.
 *
 * The document's own text begins with its name, which a second import knows it by, and with the title of its front
 * matter where its text does not say it. A section that is longer than a claim may be becomes several texts, each one
 * level below the one before.
 */
import { isBlank } from '../../../actors/blank-text.ts';
import { CLAIM_TEXT_BYTES_MAX } from '../../../events/limits.ts';
import { FRONT_MATTER_BYTES_MAX, type FrontMatter, frontMatterOf } from './front-matter.ts';
import { type Section, sectionTrees } from './outline.ts';
import { partsOf } from './parts.ts';
import { scan } from './scan.ts';
import type { Source } from './source.ts';

const EMPTY_STEP_BYTES = 64 * 1024;

export interface Entry {
  /** What it belongs below is the nearest entry before it with a smaller level. */
  readonly level: number;
  readonly text: string;
}

export interface Document {
  readonly frontMatter: FrontMatter;
  readonly entries: Generator<Entry>;
}

export function documentOf(source: Source, name: string): Document {
  const head = source.read(0, Math.min(FRONT_MATTER_BYTES_MAX, source.size)).toString('utf8');
  const frontMatter = frontMatterOf(head);
  const start = Buffer.byteLength(head.slice(0, frontMatter.end));
  return { frontMatter, entries: entriesOf(source, start, name, frontMatter.title) };
}

function* entriesOf(source: Source, start: number, name: string, title?: string): Generator<Entry> {
  if (isEmpty(source)) return;
  for (const root of sectionTrees(scan(source, start), start, source.size)) {
    const isSaid = title === undefined || title === root.title;
    const head = isSaid ? `${name}\n\n` : `${name}\n\n# ${title}\n\n`;
    yield* entriesFrom(source, root, 0, head);
  }
}

/** Whether there is nothing in it that anybody could read. */
function isEmpty(source: Source): boolean {
  for (let at = 0; at < source.size; at += EMPTY_STEP_BYTES)
    if (!isBlank(source.read(at, Math.min(at + EMPTY_STEP_BYTES, source.size)).toString('utf8')))
      return false;
  return true;
}

function* entriesFrom(source: Source, section: Section, level: number, head = ''): Generator<Entry> {
  if (!section.isTold) yield* textsOf(source, section, level, head);
  for (const one of section.sections) yield* entriesFrom(source, one, level + 1);
}

function* textsOf(source: Source, section: Section, level: number, head: string): Generator<Entry> {
  let at = level;
  let before = head;
  for (const part of partsOf(source, section, CLAIM_TEXT_BYTES_MAX - Buffer.byteLength(head))) {
    const text = (before + trimBlankLines(part)).trimEnd();
    before = '';
    if (!isBlank(text)) yield { level: at++, text };
  }
  // A document that is all front matter still has its name.
  if (before !== '') yield { level, text: before.trimEnd() };
}

/** Without blank lines around it; the indent of the first line may mean code and stays. */
function trimBlankLines(text: string): string {
  return text.replace(/^(?:[ \t]*(?:\r\n|\r|\n))+/, '').trimEnd();
}
