import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf } from '../../../interfaces/cli/import/blocks.ts';
import { frontMatterOf } from '../../../interfaces/cli/import/front-matter.ts';
import { inOrder, type Section, sectionTrees } from '../../../interfaces/cli/import/outline.ts';
import { cutIntoParts } from '../../../interfaces/cli/import/parts.ts';

/** The sections of a text, in code units, and where its blocks and the items of its lists begin. */
function splitSections(text: string): { root: Section; blockStarts: number[]; itemStarts: number[] } {
  const { end } = frontMatterOf(text);
  const blocks = blocksOf(text.slice(end)).map(({ start, items, ...block }) => ({
    ...block,
    start: end + start,
    items: items?.map((item) => end + item) ?? [],
  }));
  const [root] = [...sectionTrees(blocks, end, text.length)];
  return {
    root: root!,
    blockStarts: blocks.map(({ start }) => start),
    itemStarts: blocks.flatMap(({ items }) => items),
  };
}

/** The tree as text: depth, slice, and what is below it. */
function outline(text: string): string[] {
  const lines: string[] = [];
  const visit = (section: Section, level: number): void => {
    const own = text.slice(section.start, section.end).trim().replace(/\s+/g, ' ');
    lines.push(`${'> '.repeat(level)}${own}`);
    for (const one of section.sections) visit(one, level + 1);
  };
  visit(splitSections(text).root, 0);
  return lines;
}

const slices = (text: string): string[] =>
  Array.from(inOrder(splitSections(text).root), ({ start, end }) => text.slice(start, end));

describe('sections', () => {
  it('threads sections under the section around them', () => {
    const text = 'intro\n\n# A\n\na\n\n## B\n\nb\n\n### C\n\nc\n\n## D\n\nd\n\n# E\n\ne\n';
    expect(outline(text)).toEqual([
      'intro',
      '> # A a',
      '> > ## B b',
      '> > > ### C c',
      '> > ## D d',
      '> # E e',
    ]);
  });

  it('makes the only heading of the first depth the title of the document', () => {
    const { root } = splitSections('![badge](x)\n\n# The *title*\n\npreamble\n\n## Install\n\nnpm i\n');
    expect(root.title).toBe('The *title*');
    expect(outline('![badge](x)\n\n# T\n\npreamble\n\n## Install\n\nnpm i\n')).toEqual([
      '![badge](x) # T preamble',
      '> ## Install npm i',
    ]);
  });

  it('knows no title where several headings are as high', () => {
    expect(splitSections('# 2.0\n\nb\n\n# 1.0\n\na\n').root.title).toBe('');
    expect(outline('## low\n\na\n\n# high\n\nb')).toEqual(['', '> ## low a', '> # high b']);
  });

  it.each([
    ['a fence', '```sh\n# not a heading\n```'],
    ['a fence of tildes', '~~~\n# not\n~~~'],
    ['an unclosed fence', '```\n# not\n\n## nor this'],
    ['indented code', '    # not'],
    ['a quote', '> # not'],
    ['a list', '- # not'],
    ['a comment', '<!--\n# not\n-->'],
    ['a tag', '#hashtag'],
    ['seven marks', '####### no'],
    ['an escape', '\\# no'],
  ])('sees no heading in %s', (_, block) => {
    expect(outline(`# T\n\n${block}\n`)).toHaveLength(1);
  });

  it('reads underlined headings', () => {
    expect(outline('Title\n=====\n\ntext\n\nPart\n----\n\nmore\n')).toEqual([
      'Title ===== text',
      '> Part ---- more',
    ]);
  });

  it('reads headings behind Windows and old Mac line ends', () => {
    expect(outline('# T\r\n\r\na\r\n\r\n## B\r\n\r\nb\r\n')).toEqual(['# T a', '> ## B b']);
    expect(outline('# T\r\ra\r\r## B\r\rb\r')).toEqual(['# T a', '> ## B b']);
  });

  it.each([
    ['YAML', '---\ntitle: x\n---\n', '---\ntitle: x\n---\n\n# T\n\ntext'],
    ['YAML that ends with dots', '', '---\na: 1\n...\n# T\n\ntext'],
    ['TOML', '', '+++\na = 1\n+++\n# T\n\ntext'],
    ['nothing in it', '', '---\n---\n# T\n\ntext'],
    ['Windows line ends', '', '---\r\na: 1\r\n---\r\n# T\r\n\r\ntext'],
  ])('skips front matter: %s', (_name, _, text) => {
    expect(outline(text)).toEqual(['# T text']);
  });

  it.each([
    ['a ruler at the top', '---\n\nSome words\n\n---\n\nmore'],
    ['an opening without an end', '---\ntitle: x\n\ntext'],
  ])('keeps what only looks like front matter: %s', (_, text) => {
    expect(slices(text).join('')).toBe(text);
  });

  it('folds an empty section into what stands before it', () => {
    expect(outline('# T\n\na\n\n## Empty\n\n## B\n\nb\n\n## Last\n')).toEqual([
      '# T a ## Empty',
      '> ## B b ## Last',
    ]);
  });

  it('makes an empty section with a single subsection one with it', () => {
    expect(outline('# T\n\na\n\n## API\n\n### run()\n\nr\n\n#### options\n\no\n')).toEqual([
      '# T a',
      '> ## API ### run() r',
      '> > #### options o',
    ]);
  });

  it('keeps an empty section that several subsections have in common', () => {
    expect(outline('# T\n\na\n\n## 1.0\n\n### Added\n\nx\n\n### Fixed\n\ny\n')).toEqual([
      '# T a',
      '> ## 1.0',
      '> > ### Added x',
      '> > ### Fixed y',
    ]);
  });

  it('has one section, the document, for text without headings, and for none', () => {
    expect(outline('just words')).toEqual(['just words']);
    expect(outline('')).toEqual(['']);
  });
});

