/**
 * Offers, purchases, and balances over time. Balances are not copied from the state: they are added up from what the
 * effects say, so that comparing the two is a check on both.
 */
import type { Effect } from '../../events/effects.ts';
import type { Happening } from '../block-content.ts';
import type { Sqlite } from '../sqlite.ts';

/** The account under which the treasury is kept; no key looks like it. */
const TREASURY = 'treasury';

type Movement = readonly [account: string, change: bigint];

/** Takes in what the effect changes; other effects change nothing here. */
export function projectEconomy(sqlite: Sqlite, happening: Happening): void {
  projectMarket(sqlite, happening);
  for (const movement of movementsOf(happening.effect)) book(sqlite, happening, movement);
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
