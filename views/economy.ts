/** The economy of a group in one answer: where the money is, how it came there, and what each offer has brought. */
import { progressOf } from './answers.ts';
import type { GroupFile } from './group-file.ts';
import type { Meaning } from './meaning/meaning.ts';
import { TREASURY } from './project/economy.ts';
import type {
  EconomyAnswer,
  EconomyQuestion,
  OfferEarnings,
  TreasuryAnswer,
  TreasuryQuestion,
} from './questions.ts';
import type { Sqlite } from './sqlite.ts';

/** Rows of each list: those with the most money. */
const ROWS_MAX = 1_000;

/** Amounts come as text: a number of SQLite may be larger than one of JavaScript. */
type Text<T, K extends keyof T> = Omit<T, K> & Readonly<Record<K, string>>;

export function answerEconomy(file: GroupFile, meaning: Meaning, { points }: EconomyQuestion): EconomyAnswer {
  const { sqlite } = file;
  const overTime = moneyOverTime(sqlite, points);
  const last = overTime.at(-1);
  return {
    supply: last?.supply ?? 0n,
    treasury: last?.treasury ?? 0n,
    escrowed: last?.escrowed ?? 0n,
    overTime,
    balances: accounts(
      sqlite,
      `SELECT account, CAST(amount AS TEXT) AS amount FROM balance WHERE account <> '${TREASURY}' AND amount > 0
        ORDER BY balance.amount DESC, account LIMIT ?`,
    ),
    royalties: accounts(
      sqlite,
      `SELECT account, CAST(sum(amount) AS TEXT) AS amount FROM payout WHERE kind = 'royalty'
        GROUP BY account ORDER BY sum(payout.amount) DESC, account LIMIT ?`,
    ),
    offers: earnings(sqlite),
    progress: progressOf(file, meaning),
  };
}

export function answerTreasury(
  file: GroupFile,
  meaning: Meaning,
  { limit, upTo = Number.MAX_SAFE_INTEGER }: TreasuryQuestion,
): TreasuryAnswer {
  const { sqlite } = file;
  const sums = sqlite.get<{ received: string; spent: string }>(
    `SELECT CAST(coalesce(sum(max(change, 0)), 0) AS TEXT) AS received,
        CAST(coalesce(sum(max(-change, 0)), 0) AS TEXT) AS spent
      FROM balance_change WHERE account = ? AND height <= ?`,
    TREASURY,
    upTo,
  )!;
  const spends = sqlite.all<Text<TreasuryAnswer['spends'][number], 'amount'>>(
    `SELECT paid.height, paid.ts_ms AS tsMs, tx_id AS txId, author AS "by", fields ->> 'to' AS "to",
        CAST(-change AS TEXT) AS amount
      FROM balance_change AS paid JOIN effect USING (height, position)
        JOIN tx ON tx.height = effect.height AND tx.position = transaction_position
      WHERE account = ? AND change < 0 AND paid.height <= ? ORDER BY n DESC LIMIT ?`,
    TREASURY,
    upTo,
    limit,
  );
  return {
    received: BigInt(sums.received),
    spent: BigInt(sums.spent),
    spends: spends.map((one) => ({ ...one, amount: BigInt(one.amount) })),
    progress: progressOf(file, meaning),
  };
}

/** At most about so many points, evenly among the blocks that moved money; the last one always. */
function moneyOverTime(sqlite: Sqlite, points: number): EconomyAnswer['overTime'] {
  type Point = EconomyAnswer['overTime'][number];
  const rows = sqlite.all<Text<Point, 'supply' | 'treasury' | 'escrowed'>>(
    `SELECT height, ts_ms AS tsMs, CAST(supply AS TEXT) AS supply, CAST(treasury AS TEXT) AS treasury,
        CAST(escrowed AS TEXT) AS escrowed
      FROM (SELECT *, row_number() OVER (ORDER BY height) AS n, count(*) OVER () AS total FROM money_moved)
      WHERE n = total OR n % max(1, (total + ?1 - 1) / ?1) = 0 ORDER BY height`,
    Math.max(1, points),
  );
  return rows.map(({ supply, treasury, escrowed, ...when }) => ({
    ...when,
    supply: BigInt(supply),
    treasury: BigInt(treasury),
    escrowed: BigInt(escrowed),
  }));
}

function accounts(sqlite: Sqlite, sql: string): { account: string; amount: bigint }[] {
  return sqlite
    .all<{ account: string; amount: string }>(sql, ROWS_MAX)
    .map(({ account, amount }) => ({ account, amount: BigInt(amount) }));
}

function earnings(sqlite: Sqlite): OfferEarnings[] {
  type Row = Text<OfferEarnings, 'price' | 'earned' | 'royaltiesPaid' | 'toTreasury'>;
  const rows = sqlite.all<Omit<Row, 'isRevoked'> & { readonly isRevoked: number }>(
    `WITH paid AS (
        SELECT offer,
          sum(CASE kind WHEN 'split' THEN payout.amount ELSE 0 END) AS earned,
          sum(CASE kind WHEN 'royalty' THEN payout.amount ELSE 0 END) AS royalties,
          sum(CASE WHEN kind IN ('dust', 'cap') THEN payout.amount ELSE 0 END) AS to_treasury
        FROM payout JOIN purchase USING (purchase) GROUP BY offer),
      sales AS (
        SELECT offer,
          sum(status = 'settled') AS sold, sum(status IN ('escrowed', 'granted')) AS open,
          sum(status = 'refunded') AS refunded, sum(status = 'disputed') AS disputed
        FROM purchase GROUP BY offer)
      SELECT offer.offer, title, seller, CAST(price AS TEXT) AS price, revoked AS isRevoked,
        coalesce(sold, 0) AS sold, coalesce(open, 0) AS open,
        coalesce(refunded, 0) AS refunded, coalesce(disputed, 0) AS disputed,
        CAST(coalesce(earned, 0) AS TEXT) AS earned,
        CAST(coalesce(royalties, 0) AS TEXT) AS royaltiesPaid,
        CAST(coalesce(to_treasury, 0) AS TEXT) AS toTreasury
      FROM offer LEFT JOIN sales USING (offer) LEFT JOIN paid USING (offer)
      ORDER BY coalesce(paid.earned, 0) DESC, offer.offer LIMIT ?`,
    ROWS_MAX,
  );
  return rows.map(({ price, earned, royaltiesPaid, toTreasury, isRevoked, ...rest }) => ({
    ...rest,
    isRevoked: isRevoked !== 0,
    price: BigInt(price),
    earned: BigInt(earned),
    royaltiesPaid: BigInt(royaltiesPaid),
    toTreasury: BigInt(toTreasury),
  }));
}
