/** Documents that are no UTF-8, or that say something else of themselves: read as what they are, or named. */
import { describe, expect, it } from 'vitest';
import { importRoom } from '../../support/import-room.ts';

const room = importRoom();

const TEXT = '# Über uns\n\nMärz – 日本語\n\n## Teil\n\nführt weiter\n';
const LATIN = '# Über uns\n\nMärz\n';
const JAPANESE = '# 日本語\n\n本文\n';
/** Of two bytes that are characters in either order, nobody can tell which it is. */
const EITHER_WAY = '一 丁';

const utf16le = (text: string): Buffer => Buffer.from(text, 'utf16le');
const utf16be = (text: string): Buffer => utf16le(text).swap16();
const marked = (mark: number[], bytes: Buffer): Buffer => Buffer.concat([Buffer.from(mark), bytes]);

/** `日本語` and `本文` are the only ones that the tests need. */
const SHIFT_JIS: Record<string, number[]> = {
  日: [0x93, 0xfa],
  本: [0x96, 0x7b],
  語: [0x8c, 0xea],
  文: [0x95, 0xb6],
};
const shiftJis = (text: string): Buffer =>
  Buffer.from(Array.from(text).flatMap((one) => SHIFT_JIS[one] ?? [one.charCodeAt(0)]));
const JIS = Buffer.from('# \x1b$BF|K\\8l\x1b(B\n', 'latin1');

describe('a document that says what it is', () => {
  it.each([
    ['UTF-8 without a mark', Buffer.from(TEXT)],
    ['UTF-8 with a mark', marked([0xef, 0xbb, 0xbf], Buffer.from(TEXT))],
    ['UTF-16LE with a mark', marked([0xff, 0xfe], utf16le(TEXT))],
    ['UTF-16BE with a mark', marked([0xfe, 0xff], utf16be(TEXT))],
    ['UTF-16LE without a mark', utf16le(TEXT)],
    ['UTF-16BE without a mark', utf16be(TEXT)],
  ])('is read: %s', async (_, bytes) => {
    room.write('page.md', bytes);
    expect(await room.run()).toMatchObject({ files: 1, claims: 2, failed: [] });
    expect(room.standing()).toEqual(['## Teil führt weiter', 'docs/page.md # Über uns März – 日本語']);
    expect(await room.run()).toMatchObject({ claims: 0, skipped: 2 });
  });

  it.each([
    ['UTF-16LE', utf16le(JAPANESE)],
    ['UTF-16BE', utf16be(JAPANESE)],
  ])('is read where few of its characters are Latin: %s', async (_, bytes) => {
    room.write('page.md', bytes);
    await room.run();
    expect(room.standing()).toEqual(['docs/page.md # 日本語 本文']);
  });

  it('keeps its claims where only its encoding changed', async () => {
    room.write('page.md', TEXT);
    await room.run();
    room.write('page.md', marked([0xff, 0xfe], utf16le(TEXT)));
    expect(await room.run()).toMatchObject({ claims: 0, skipped: 2, retracted: 0 });
  });

  it('may be longer than what is read at once, with a character across the border', async () => {
    const line = `${'日本語'.repeat(10)} \u{1f50b}\n`;
    const text = `x${line.repeat(30_000)}`;
    room.write('page.md', marked([0xff, 0xfe], utf16le(text)));
    const { claims } = await room.run();
    expect(claims).toBeGreaterThan(30);
    expect(room.standing().join(' ')).not.toContain('\ufffd');
  });
});

describe('a document that has to be told', () => {
  it.each([
    ['latin1', Buffer.from(LATIN, 'latin1'), 'docs/page.md # Über uns März'],
    [
      'windows-1252',
      Buffer.from('Preis: 5 \x80 \x96 \x93gut\x94\n', 'latin1'),
      'docs/page.md Preis: 5 € – “gut”',
    ],
    ['shift_jis', shiftJis(JAPANESE), 'docs/page.md # 日本語 本文'],
    ['utf-16le', utf16le(EITHER_WAY), `docs/page.md ${EITHER_WAY}`],
    ['utf-16be', utf16be(EITHER_WAY), `docs/page.md ${EITHER_WAY}`],
    ['iso-2022-jp', JIS, 'docs/page.md # 日本語'],
  ])('is refused as it is, and read as %s once that is said', async (encoding, bytes, text) => {
    room.write('page.md', bytes);
    room.write('plain.md', 'plain\n');
    const refused = await room.run();
    expect(room.failures(refused)).toHaveLength(1);
    expect(room.failures(refused)[0]![1]).toContain('--encoding');
    expect(room.standing()).toEqual(['docs/plain.md plain']);
    expect(await room.run({ encoding: new TextDecoder(encoding).encoding })).toMatchObject({ failed: [] });
    expect(room.standing()).toEqual([text, 'docs/plain.md plain']);
  });

  it('is what it says itself, whatever the others are said to be', async () => {
    room.write('marked.md', marked([0xfe, 0xff], utf16be(LATIN)));
    room.write('plain.md', LATIN);
    room.write('old.md', Buffer.from(LATIN, 'latin1'));
    await room.run({ encoding: 'windows-1252' });
    expect(room.standing()).toEqual(
      ['marked', 'old', 'plain'].map((name) => `docs/${name}.md # Über uns März`),
    );
  });
});

describe('what is no text in any encoding', () => {
  it.each([
    [
      'UTF-32 with a mark',
      Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]),
      'UTF-32, which is not read; save it as UTF-8',
    ],
    [
      'half of a pair in UTF-16',
      Buffer.from([0xff, 0xfe, 0x61, 0, 0x00, 0xd8, 0x62, 0]),
      'not valid UTF-16LE',
    ],
    ['an odd length in UTF-16', Buffer.from([0xff, 0xfe, 0x61, 0, 0x62]), 'not valid UTF-16LE'],
    ['bytes that are no UTF-8 behind its mark', Buffer.from([0xef, 0xbb, 0xbf, 0xe4]), 'not valid UTF-8'],
    ['NUL characters in UTF-16', Buffer.from([0xff, 0xfe, 0x61, 0, 0, 0, 0x62, 0]), 'binary'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'binary'],
    ['a surrogate in UTF-8', Buffer.from([0x61, 0xed, 0xa0, 0x80]), 'not valid UTF-8'],
    ['an overlong slash', Buffer.from([0x61, 0xc0, 0xaf]), 'not valid UTF-8'],
  ])('is named: %s', async (_, bytes, reason) => {
    room.write('page.md', bytes);
    const summary = await room.run();
    expect(room.failures(summary)).toEqual([['page.md', expect.stringContaining(reason)]]);
    expect(room.standing()).toEqual([]);
  });
});
