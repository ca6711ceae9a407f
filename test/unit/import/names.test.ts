import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { TAG_CHARACTERS_MAX, TAGS_MAX } from '../../../events/limits.ts';
import { cleanTags, Namer } from '../../../interfaces/cli/import/names.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-names-'));
afterAll(() => rmSync(base, { recursive: true }));

describe('names of documents', () => {
  mkdirSync(join(base, 'node_modules/@scope/pkg/docs/api'), { recursive: true });
  writeFileSync(join(base, 'node_modules/@scope/pkg/package.json'), '{"name":"@scope/pkg"}');
  writeFileSync(join(base, 'node_modules/@scope/pkg/docs/package.json'), '{"type":"module"}');

  it('begin with the package, from wherever the import was started', () => {
    const file = join(base, 'node_modules/@scope/pkg/docs/api/Class.md');
    const expected = { name: '@scope/pkg/docs/api/Class.md', tags: ['@scope/pkg', 'docs', 'api', 'class'] };
    expect(new Namer().nameOf(file, join(base, 'node_modules'))).toEqual(expected);
    expect(new Namer().nameOf(file, file)).toEqual(expected);
  });

  it('begin with the folder where there is no package', () => {
    const file = join(base, 'notes/plan.md');
    expect(new Namer().nameOf(file, join(base, 'notes')).name).toBe('notes/plan.md');
    expect(new Namer().nameOf(file, file).name).toBe('notes/plan.md');
  });

  it('are one line of bounded length, whatever the file is called', () => {
    const { name } = new Namer().nameOf(join(base, 'n', `a\nb\u0007${'x'.repeat(300)}.md`), join(base, 'n'));
    expect(name).toMatch(/^…x+\.md$/);
    expect(Array.from(name)).toHaveLength(256);
  });
});

describe('tags', () => {
  it('are cleaned, and each is there once', () => {
    expect(cleanTags(['My Docs', 'my docs', '@a/b', '  ', 'Straße_1', '…'])).toEqual([
      'my-docs',
      '@a/b',
      'straße_1',
    ]);
  });

  it('are within the limits, whatever the words', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { maxLength: 40 }), (words) => {
        const tags = cleanTags(words);
        expect(tags.length).toBeLessThanOrEqual(TAGS_MAX);
        expect(new Set(tags).size).toBe(tags.length);
        for (const tag of tags) {
          expect(tag).not.toBe('');
          expect(Array.from(tag).length).toBeLessThanOrEqual(TAG_CHARACTERS_MAX);
        }
      }),
    );
  });
});
