/** Files with odd names: a name is bytes, any but `/` and NUL. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importRoom } from '../../support/import-room.ts';

const room = importRoom();

/** A document whose name is bytes that may be no text. */
function writeBytes(name: Buffer, text: string): Buffer {
  const path = Buffer.concat([Buffer.from(`${room.docs}/`), name]);
  writeFileSync(path, text);
  return path;
}

describe('a document with an odd name', () => {
  it.each([
    ['spaces', 'two  words .md', 'docs/two words .md'],
    ['quotes', `it's "so" \`x\`.md`, `docs/it's "so" \`x\`.md`],
    ['a line break', 'one\ntwo.md', 'docs/one\ufffdtwo.md'],
    ['an escape sequence', 'red\x1b[31m.md', 'docs/red\ufffd[31m.md'],
    ['leading dashes', '--prune.md', 'docs/--prune.md'],
    ['emoji', '🔋🧑‍🚀.md', 'docs/🔋🧑‍🚀.md'],
    ['a backslash and a glob', 'a\\b*?.md', 'docs/a\\b*?.md'],
    ['a percent sign and a hash', '50%20#1.md', 'docs/50%20#1.md'],
    ['marks of Markdown', '# [x](y) *z*.md', 'docs/# [x](y) *z*.md'],
    ['an extension in capitals', 'README.MD', 'docs/README.MD'],
    ['only an extension before another', '.hidden.md', 'docs/.hidden.md'],
    ['255 bytes', `${'n'.repeat(252)}.md`, `…${`docs/${'n'.repeat(252)}.md`.slice(-255)}`],
  ])('is imported once: %s', async (_, name, shown) => {
    room.write(name, 'words\n');
    expect(await room.run()).toMatchObject({ files: 1, claims: 1, failed: [] });
    expect(room.standing()).toEqual([`${shown} words`]);
    expect(await room.run()).toMatchObject({ claims: 0, skipped: 1 });
    room.write(name, 'other words\n');
    expect(await room.run()).toMatchObject({ claims: 1, retracted: 1 });
    expect(room.standing()).toEqual([`${shown} other words`]);
  });

  it('has one name however its marks are written', async () => {
    room.write('cafe\u0301.md', 'words\n');
    await room.run();
    expect(room.standing()).toEqual(['docs/café.md words']);
    const tags = Array.from(room.group.now.claims(), (claim) => claim.tags);
    expect(tags).toEqual([['docs', 'café']]);
  });

  it.runIf(process.platform === 'linux')('may be no text at all', async () => {
    writeBytes(Buffer.from([0xe9, 0x2e, 0x6d, 0x64]), 'one\n');
    const second = writeBytes(Buffer.from([0xff, 0xfe, 0x2e, 0x6d, 0x64]), 'two\n');
    expect(await room.run()).toMatchObject({ files: 2, claims: 2, failed: [] });
    expect(room.standing()).toEqual(['docs/\\xE9.md one', 'docs/\\xFF\\xFE.md two']);
    expect(await room.run()).toMatchObject({ claims: 0, skipped: 2 });
    renameSync(second, Buffer.concat([Buffer.from(`${room.docs}/`), Buffer.from([0xfd, 0x2e, 0x6d, 0x64])]));
    expect(await room.run()).toMatchObject({ claims: 1, renamed: 1, retracted: 1 });
    writeBytes(Buffer.from([0xe9, 0x2e, 0x6d, 0x64]), 'bin\0ary');
    expect(room.failures(await room.run())).toEqual([['\\xE9.md', 'binary: it holds NUL bytes']]);
  });

  it('may lie in folders with odd names', async () => {
    room.write("-x/it's\n/🔋/page.md", 'words\n');
    expect(await room.run()).toMatchObject({ files: 1, failed: [] });
    expect(room.standing()).toEqual(["docs/-x/it's\ufffd/🔋/page.md words"]);
  });

  it('may lie deeper than a path may be long', async () => {
    // A path of more than 4,096 bytes cannot be opened by its name.
    const folder = 'd'.repeat(200);
    let place = room.docs;
    for (let depth = 0; depth < 15; depth++) place = join(place, folder);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'page.md'), 'words\n');
    expect(await room.run()).toMatchObject({ files: 1, failed: [] });
    expect(room.standing()[0]).toMatch(/^….*\/page\.md words$/);
  });
});
