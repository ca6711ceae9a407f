/** The truth of claims in slices: however many a retraction turns, it is worked off bit by bit, and once. */
import { describe, expect, it } from 'vitest';
import { holds } from '../../../machines/knowledge.ts';
import { isSettled, settle, turn } from '../../../views/project/truth.ts';
import { creationScript } from '../../../views/schema.ts';
import { Sqlite } from '../../../views/sqlite.ts';

/** Claims by number, from 1 on, with what each rests on; in the file as the indexer leaves them. */
function fileOf(evidence: readonly (readonly number[])[]): Sqlite {
  const sqlite = new Sqlite(':memory:');
  sqlite.database.exec(creationScript());
  sqlite.transaction(() => {
    for (const [at, cited] of evidence.entries()) {
      const n = at + 1;
      sqlite.run(
        `INSERT INTO claim (n, claim, author, height, position, ts_ms, root, depth, tags, cited, cited_in, is_in)
          VALUES (?, ?, 'a', 1, ?, 0, ?, 0, '[]', ?, ?, 1)`,
        n,
        `c${n}`,
        at,
        n,
        cited.length,
        cited.length,
      );
      for (const [position, one] of cited.entries())
        sqlite.run('INSERT INTO evidence VALUES (?, ?, ?, ?)', n, position, `c${one}`, one);
    }
  });
  return sqlite;
}

function retract(sqlite: Sqlite, n: number, isRetracted: boolean): void {
  sqlite.run('UPDATE claim SET retracted_by = ? WHERE n = ?', isRetracted ? 'a' : null, n);
  turn(sqlite, n);
}

/** Settles one step at a time; says how many it took. */
function steps(sqlite: Sqlite): number {
  let count = 0;
  const always = (): boolean => true;
  for (let isDone = isSettled(sqlite); !isDone; count++) isDone = settle(sqlite, always);
  return count;
}

const whoIsIn = (sqlite: Sqlite): number[] =>
  sqlite.all<{ n: number }>('SELECT n FROM claim WHERE is_in ORDER BY n').map(({ n }) => n);

describe('the truth of claims', () => {
  it('256 turns of one claim with 10,000 dependents are looked at once, and told in small steps', () => {
    const sqlite = fileOf([[], ...Array.from({ length: 10_000 }, () => [1])]);
    for (let at = 0; at < 256; at++) retract(sqlite, 1, at % 2 === 0);
    expect(steps(sqlite)).toBe(1);
    expect(whoIsIn(sqlite)).toHaveLength(10_001);
    retract(sqlite, 1, true);
    // One look at the claim, 40 times 256 who are told; each of them looks and has nobody to tell.
    expect(steps(sqlite)).toBe(1 + 40 + 2 * 10_000);
    expect(whoIsIn(sqlite)).toEqual([]);
    sqlite.close();
  });

  it('goes on where it was left', () => {
    const sqlite = fileOf([[], ...Array.from({ length: 1_000 }, () => [1]), [2, 3]]);
    retract(sqlite, 1, true);
    for (let at = 0; at < 3; at++) expect(settle(sqlite, () => true)).toBe(false);
    expect(isSettled(sqlite)).toBe(false);
    expect(settle(sqlite, () => false)).toBe(true);
    expect(whoIsIn(sqlite)).toEqual([]);
    sqlite.close();
  });

  it('says of every claim what the definition says, whichever way they turn', () => {
    const evidence: number[][] = [];
    // Fixed, and tangled: each rests on up to three before it.
    for (let at = 0; at < 300; at++)
      evidence.push(
        [...new Set([7, 11, 13].slice(0, at % 4).map((step) => at + 1 - step))].filter((n) => n > 0),
      );
    const sqlite = fileOf(evidence);
    const retracted = new Set<number>();
    for (let round = 0; round < 40; round++) {
      for (const n of [1 + ((round * 17) % 300), 1 + ((round * 5) % 20)]) {
        if (!retracted.delete(n)) retracted.add(n);
        retract(sqlite, n, retracted.has(n));
      }
      steps(sqlite);
      const read = (claim: string) => {
        const n = Number(claim);
        return { evidence: evidence[n - 1]!.map(String), isRetracted: retracted.has(n) };
      };
      const known = new Map<string, boolean>();
      const expected = evidence.map((_, at) => at + 1).filter((n) => holds(String(n), read, known));
      expect(whoIsIn(sqlite)).toEqual(expected);
    }
    sqlite.close();
  });
});
