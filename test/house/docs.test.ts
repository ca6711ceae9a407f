/** The documentation says what the program does: tables are made from it, nothing is left out, links lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fill, PAGES, readPage } from '../../docs/generate.ts';
import { REFUSAL_CODES } from '../../events/refusals.ts';
import { OPERATIONS } from '../../events/registry.ts';
import { sources } from './sources.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function pagesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(folder, entry.name));
}

const ALL_PAGES = [...pagesUnder('.'), ...pagesUnder('docs'), ...pagesUnder('docs/decisions')];
/** All but the help of the command line, which is made as a whole. */
const WRAPPED_PAGES = ALL_PAGES.filter((page) => page !== join('docs', 'CLI.md'));
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** A page without what the generator made. */
function writtenByHand(page: string): string {
  return page.replace(/<!-- generated:[\s\S]*?<!-- \/generated -->/g, '');
}

const withoutCode = (page: string): string => page.replace(/^```[\s\S]*?^```$/gm, '');

/** The anchor that a heading gets where pages are shown. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(page: string): Set<string> {
  return new Set(Array.from(withoutCode(page).matchAll(/^#+ (.*)$/gm), ([, heading]) => anchorOf(heading!)));
}

describe('generated regions', () => {
  test.each(PAGES)('%s is up to date (npx node docs/generate.ts)', (page) => {
    const text = readPage(page);
    expect(text).toContain('<!-- generated:');
    expect(text).toBe(fill(text));
  });

  test('a stale region is noticed', () => {
    const stale = '<!-- generated:refusals -->\n\n| code |\n\n<!-- /generated -->';
    expect(fill(stale)).not.toBe(stale);
  });

  test('an unknown region is refused', () => {
    expect(() => fill('<!-- generated:weather -->\n<!-- /generated -->')).toThrow('weather');
  });
});

describe('the protocol is complete', () => {
  const text = writtenByHand(readPage('PROTOCOL.md'));

  test.each(Object.keys(OPERATIONS))('%s has its rule in words', (operation) => {
    const titles = Array.from(text.matchAll(/^\*\*([a-z_, ]+)\*\*/gm), ([, names]) =>
      names!.split(', '),
    ).flat();
    expect(titles).toContain(operation);
  });

  // Those of the keystore and of sealed notes never leave a node.
  const prefixes = sources('{actors,crypto,events,machines,protocol}/**/*.ts')
    .flatMap(({ text: code }) =>
      Array.from(code.matchAll(/'(lb\/[a-z-]+\/1)(?:\\0)?'/g), ([, prefix]) => prefix!),
    )
    .filter((prefix) => prefix !== 'lb/note/1');

  test.each([...new Set(prefixes)])('%s stands in the table of prefixes', (prefix) => {
    expect(text).toMatch(new RegExp(`^\\| \`"${prefix}`, 'm'));
  });

  test('prefixes are found', () => {
    expect(prefixes).toContain('lb/tx/1');
  });

  test.each(REFUSAL_CODES)('%s stands where it is checked', (code) => {
    expect(text).toContain(`\`${code}\``);
  });
});

describe('links', () => {
  test.each(ALL_PAGES)('%s leads somewhere', (page) => {
    const text = withoutCode(read(page));
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(target!)) continue;
      const [path, anchor] = target!.split('#') as [string, string | undefined];
      const file = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(ROOT, file)), `${page}: ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(file)), `${page}: ${target}`).toContain(anchor);
    }
  });

  test('the list of decisions is complete', () => {
    const list = read('docs/decisions/README.md');
    for (const page of pagesUnder('docs/decisions')) {
      const name = relative('docs/decisions', page);
      if (name !== 'README.md') expect(list).toContain(`](${name})`);
    }
  });
});

describe('what pages must not hold', () => {
  test.each(ALL_PAGES)('%s names no machine', (page) => {
    const text = read(page);
    expect(text).not.toMatch(/(?:^|[\s`'"(])\/(?:home|root|work|Users|tmp)\//m);
    expect(text).not.toMatch(/localhost|127\.0\.0\.1|registry\.(?!ts)/);
  });

  test.each(WRAPPED_PAGES)('%s has no long line', (page) => {
    const text = read(page);
    const long = withoutCode(writtenByHand(text))
      .split('\n')
      .filter((line) => line.length > 120 && !line.startsWith('|'));
    expect(long).toEqual([]);
  });

  test.each(pagesUnder('docs/decisions').filter((page) => !page.endsWith('README.md')))(
    '%s says what, why and at what price, on one page',
    (page) => {
      const text = read(page);
      for (const part of ['**Decision.**', '**Why.**', '**Price.**']) expect(text).toContain(part);
      expect(text.split('\n').length).toBeLessThan(60);
    },
  );
});
