import { describe, expect, test } from 'vitest';
import { type Column, displayWidth, renderTable, wrap, wrapWords } from '../../../interfaces/cli/table.ts';

interface Row {
  readonly id: string;
  readonly text: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'id', value: ({ id }) => id },
  { header: 'text', value: ({ text }) => text, isFlexible: true },
];
const ROWS: readonly Row[] = [
  { id: 'a1b2c3d4', text: 'one two three four five six seven eight nine ten' },
  { id: 'e5f6', text: '知識は力なり、そして長い 🙂🙂🙂' },
  { id: 'x', text: '' },
];

describe('renderTable', () => {
  test('leaves a table alone that fits', () => {
    expect(renderTable(COLUMNS, [{ id: 'a1', text: 'short' }], 80)).toEqual(['id  text', 'a1  short']);
  });

  test('wraps flexible columns at spaces, and no line is wider than asked', () => {
    for (let width = 20; width < 90; width++)
      for (const line of renderTable(COLUMNS, ROWS, width))
        expect(displayWidth(line), `${width}: ${line}`).toBeLessThanOrEqual(width);
    expect(renderTable(COLUMNS, ROWS.slice(0, 1), 32)).toEqual([
      'id        text',
      'a1b2c3d4  one two three four',
      '          five six seven eight',
      '          nine ten',
    ]);
  });

  test('becomes records where even that is too narrow', () => {
    const lines = renderTable(COLUMNS, [{ id: 'a'.repeat(18), text: 'one two three four' }], 20);
    expect(lines).toEqual(['id:', '  aaaaaaaaaaaaaaaaaa', 'text: one two three', '  four']);
  });

  test('words stay whole where they are to be pasted', () => {
    const id = 'ab'.repeat(32);
    expect(wrapWords(`block 12, transaction ${id} and more`, 24)).toEqual([
      'block 12, transaction',
      id,
      'and more',
    ]);
    expect(wrapWords('  indented code', 80)).toEqual(['  indented code']);
    expect(wrapWords('', 10)).toEqual(['']);
  });

  test('loses nothing of a text', () => {
    const text = 'supercalifragilisticexpialidocious and so on';
    for (let width = 5; width < 50; width++)
      expect(wrap(text, width).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
  });

  test('makes what acts on a terminal visible', () => {
    expect(renderTable(COLUMNS, [{ id: '1', text: 'a\u001b[2J\nb' }], 80)[1]).toBe('1   a\\u001b[2J\\nb');
  });
});
