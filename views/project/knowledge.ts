/** Claims with their threads, tags, evidence and standing. Their texts are added by `texts.ts`, when they are here. */
import type { Hex32 } from '../../events/bytes.ts';
import type { Effect } from '../../events/effects.ts';
import { normalForm } from '../../events/normal-form.ts';
import type { Happening } from '../block-content.ts';
import type { Sqlite } from '../sqlite.ts';
import { turn } from './truth.ts';

type Published = Extract<Effect, { kind: 'claim.published' }>;

/** Takes in what the effect changes; other effects change nothing here. */
export function projectKnowledge(sqlite: Sqlite, { effect, height, position, tsMs }: Happening): void {
  if (effect.kind === 'claim.published') addClaim(sqlite, effect, { height, position, tsMs });
  else if (effect.kind === 'claim.retracted')
    judge(sqlite, effect.claim, { by: effect.by, tsMs, reason: effect.reason });
  else if (effect.kind === 'claim.reinstated') judge(sqlite, effect.claim, undefined);
}

interface Known {
  readonly n: number;
  readonly root: number;
  readonly depth: number;
  readonly is_in: number;
}

function known(sqlite: Sqlite, claim: Hex32): Known | undefined {
  return sqlite.get<Known>('SELECT n, root, depth, is_in FROM claim WHERE claim = ?', claim);
}

/** Claims are numbered in the order of the log, which is the same on every node. */
function addClaim(
  sqlite: Sqlite,
  { claim, author, parent, evidence, tags }: Published,
  { height, position, tsMs }: Pick<Happening, 'height' | 'position' | 'tsMs'>,
): void {
  const n = sqlite.get<{ n: number }>('SELECT coalesce(max(n), 0) + 1 AS n FROM claim')!.n;
  const above = parent === undefined ? undefined : known(sqlite, parent);
  let cited = 0;
  let citedIn = 0;
  for (const [at, reference] of evidence.entries()) {
    const basis = known(sqlite, reference);
    if (basis !== undefined) {
      cited++;
      citedIn += basis.is_in;
    }
    sqlite.run('INSERT INTO evidence VALUES (?, ?, ?, ?)', n, at, reference, basis?.n ?? null);
  }
  sqlite.run(
    `INSERT INTO claim (n, claim, author, height, position, ts_ms, parent, root, depth, tags, cited, cited_in, is_in)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    n,
    claim,
    author,
    height,
    position,
    tsMs,
    above?.n ?? null,
    above?.root ?? n,
    above === undefined ? 0 : above.depth + 1,
    JSON.stringify(tags),
    cited,
    citedIn,
    cited === 0 || citedIn > 0 ? 1 : 0,
  );
  for (const tag of new Set(tags))
    sqlite.run('INSERT INTO claim_tag VALUES (?, ?, ?)', normalForm(tag), n, tag);
}

function judge(
  sqlite: Sqlite,
  claim: Hex32,
  retraction: { by: Hex32; tsMs: number; reason: string | undefined } | undefined,
): void {
  const { n } = known(sqlite, claim)!;
  sqlite.run(
    'UPDATE claim SET retracted_by = ?, retracted_ms = ?, reason = ? WHERE n = ?',
    retraction?.by ?? null,
    retraction?.tsMs ?? null,
    retraction?.reason ?? null,
    n,
  );
  turn(sqlite, n);
}
