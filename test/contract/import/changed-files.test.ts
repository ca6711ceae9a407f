/** Importing again after files were edited, renamed or removed. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { importRoom } from '../../support/import-room.ts';

const room = importRoom();

/** The texts of claims that stand, in one line each, and the reasons of those that do not. */
function said(): {
  standing: string[];
  retracted: Map<string, string | undefined>;
  ids: Map<string, string>;
} {
  const standing: string[] = [];
  const retracted = new Map<string, string | undefined>();
  const ids = new Map<string, string>();
  for (const { claim, retraction } of room.group.now.claims()) {
    const text = room.group.claimContent(claim)!.text.replace(/\s+/g, ' ');
    ids.set(text, claim);
    if (retraction === undefined) standing.push(text);
    else retracted.set(text, retraction.reason);
  }
  return { standing: standing.sort(), retracted, ids };
}

const GUIDE = '# Guide\n\nhello\n\n## Install\n\nnpm i\n\n### Linux\n\napt\n\n## Use\n\nrun it\n';

describe('a file that changed', () => {
  it('supersedes the sections that were edited, and nothing else', async () => {
    room.write('guide.md', GUIDE);
    await room.run();
    room.write('guide.md', GUIDE.replace('npm i', 'npm ci'));
    expect(await room.run()).toMatchObject({ claims: 1, skipped: 3, retracted: 1 });
    const { standing, retracted, ids } = said();
    expect(standing).toEqual([
      '## Install npm ci',
      '## Use run it',
      '### Linux apt',
      'docs/guide.md # Guide hello',
    ]);
    expect([...retracted]).toEqual([['## Install npm i', `superseded by ${ids.get('## Install npm ci')}`]]);
    expect(await room.run()).toMatchObject({ claims: 0, retracted: 0 });
  });

  it('supersedes a section whose heading changed', async () => {
    room.write('guide.md', GUIDE);
    await room.run();
    room.write('guide.md', GUIDE.replace('## Use', '## Usage'));
    expect(await room.run()).toMatchObject({ claims: 1, retracted: 1 });
    const { retracted, ids } = said();
    expect(retracted.get('## Use run it')).toBe(`superseded by ${ids.get('## Usage run it')}`);
  });

  it('retracts a section that was removed', async () => {
    room.write('guide.md', GUIDE);
    await room.run();
    room.write('guide.md', GUIDE.replace('## Use\n\nrun it\n', ''));
    expect(await room.run()).toMatchObject({ claims: 0, retracted: 1 });
    expect([...said().retracted]).toEqual([['## Use run it', 'no longer in docs/guide.md']]);
  });

  it('reinstates what comes back', async () => {
    room.write('guide.md', GUIDE);
    await room.run();
    for (const _ of [1, 2]) {
      room.write('guide.md', GUIDE.replace('hello', 'welcome'));
      await room.run();
      expect(said().standing).toContain('docs/guide.md # Guide welcome');
      expect(said().standing).not.toContain('docs/guide.md # Guide hello');
      room.write('guide.md', GUIDE);
      expect(await room.run()).toMatchObject({ claims: 0, reinstated: 1, retracted: 1 });
      expect(said().standing).toHaveLength(4);
    }
  });

  it('leaves alone what a person retracted', async () => {
    room.write('guide.md', GUIDE);
    await room.run();
    const wrong = said().ids.get('## Use run it')!;
    await room.group.as('node').retractClaim(wrong, 'wrong');
    room.write('guide.md', GUIDE.replace('hello', 'welcome'));
    expect(await room.run()).toMatchObject({ claims: 1, reinstated: 0, retracted: 1 });
    expect(said().retracted.get('## Use run it')).toBe('wrong');
  });

  it('leaves what somebody else claimed', async () => {
    room.write('guide.md', GUIDE);
    const name = 'other';
    await room.group.as('node').addMember((await room.node.createIdentity(name)).publicKey, 'member');
    await room.run({ agent: room.group.as(name) });
    room.write('guide.md', GUIDE.replace('npm i', 'npm ci'));
    expect(await room.run()).toMatchObject({ claims: 1, retracted: 0, left: 1 });
    expect(said().retracted.size).toBe(0);
  });

  it('takes edits of a whole file at once, and of many sections of one name', async () => {
    const log = (word: string): string =>
      `# Log\n\n${Array.from({ length: 700 }, (_, at) => `## Fixed\n\n${word} ${at}\n`).join('\n')}`;
    room.write('log.md', log('old'));
    expect(await room.run()).toMatchObject({ claims: 701 });
    room.write('log.md', log('new'));
    expect(await room.run()).toMatchObject({ claims: 700, retracted: 700 });
    expect(said().standing).toHaveLength(701);
  });
});

