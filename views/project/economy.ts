/**
 * Offers, purchases, payouts, and balances, supply and escrows over time. Balances are not copied from the state:
 * they are added up from what the effects say, so that comparing the two is a check on both.
 */
import type { Effect } from '../../events/effects.ts';
import type { Happening } from '../block-content.ts';
import type { Sqlite } from '../sqlite.ts';

/** The account under which the treasury is kept; no key looks like it. */
export const TREASURY = 'treasury';

type Movement = readonly [account: string, change: bigint];

/** Takes in what the effect changes; other effects change nothing here. */
export function projectEconomy(sqlite: Sqlite, happening: Happening): void {
  projectMarket(sqlite, happening);
  const movements = movementsOf(happening.effect);
  for (const movement of movements) book(sqlite, happening, movement);
  projectMoney(sqlite, happening, movements);
}

/** What an effect does to the supply and to what is in escrow. Nothing else makes or holds money. */
function projectMoney(
  sqlite: Sqlite,
  { effect, operation, height, tsMs }: Happening,
  movements: readonly Movement[],
): void {
  const { supply, escrowed } = heldBy(sqlite, effect, operation);
  const treasury = movements.reduce(
    (sum, [account, change]) => (account === TREASURY ? sum + change : sum),
    0n,
  );
  if (supply === 0n && escrowed === 0n && treasury === 0n) return;
  sqlite.run(
    `INSERT INTO money_moved (height, ts_ms, supply, treasury, escrowed)
      SELECT ?, ?, coalesce(max(supply), 0), coalesce(max(treasury), 0), coalesce(max(escrowed), 0)
      FROM (SELECT supply, treasury, escrowed FROM money_moved ORDER BY height DESC LIMIT 1) WHERE true
      ON CONFLICT (height) DO NOTHING`,
    height,
    tsMs,
  );
  sqlite.run(
    'UPDATE money_moved SET supply = supply + ?, treasury = treasury + ?, escrowed = escrowed + ? WHERE height = ?',
    supply,
    treasury,
    escrowed,
    height,
  );
}

interface Held {
  readonly supply: bigint;
  readonly escrowed: bigint;
}
const NOTHING: Held = { supply: 0n, escrowed: 0n };

function heldBy(sqlite: Sqlite, effect: Effect, operation: Happening['operation']): Held {
  switch (effect.kind) {
    case 'tokens.minted':
      return { supply: effect.amount, escrowed: 0n };
    case 'reward.paid': {
      // A reward that a member put aside is paid from there; all others are made.
      const task = effect.source === 'task' && 'task' in operation ? operation.task : undefined;
      const isHeld = task !== undefined && endHolding(sqlite, task);
      return isHeld ? { supply: 0n, escrowed: -effect.amount } : { supply: effect.amount, escrowed: 0n };
    }
    case 'reward.returned':
      endHolding(sqlite, effect.task);
      return { supply: 0n, escrowed: -effect.amount };
    case 'task.changed':
      if (effect.event !== 'create' || effect.rewardFrom !== 'escrow') return NOTHING;
      sqlite.run('INSERT INTO escrowed_task VALUES (?)', effect.task);
      return { supply: 0n, escrowed: effect.reward ?? 0n };
    case 'purchase.changed':
      if (effect.status === 'granted') return NOTHING;
      return { supply: 0n, escrowed: effect.status === 'escrowed' ? effect.amount : -effect.amount };
    default:
      return NOTHING;
  }
}

/** Whether the task's reward was held in escrow, which ends now. */
function endHolding(sqlite: Sqlite, task: string): boolean {
  const held = sqlite.get('SELECT task FROM escrowed_task WHERE task = ?', task) !== undefined;
  if (held) sqlite.run('DELETE FROM escrowed_task WHERE task = ?', task);
  return held;
}

/** What an effect does to accounts. What is in escrow belongs to no account. */
function movementsOf(effect: Effect): Movement[] {
  switch (effect.kind) {
    case 'tokens.minted':
    case 'reward.paid':
    case 'reward.returned':
    case 'payout.made':
      return [[effect.to, effect.amount]];
    case 'tokens.transferred':
      return [
        [effect.from, -(effect.amount + effect.fee)],
        [effect.to, effect.amount],
        [TREASURY, effect.fee],
      ];
    case 'treasury.spent':
      return [
        [TREASURY, -effect.amount],
        [effect.to, effect.amount],
      ];
    case 'payout.to_treasury':
      return [[TREASURY, effect.amount]];
    case 'task.changed':
      return effect.event === 'create' && effect.rewardFrom === 'escrow'
        ? [[effect.by, -(effect.reward ?? 0n)]]
        : [];
    case 'purchase.changed':
      if (effect.status === 'escrowed') return [[effect.buyer, -effect.amount]];
      if (effect.status === 'refunded' || effect.status === 'disputed')
        return [[effect.buyer, effect.amount]];
      return [];
    default:
      return [];
  }
}

function book(
  sqlite: Sqlite,
  { effect, height, position, tsMs }: Happening,
  [account, change]: Movement,
): void {
  if (change === 0n) return;
  sqlite.run(
    `INSERT INTO balance VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET amount = amount + excluded.amount`,
    account,
    change,
  );
  sqlite.run(
    `INSERT INTO balance_change (height, position, account, change, amount, cause, ts_ms)
      SELECT ?, ?, account, ?, amount, ?, ? FROM balance WHERE account = ?`,
    height,
    position,
    change,
    effect.kind,
    tsMs,
    account,
  );
}

function projectMarket(sqlite: Sqlite, { effect, height, position, tsMs }: Happening): void {
  switch (effect.kind) {
    case 'offer.created': {
      const { offer, seller, title, price } = effect;
      sqlite.run('INSERT INTO offer VALUES (?, ?, ?, ?, 0, ?)', offer, seller, title, price, tsMs);
      break;
    }
    case 'offer.revoked':
      sqlite.run('UPDATE offer SET revoked = 1 WHERE offer = ?', effect.offer);
      break;
    case 'payout.made':
      pay(sqlite, { height, position, tsMs }, { ...effect, kind: effect.as });
      break;
    case 'payout.to_treasury':
      pay(sqlite, { height, position, tsMs }, { ...effect, to: TREASURY, kind: effect.because });
      break;
    case 'purchase.changed': {
      const { purchase, offer, buyer, amount, status } = effect;
      sqlite.run(
        `INSERT INTO purchase VALUES (?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (purchase) DO UPDATE SET status = excluded.status, updated_ms = excluded.updated_ms`,
        purchase,
        offer,
        buyer,
        amount,
        status,
        tsMs,
        tsMs,
      );
      sqlite.run(
        'INSERT INTO purchase_transition VALUES (?, ?, ?, ?, ?)',
        height,
        position,
        purchase,
        status,
        tsMs,
      );
      break;
    }
  }
}

function pay(
  sqlite: Sqlite,
  { height, position, tsMs }: Pick<Happening, 'height' | 'position' | 'tsMs'>,
  { purchase, to, amount, kind }: { purchase: string; to: string; amount: bigint; kind: string },
): void {
  sqlite.run(
    'INSERT INTO payout VALUES (?, ?, ?, ?, ?, ?, ?)',
    height,
    position,
    purchase,
    to,
    amount,
    kind,
    tsMs,
  );
}
