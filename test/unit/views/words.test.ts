/** BM25 over what FTS5 keeps: against a plain count of the formula, across caches, and with hostile queries. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { creationScript } from '../../../views/schema.ts';
import { Sqlite } from '../../../views/sqlite.ts';
import { termsOf, tokenize } from '../../../views/tokens.ts';
import { Vocabulary } from '../../../views/vocabulary.ts';
import { WordIndex, wordsIn } from '../../../views/words.ts';
import { seeded } from '../../support/seed.ts';
import { hexId } from '../storage/temporary.ts';

function emptyFile(): Sqlite {
  const sqlite = new Sqlite(':memory:');
  sqlite.database.exec(creationScript());
  onTestFinished(() => sqlite.close());
  return sqlite;
}

function add(sqlite: Sqlite, words: WordIndex, n: number, text: string): void {
  const terms = tokenize(text);
  sqlite.run(
    `INSERT INTO claim (n, claim, author, height, position, ts_ms, root, depth, tags, terms, cited, cited_in, is_in)
      VALUES (?, ?, '', 0, ?, 0, ?, 0, '[]', ?, 0, 0, 1)`,
    n,
    hexId(n),
    n,
    n,
    wordsIn(terms),
  );
  words.add(n, hexId(n), terms);
}

/** The formula, written down as it stands in the books. */
function plainScores(texts: readonly string[], query: string): Map<number, number> {
  const documents = texts.map((text) => termsOf(text));
  const average = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
  const scores = new Map<number, number>();
  for (const term of termsOf(query)) {
    const having = documents.filter((terms) => terms.includes(term)).length;
    const idf = Math.log(1 + (documents.length - having + 0.5) / (having + 0.5));
    for (const [at, terms] of documents.entries()) {
      const count = terms.filter((one) => one === term).length;
      if (count === 0) continue;
      const score = (idf * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * terms.length) / average));
      scores.set(at + 1, (scores.get(at + 1) ?? 0) + score);
    }
  }
  return scores;
}

const word = fc.constantFrom('ant', 'bee', 'cat', 'dog', 'eel', 'fox');
const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));

describe('search by words', () => {
  test('gives the scores of the formula, whatever was asked before and whenever it was opened', () => {
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 30 }),
        text,
        fc.nat(30),
        (texts, query, early) => {
          const sqlite = emptyFile();
          const words = new WordIndex(sqlite, new Vocabulary(sqlite));
          for (const [at, one] of texts.entries()) {
            // Asked early, the postings are held in memory and have to grow with what comes.
            if (at === early) words.search(query, 10, undefined);
            add(sqlite, words, at + 1, one);
          }
          const expected = plainScores(texts, query);
          for (const index of [words, new WordIndex(sqlite, new Vocabulary(sqlite))]) {
            const { found } = index.search(query, 100, undefined);
            expect(new Set(found.map(({ n }) => n))).toEqual(new Set(expected.keys()));
            for (const { n, score } of found) expect(score).toBeCloseTo(expected.get(n)!, 9);
            const order = found.map(({ score }) => score);
            expect(order).toEqual([...order].sort((a, b) => b - a));
          }
        },
      ),
      seeded('search by words', 60),
    );
  });

  test('ties go by claim id, the limit cuts the tail, a mask hides', () => {
    const sqlite = emptyFile();
    const words = new WordIndex(sqlite, new Vocabulary(sqlite));
    for (const n of [3, 1, 2]) add(sqlite, words, n, 'the same words');
    const numbers = (limit: number, mask?: Uint8Array): number[] =>
      words.search('same', limit, mask).found.map(({ n }) => n);
    expect(numbers(10)).toEqual([1, 2, 3]);
    expect(numbers(2)).toEqual([1, 2]);
    expect(numbers(10, Uint8Array.of(0, 0, 1, 1))).toEqual([2, 3]);
  });

  test.each([
    '"',
    '*',
    'a AND (',
    'NEAR(bee, 2)',
    'terms:bee',
    '-bee',
    '^bee',
    'bee* OR',
    "'; DROP TABLE claim; --",
    '\0',
  ])('nothing in a query is syntax: %j', (query) => {
    const sqlite = emptyFile();
    const words = new WordIndex(sqlite, new Vocabulary(sqlite));
    add(sqlite, words, 1, 'a bee and an ant');
    const { found } = words.search(query, 10, undefined);
    expect(found.map(({ n }) => n)).toEqual(
      termsOf(query).some((term) => termsOf('a bee and an ant').includes(term)) ? [1] : [],
    );
  });

  test('a query of 64 KiB is answered by the terms that tell most', () => {
    const sqlite = emptyFile();
    const words = new WordIndex(sqlite, new Vocabulary(sqlite));
    add(sqlite, words, 1, 'a needle');
    for (let n = 2; n < 50; n++) add(sqlite, words, n, `hay ${n}`);
    const query = `${Array.from(
      { length: 9_000 },
      (_, at) => `word${(at % 1_500).toString(2).replaceAll('0', 'a').replaceAll('1', 'b')}`,
    )
      .join(' ')
      .slice(0, 65_000)} needle`;
    expect(words.search(query, 10, undefined).found.map(({ n }) => n)).toEqual([1]);
  });
});
