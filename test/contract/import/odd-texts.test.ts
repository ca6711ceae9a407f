/** What a document may hold: nothing, a line without end, headings that are none, front matter that is none. */
import { describe, expect, it } from 'vitest';
import { CLAIM_TEXT_BYTES_MAX } from '../../../events/limits.ts';
import { importRoom } from '../../support/import-room.ts';

const room = importRoom();

async function said(text: string): Promise<string[]> {
  room.write('page.md', text);
  expect(await room.run()).toMatchObject({ files: 1, failed: [] });
  const texts = room.standing();
  expect(await room.run()).toMatchObject({ claims: 0, retracted: 0 });
  return texts;
}

describe('headings', () => {
  it.each([
    ['underlined', 'Title\n=====\n\nx\n\nPart\n----\n\ny\n', ['Part ---- y', 'docs/page.md Title ===== x']],
    ['behind Windows line ends', '# T\r\n\r\nx\r\n\r\n## A\r\n\r\ny\r\n', ['## A y', 'docs/page.md # T x']],
    ['behind old Mac line ends', '# T\r\rx\r\r## A\r\ry\r', ['## A y', 'docs/page.md # T x']],
    [
      'in a fence are none',
      'x\n\n```sh\n# no\n## no\n```\n\n## A\n\ny\n',
      ['docs/page.md x ```sh # no ## no ``` ## A y'],
    ],
    [
      'in a fence of tildes are none',
      'x\n\n~~~~\n# no\n~~~\n# no\n~~~~\n',
      ['docs/page.md x ~~~~ # no ~~~ # no ~~~~'],
    ],
    ['in a fence that never ends are none', 'x\n\n```\n# no\n', ['docs/page.md x ``` # no']],
    ['in code by its indent are none', 'x\n\n    # no\n', ['docs/page.md x # no']],
    ['in a quote or a list are none', '> # no\n\n- # no\n', ['docs/page.md > # no - # no']],
    ['in a comment are none', '<!--\n# no\n-->\n\nx\n', ['docs/page.md <!-- # no --> x']],
    ['without a space are none', '#no\n\n#5 is a number\n', ['docs/page.md #no #5 is a number']],
    ['of seven marks are none', '####### no\n', ['docs/page.md ####### no']],
    ['escaped are none', '\\# no\n', ['docs/page.md \\# no']],
    ['with closing marks', '# T #\n\nx\n\n## A ##\n\ny\n', ['## A ## y', 'docs/page.md # T # x']],
  ])('%s', async (_, text, claims) => {
    expect(await said(text)).toEqual(claims);
  });

  it('may skip levels', async () => {
    expect(await said('# T\n\nx\n\n#### D\n\ny\n\n## B\n\nz\n')).toEqual([
      '## B z',
      '#### D y',
      'docs/page.md # T x',
    ]);
  });
});

describe('front matter', () => {
  it.each([
    ['that says title and tags', '---\ntitle: T\ntags: [a, b]\n---\nx\n', 'docs/page.md # T x'],
    ['behind Windows line ends', '---\r\ntitle: T\r\n---\r\nx\r\n', 'docs/page.md # T x'],
    ['that is broken', '---\ntitle: [T\n---\nx\n', 'docs/page.md x'],
    ['with a title of many lines', '---\ntitle: |\n  T\n  U\n---\nx\n', 'docs/page.md # T U x'],
    ['with a title that is no text', '---\ntitle: {a: 1}\n---\nx\n', 'docs/page.md x'],
    ['that is empty', '---\n---\nx\n', 'docs/page.md x'],
    ['that ends with dots', '---\ntitle: T\n...\nx\n', 'docs/page.md # T x'],
    ['that the title in the text repeats', '---\ntitle: T\n---\n# T\n\nx\n', 'docs/page.md # T x'],
  ])('%s', async (_, text, claim) => {
    expect(await said(text)).toEqual([claim]);
  });

  it.each([
    ['a ruler', '---\n\nx\n\n---\n\ny\n', 'docs/page.md --- x --- y'],
    ['a ruler before a sentence', '---\nNo key here.\n---\n', 'docs/page.md --- No key here. ---'],
    ['a fence that nothing closes', '---\ntitle: T\n\nx\n', 'docs/page.md --- title: T x'],
    ['a fence of four', '----\ntitle: T\n----\nx\n', 'docs/page.md ---- title: T ---- x'],
    ['not at the beginning', 'x\n\n---\ntitle: T\n---\n', 'docs/page.md x --- title: T ---'],
  ])('%s is text', async (_, text, claim) => {
    expect((await said(text)).join(' ')).toBe(claim);
  });

  it('gives tags as text or as a list, of numbers too, each once', async () => {
    room.write('a.md', '---\ntags: One, two words,one\n---\nx\n');
    room.write('b.md', '---\ntags:\n  - 2026\n  - x\nkeywords: [y]\n---\nx\n');
    await room.run();
    const tags = Array.from(room.group.now.claims(), (claim) => claim.tags.join(' ')).sort();
    expect(tags).toEqual(['2026 x y docs b', 'one two-words docs a']);
  });

  it('cannot reach into what it is read with', async () => {
    room.write(
      'a.md',
      '---\n__proto__: {tags: [polluted]}\nconstructor: x\ntitle: !!js/function x\n---\nx\n',
    );
    await room.run();
    expect(Array.from(room.group.now.claims(), (claim) => claim.tags)).toEqual([['docs', 'a']]);
    expect(({} as { tags?: unknown }).tags).toBeUndefined();
  });
});

describe('a document', () => {
  it.each([
    ['empty', ''],
    ['of white space', ' \n\t\n\r\n'],
    ['of a mark alone', '\ufeff'],
    ['of characters that nobody sees', '\u200b\u2060\n'],
  ])('that is %s makes no claim', async (_, text) => {
    expect(await said(text)).toEqual([]);
  });

  it('that is all front matter still has its name', async () => {
    expect(await said('---\ntitle: T\n---\n')).toEqual(['docs/page.md # T']);
  });

  it('may be one line of megabytes', async () => {
    const texts = await said(`${'é'.repeat(3_000_000)}end`);
    expect(texts.join('').replace('docs/page.md ', '')).toHaveLength(3_000_003);
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(CLAIM_TEXT_BYTES_MAX);
  });

  it('may be nested as deep as it likes', async () => {
    expect((await said(`${'> '.repeat(20_000)}x\n\n# A\n\ny\n`)).join(' ')).toContain('# A y');
  });

  it('may be all headings', async () => {
    const text = Array.from({ length: 2_000 }, (_, at) => `${'#'.repeat(1 + (at % 6))} H${at}`).join('\n');
    expect((await said(text)).join(' ').match(/H\d+/g)).toHaveLength(2_000);
  });
});
