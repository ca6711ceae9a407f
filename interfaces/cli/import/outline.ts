/**
 * The sections of a document, from its blocks: a tree whose slices, read in order, make up the whole text after the
 * front matter, so nothing is lost and nothing is said twice.
 *
 * Sections without a text of their own are folded, since a lone heading says nothing: one without subsections joins
 * what stands before it, one with a single subsection becomes one with it. One with several stays, for it says what
 * they have in common.
 *
 * A document with more sections than should be in memory comes in several trees. Those after the first hold what lies
 * around their sections once more, marked as told.
 */
import type { Block } from './blocks.ts';

export interface Section {
  /** 0 for the document, 1 to 6 for a heading. */
  readonly depth: number;
  /** The heading's text, with its inline marks; empty for a document without a title. */
  readonly title: string;
  /** Where the section's own text begins and ends (its subsections excluded), in the units of the blocks. */
  readonly start: number;
  readonly end: number;
  /** Whether an earlier tree had it. */
  readonly isTold: boolean;
  readonly sections: readonly Section[];
}

interface OpenSection {
  depth: number;
  title: string;
  start: number;
  end: number;
  /** Whether anything but the heading stands in it. */
  hasText: boolean;
  isTold: boolean;
  /** Whether it became one with what is around it. */
  isAbsorbed: boolean;
  sections: OpenSection[];
}

/** Some 5 MB. */
const SECTIONS_MAX = 25_000;

/** The trees of a document's sections, in order; nearly always one. */
export function* sectionTrees(
  blocks: Iterable<Block>,
  start: number,
  end: number,
  sectionsMax = SECTIONS_MAX,
): Generator<Section> {
  let path = [opened({ depth: 0, title: '', start, end })];
  let count = 0;
  for (const block of blocks) {
    if (block.depth === undefined) {
      path.at(-1)!.hasText = true;
      continue;
    }
    path.at(-1)!.end = block.start;
    while (path.at(-1)!.depth >= block.depth) path.pop();
    if (++count > sectionsMax) {
      // What is open stays as it is: what will stand in it is not known.
      for (const open of path) open.hasText = true;
      yield folded(path[0]!);
      const around = path.filter(({ isAbsorbed }) => !isAbsorbed);
      path = around.map((open) => ({ ...open, isTold: true, sections: [] }));
      for (const [at, open] of path.entries()) path[at - 1]?.sections.push(open);
      count = 0;
    }
    const section = opened({ depth: block.depth, title: block.title ?? '', start: block.start, end });
    path.at(-1)!.sections.push(section);
    path.push(section);
  }
  yield folded(path[0]!);
}

function opened(section: Pick<OpenSection, 'depth' | 'title' | 'start' | 'end'>): OpenSection {
  return { ...section, hasText: false, isTold: false, isAbsorbed: false, sections: [] };
}

function folded(root: OpenSection): Section {
  if (!root.isTold) foldTitle(root);
  return foldEmpty(root);
}

/** The document's title, if the first heading is the only one of its depth or shallower, belongs to the document. */
function foldTitle(root: OpenSection): void {
  if (root.sections.length !== 1) return;
  const title = root.sections[0]!;
  absorb(root, title);
  root.title = title.title;
}

/** Makes `inner`, which begins where `outer`'s own text ends, one section with it. */
function absorb(outer: OpenSection, inner: OpenSection): void {
  outer.end = inner.end;
  outer.hasText ||= inner.hasText;
  outer.sections = inner.sections;
  inner.isAbsorbed = true;
}

/** Folds empty sections. The order of the text is kept: the walk goes as the slices follow each other. */
function foldEmpty(root: OpenSection): Section {
  let before = root;
  const visit = (section: OpenSection): void => {
    before = section;
    const kept: OpenSection[] = [];
    for (const one of section.sections) {
      while (!one.hasText && one.sections.length === 1) absorb(one, one.sections[0]!);
      if (!one.hasText && one.sections.length === 0 && !before.isTold) {
        before.end = one.end;
        continue;
      }
      kept.push(one);
      visit(one);
    }
    section.sections = kept;
  };
  visit(root);
  return root;
}

/** A section and all below it, in the order of the text. */
export function* inOrder(section: Section): Generator<Section> {
  yield section;
  for (const one of section.sections) yield* inOrder(one);
}
