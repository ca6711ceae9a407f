/** Links in a folder that is imported: those that stay in it are followed once, those that lead out only if asked. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { importRoom } from '../../support/import-room.ts';

const room = importRoom();
const OUT = 'a link that leads out of the folder; --follow-links reads it';
let outside: string;

beforeEach(() => {
  outside = join(room.around, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret.md'), '# Secret\n\nkept\n');
  room.write('page.md', '# Page\n\nx\n');
});

const link = (target: string, ...path: string[]): void => symlinkSync(target, join(room.docs, ...path));
const pair = (): void => {
  link('two.md', 'one.md');
  link('one.md', 'two.md');
};

describe('a link that leads out', () => {
  it.each<[string, () => string, string]>([
    ['to a file', () => join(outside, 'secret.md'), 'link.md'],
    ['to a file, by a relative path', () => '../outside/secret.md', 'link.md'],
    ['to a folder', () => outside, 'folder'],
    ['to the folder around', () => '..', 'up'],
    // `docs-more` begins like `docs`, and is another folder.
    ['to a folder whose name begins alike', () => sibling(), 'more'],
  ])('is named and left alone: %s', async (_, target, name) => {
    link(target(), name);
    const summary = await room.run();
    expect(room.failures(summary)).toEqual([[name, OUT]]);
    expect(room.standing()).toEqual(['docs/page.md # Page x']);
  });

  it('is left alone where it leads out by way of another link in the folder', async () => {
    mkdirSync(join(room.docs, 'a'));
    link('../b', 'a', 'hop');
    link(outside, 'b');
    const summary = await room.run();
    expect(room.failures(summary)).toEqual([
      ['a/hop', OUT],
      ['b', OUT],
    ]);
    expect(room.standing()).toEqual(['docs/page.md # Page x']);
  });

  it('is followed with --follow-links, and what it leads to is read once', async () => {
    link(outside, 'folder');
    link(join(outside, 'secret.md'), 'link.md');
    expect(await room.run({ followLinks: true })).toMatchObject({ files: 2, failed: [] });
    expect(room.standing()).toEqual(['docs/folder/secret.md # Secret kept', 'docs/page.md # Page x']);
  });

  it('ends where it leads back, with --follow-links', async () => {
    link('..', 'up');
    expect(await room.run({ followLinks: true })).toMatchObject({ files: 2, failed: [] });
  });
});

describe('a link that stays in the folder', () => {
  it('is followed, and what it leads to is read once', async () => {
    room.write('deep/inner.md', '# Inner\n\ny\n');
    link('deep', 'again');
    link('deep/inner.md', 'copy.md');
    expect(await room.run()).toMatchObject({ files: 2, failed: [] });
  });

  it.each<[string, () => void]>([
    ['to itself', () => link('self.md', 'self.md')],
    ['to each other', pair],
    ['to the folder it lies in', () => link('.', 'loop')],
    ['to the folder that is imported', () => link(room.docs, 'loop')],
  ])('does not go round in circles: %s', async (_, make) => {
    make();
    expect(await room.run()).toMatchObject({ files: 1 });
    expect(room.standing()).toEqual(['docs/page.md # Page x']);
  });
});

it('what is given may itself be a link', async () => {
  const given = join(room.around, 'given');
  symlinkSync(room.docs, given);
  expect(await room.run({ paths: [given] })).toMatchObject({ files: 1, failed: [] });
  expect(room.standing()).toEqual(['given/page.md # Page x']);
  const file = join(room.around, 'one.md');
  symlinkSync(join(outside, 'secret.md'), file);
  expect(await room.run({ paths: [file] })).toMatchObject({ files: 1, failed: [] });
});

it('a link to a device with the name of a document is not read, and nobody waits for it', async () => {
  link('/dev/zero', 'zero.md');
  link('/dev/stdin', 'input.md');
  expect(await room.run()).toMatchObject({ files: 1 });
});

function sibling(): string {
  const folder = `${room.docs}-more`;
  mkdirSync(folder);
  writeFileSync(join(folder, 'other.md'), '# Other\n');
  return folder;
}