/** Lines that Markdown makes something of. */
const line = fc.oneof(
  fc.constantFrom('# A', '## B', '### C', '#### D', '  ## E', '#', '## ', '===', '---', '', '', '```', '~~~'),
  fc.constantFrom(
    '- item',
    '> quote',
    '    code',
    '\tcode',
    '<div>',
    '</div>',
    '[a]: /x',
    '| a | b |',
    '***',
  ),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
);
const markdown = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\n\n')), { maxLength: 30 })
  .map((lines) => lines.flat().join(''));

describe('laws of splitting', () => {
  it('the slices in order are the whole text', () => {
    fc.assert(
      fc.property(markdown, (body) => {
        // What may be front matter is not what this law is about.
        const text = `\n${body}`;
        expect(slices(text).join('')).toBe(text);
      }),
    );
  });

  it('every section but the document begins at the beginning of a line', () => {
    fc.assert(
      fc.property(markdown, (body) => {
        for (const { depth, start } of inOrder(splitSections(`\n${body}`).root))
          if (depth > 0) expect(`\n${body}`[start - 1]).toMatch(/[\r\n]/);
      }),
    );
  });

  it('parts cover the section in order, and none is too long', () => {
    fc.assert(
      fc.property(markdown, fc.integer({ min: 4, max: 60 }), (text, bytesMax) => {
        const parsed = splitSections(text);
        for (const section of inOrder(parsed.root)) {
          const parts = cutIntoParts(text, section, parsed, bytesMax);
          const texts = parts.map(({ start, end }) => text.slice(start, end));
          expect(texts.join('')).toBe(text.slice(section.start, section.end));
          for (const part of texts) {
            expect(part.isWellFormed()).toBe(true);
            expect(Buffer.byteLength(part)).toBeLessThanOrEqual(bytesMax);
          }
        }
      }),
    );
  });
});

describe('parts of a long section', () => {
  const partsOf = (text: string, bytesMax: number): string[] => {
    const parsed = splitSections(text);
    return cutIntoParts(text, parsed.root, parsed, bytesMax).map(({ start, end }) => text.slice(start, end));
  };

  it('are cut between blocks', () => {
    expect(partsOf('aaaa\n\nbbbb\n\ncccc\n', 13)).toEqual(['aaaa\n\nbbbb\n\n', 'cccc\n']);
  });

  it('are cut between items where one list is too long', () => {
    expect(partsOf('- one\n- two\n- three\n', 12)).toEqual(['- one\n- two\n', '- three\n']);
  });

  it('are cut between lines where one block is too long', () => {
    expect(partsOf('```\nx = 1\ny = 2\n```\n', 10)).toEqual(['```\nx = 1\n', 'y = 2\n```\n']);
  });

  it('are cut between characters where one line is too long', () => {
    expect(partsOf('😀😀😀', 9)).toEqual(['😀😀', '😀']);
    const line = 'aé😀'.repeat(300_000);
    const parts = partsOf(line, 65_536);
    expect(parts.join('')).toBe(line);
    // Each takes what it can, and a character has four bytes at most.
    for (const part of parts.slice(0, -1)) expect(Buffer.byteLength(part)).toBeGreaterThan(65_532);
    for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(65_536);
  });

  it('keep the rest of a long block together with what follows', () => {
    expect(partsOf('aaaaaaaaaaaa\n\nbb\n', 10)).toEqual(['aaaaaaaaaa', 'aa\n\nbb\n']);
  });
});