describe('a file that was renamed', () => {
  it('keeps the claims of its sections; the claim that names it is made anew', async () => {
    const file = room.write('guide.md', GUIDE);
    await room.run();
    const before = said().ids;
    mkdirSync(join(room.docs, 'deep'));
    renameSync(file, join(room.docs, 'deep', 'manual.md'));
    expect(await room.run()).toMatchObject({ claims: 1, retracted: 1, renamed: 1, gone: 0 });
    const { standing, retracted, ids } = said();
    expect(standing).toContain('docs/deep/manual.md # Guide hello');
    expect(ids.get('## Use run it')).toBe(before.get('## Use run it'));
    expect(standing).toHaveLength(4);
    expect([...retracted.values()]).toEqual([
      `superseded by ${ids.get('docs/deep/manual.md # Guide hello')}`,
    ]);
    expect(await room.run({ prune: true })).toMatchObject({ claims: 0, retracted: 0, renamed: 0 });
  });

  it('is not taken for renamed where the first file is still there', async () => {
    room.write('a.md', GUIDE);
    await room.run();
    room.write('b.md', GUIDE);
    expect(await room.run()).toMatchObject({ claims: 4, retracted: 0, renamed: 0 });
  });
});

describe('a file that is gone', () => {
  it('keeps its claims until --prune', async () => {
    const file = room.write('guide.md', GUIDE);
    room.write('other.md', '# Other\n\nx\n');
    await room.run();
    rmSync(file);
    expect(await room.run()).toMatchObject({ gone: 1, retracted: 0 });
    expect(said().retracted.size).toBe(0);
    expect(await room.run({ prune: true })).toMatchObject({ gone: 1, retracted: 4 });
    expect(said().standing).toEqual(['docs/other.md # Other x']);
    expect(await room.run({ prune: true })).toMatchObject({ gone: 0, retracted: 0 });
    room.write('guide.md', GUIDE);
    expect(await room.run()).toMatchObject({ claims: 0, reinstated: 4 });
  });
});

describe('a dry run', () => {
  it('says what an import would do, and does nothing', async () => {
    const file = room.write('guide.md', GUIDE);
    room.write('other.md', '# Other\n\nx\n');
    const { height } = room.group.head;
    expect(await room.run({ dryRun: true })).toMatchObject({ dryRun: true, claims: 5 });
    expect(room.group.head.height).toBe(height);
    expect(await room.run()).toMatchObject({ dryRun: false, claims: 5 });
    room.write('other.md', '# Other\n\ny\n');
    rmSync(file);
    const after = room.group.head.height;
    const planned = await room.run({ dryRun: true, prune: true });
    expect(planned).toMatchObject({ claims: 1, retracted: 5, gone: 1 });
    expect(room.group.head.height).toBe(after);
    expect(await room.run({ prune: true })).toMatchObject({ claims: 1, retracted: 5, gone: 1 });
  });
});

describe('front matter', () => {
  it('gives the title and the tags', async () => {
    room.write('page.md', '---\ntitle: The Page\ntags: [Alpha, beta two]\n---\ntext\n');
    room.write('site.md', '+++\ntitle = "Site"\nkeywords = ["gamma"]\n+++\n# Site\n\ntext\n');
    await room.run({ tags: ['given'] });
    const claims = [...room.group.now.claims()];
    const tagsOf = (text: string) => claims.find(({ claim }) => claim === said().ids.get(text))?.tags;
    expect(tagsOf('docs/page.md # The Page text')).toEqual(['given', 'alpha', 'beta-two', 'docs', 'page']);
    expect(tagsOf('docs/site.md # Site text')).toEqual(['given', 'gamma', 'docs', 'site']);
  });

  it('with other tags or another title makes the claims anew', async () => {
    const page = (data: string): string => `---\n${data}\n---\ntext\n\n## Part\n\nmore\n\n## Rest\n\nelse\n`;
    room.write('page.md', page('title: One\ntags: a'));
    await room.run();
    room.write('page.md', page('title: One\ntags: b'));
    expect(await room.run()).toMatchObject({ claims: 3, retracted: 3 });
    room.write('page.md', page('title: Two\ntags: b'));
    expect(await room.run()).toMatchObject({ claims: 1, retracted: 1 });
    expect(said().standing).toEqual(['## Part more', '## Rest else', 'docs/page.md # Two text']);
  });

  it.each([
    ['no data', '---\ntitle: [\n---\ntext\n'],
    [
      'a bomb',
      `---\na: &a [x,x]\n${Array.from({ length: 40 }, (_, at) => `b${at}: &b${at} [${'*a,'.repeat(9)}*a]`).join('\n')}\n---\ntext\n`,
    ],
  ])('that is %s says nothing, and is no part of the text', async (_, text) => {
    room.write('page.md', text);
    await room.run();
    expect(said().standing).toEqual(['docs/page.md text']);
  });
});
