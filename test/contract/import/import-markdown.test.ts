import { symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLAIM_TEXT_BYTES_MAX } from '../../../events/limits.ts';

import { importRoom } from '../../support/import-room.ts';

const room = importRoom();

/** Claims by the first words of their text. */
function claimed(): Map<string, { claim: string; parent: string | undefined; tags: readonly string[] }> {
  const claims = new Map<string, { claim: string; parent: string | undefined; tags: readonly string[] }>();
  for (const { claim, parent, tags } of room.group.now.claims())
    claims.set(room.group.claimContent(claim)!.text.replace(/\s+/g, ' '), { claim, parent, tags });
  return claims;
}

const GUIDE = '# Guide\n\nhello\n\n## Install\n\nnpm i\n\n### Linux\n\napt\n\n## Use\n\nrun it\n';

describe('what an import makes', () => {
  it('threads sections under their document', async () => {
    room.write('guide.md', GUIDE);
    const summary = await room.run();
    expect(summary).toMatchObject({ files: 1, sections: 4, claims: 4, skipped: 0, failed: [] });
    const claims = claimed();
    const root = claims.get('docs/guide.md # Guide hello')!;
    const install = claims.get('## Install npm i')!;
    expect(root.parent).toBeUndefined();
    expect(install.parent).toBe(root.claim);
    expect(claims.get('### Linux apt')!.parent).toBe(install.claim);
    expect(claims.get('## Use run it')!.parent).toBe(root.claim);
  });

  it('tags what it makes: given tags first', async () => {
    room.write('api/Guide.md', GUIDE);
    await room.run({ tags: ['handbook'] });
    for (const { tags } of claimed().values()) expect(tags).toEqual(['handbook', 'docs', 'api', 'guide']);
  });

  it('takes the time of the file', async () => {
    const file = room.write('guide.md', GUIDE);
    utimesSync(file, 1_000_000, 1_000_000);
    await room.run();
    for (const { claim } of claimed().values())
      expect(room.group.claimContent(claim)!.createdMs).toBe(1_000_000_000);
  });

  it('threads the parts of a section that is longer than a claim, one after the other', async () => {
    const paragraph = `${'word '.repeat(2_000)}\n\n`;
    room.write('long.md', `# Long\n\nx\n\n## Big\n\n${paragraph.repeat(20)}### Below\n\ny\n`);
    const { claims } = await room.run();
    expect(claims).toBe(6);
    const byId = new Map(Array.from(room.group.now.claims(), (claim) => [claim.claim, claim]));
    const depth = (claim: string): number => {
      const { parent } = byId.get(claim)!;
      return parent === undefined ? 0 : 1 + depth(parent);
    };
    const texts = Array.from(byId.keys(), (claim) => ({
      text: room.group.claimContent(claim)!.text,
      depth: depth(claim),
    }));
    for (const { text } of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(CLAIM_TEXT_BYTES_MAX);
    expect(texts.map((one) => one.depth).sort()).toEqual([0, 1, 2, 2, 3, 4]);
    expect(texts.find(({ text }) => text.startsWith('### Below'))!.depth).toBe(2);
    expect((await room.run()).claims).toBe(0);
  });

  it('says once what a document says twice in one place', async () => {
    room.write('changes.md', '# Log\n\n## 2\n\nfix\n\n## 2\n\nfix\n');
    expect(await room.run()).toMatchObject({ sections: 3, claims: 2, skipped: 1 });
  });

  it('keeps transactions within their size, however long the tags are', async () => {
    room.write(
      'many.md',
      `# T\n\n${Array.from({ length: 600 }, (_, at) => `## ${at}\n\ntext\n`).join('\n')}`,
    );
    const tags = Array.from({ length: 19 }, (_, at) => `${'😀'.repeat(60)}${at}`);
    expect(await room.run({ tags })).toMatchObject({ claims: 601 });
  });
});

describe('importing again', () => {
  it('adds nothing where nothing changed, even if the files are younger', async () => {
    const file = room.write('guide.md', GUIDE);
    await room.run();
    utimesSync(file, 2_000_000, 2_000_000);
    expect(await room.run()).toMatchObject({ sections: 4, claims: 0, skipped: 4 });
  });

  it.each([
    ['a section', 'run it', 'walk it'],
    ['a section that has subsections', 'npm i', 'npm ci'],
    ['the preamble', 'hello', 'welcome'],
  ])('adds only what was edited: %s', async (_, from, to) => {
    room.write('guide.md', GUIDE);
    await room.run();
    room.write('guide.md', GUIDE.replace(from, to));
    expect(await room.run()).toMatchObject({ claims: 1, skipped: 3 });
    expect(await room.run()).toMatchObject({ claims: 0, skipped: 4 });
    room.write('guide.md', GUIDE);
    expect(await room.run()).toMatchObject({ claims: 0, skipped: 4 });
  });

  it('threads what is new under the newest version of what is around it', async () => {
    room.write('guide.md', GUIDE);
    await room.run();
    room.write(
      'guide.md',
      GUIDE.replace('npm i', 'npm ci').replace('### Linux', '### Windows\n\nmsi\n\n### Linux'),
    );
    expect(await room.run()).toMatchObject({ claims: 2, skipped: 3 });
    const claims = claimed();
    expect(claims.get('### Windows msi')!.parent).toBe(claims.get('## Install npm ci')!.claim);
    expect(claims.get('### Linux apt')!.parent).toBe(claims.get('## Install npm i')!.claim);
  });

  it('does not take two sections with one heading for versions of each other', async () => {
    room.write('log.md', '# Log\n\n## Fixes\n\none\n\n### More\n\nm\n\n## Fixes\n\ntwo\n\n### More\n\nm\n');
    expect(await room.run()).toMatchObject({ sections: 5, claims: 5 });
    expect(await room.run()).toMatchObject({ claims: 0, skipped: 5 });
  });

  it('makes every claim once where two import the same at the same time', async () => {
    room.write('guide.md', GUIDE);
    const both = await Promise.all([room.run(), room.run()]);
    expect(both.reduce((sum, { claims }) => sum + claims, 0)).toBe(4);
    expect(claimed().size).toBe(4);
  });

  it('goes on where an import was aborted', async () => {
    for (let at = 0; at < 40; at++) room.write(`${at}.md`, `${GUIDE}\n${at}\n`);
    const abort = new AbortController();
    const onProgress = ({ files }: { files: number }): void => {
      if (files === 20) abort.abort();
    };
    await expect(room.run({ signal: abort.signal, onProgress })).rejects.toThrow('aborted');
    const rest = await room.run();
    expect(rest.claims + rest.skipped).toBe(160);
    expect([...room.group.now.claimIds()].length).toBe(160);
  });
});

describe('what is left out', () => {
  it('names files that are no text, and why', async () => {
    room.write('good.md', GUIDE);
    room.write('nul.md', 'a\0b');
    room.write('latin.md', Uint8Array.of(0xe4, 0xf6));
    symlinkSync(join(room.docs, 'nowhere'), join(room.docs, 'gone.md'));
    const { files, failed } = await room.run();
    expect(files).toBe(1);
    expect(failed.map(({ path, reason }) => [path.slice(room.docs.length + 1), reason])).toEqual([
      ['gone.md', 'there is no such file or folder'],
      ['latin.md', 'not valid UTF-8; where it is another encoding, name it with --encoding'],
      ['nul.md', 'binary: it holds NUL bytes'],
    ]);
  });

  it('ends at links that lead back, and reads a file once', async () => {
    room.write('a/guide.md', GUIDE);
    symlinkSync(room.docs, join(room.docs, 'a/loop'));
    symlinkSync(join(room.docs, 'a/guide.md'), join(room.docs, 'again.md'));
    expect(await room.run({ paths: [room.docs, join(room.docs, 'a')] })).toMatchObject({
      files: 1,
      failed: [],
    });
  });

  it('passes by hidden folders, other files, and node_modules unless it is what was given', async () => {
    room.write('guide.md', GUIDE);
    room.write('.git/notes.md', GUIDE);
    room.write('code.ts', GUIDE);
    room.write('node_modules/dependency/readme.MD', GUIDE);
    room.write('node_modules/dependency/node_modules/deeper/readme.md', GUIDE);
    expect(await room.run()).toMatchObject({ files: 1 });
    expect(await room.run({ paths: [join(room.docs, 'node_modules')] })).toMatchObject({ files: 1 });
  });

  it('takes a file that is named itself, whatever it is called', async () => {
    expect(await room.run({ paths: [room.write('NOTES.txt', GUIDE)] })).toMatchObject({
      files: 1,
      claims: 4,
    });
  });

  it('makes nothing of an empty file', async () => {
    room.write('empty.md', ' \n\n');
    expect(await room.run()).toMatchObject({ files: 1, sections: 0, claims: 0 });
  });

  it('imports the rest where a path does not exist, and refuses when none does', async () => {
    room.write('guide.md', GUIDE);
    const missing = join(room.docs, 'missing');
    expect(await room.run({ paths: [missing, room.docs] })).toMatchObject({
      files: 1,
      claims: 4,
      failed: [{ path: missing, reason: 'there is no such file or folder' }],
    });
    await expect(room.run({ paths: [missing] })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('throws the refusal of the rules where the agent may not claim', async () => {
    room.write('guide.md', GUIDE);
    const name = 'viewer';
    const viewer = await room.node.createIdentity(name);
    await room.group.as('node').addMember(viewer.publicKey, 'viewer');
    await expect(room.run({ agent: room.group.as(name) })).rejects.toMatchObject({ code: 'refused' });
  });
});
