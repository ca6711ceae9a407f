/** `economy`, `treasury`: where a group's money is, how it came there, and what its offers have brought. */
import type { Command } from 'commander';
import type { Hex32 } from '../../../events/bytes.ts';
import type { EconomyAnswer, OfferEarnings, TreasuryAnswer } from '../../../views/questions.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { parseCount } from '../parse.ts';
import { type Column, printFields, printTable } from '../table.ts';
import { formatTime, shortId } from '../text.ts';
import { catchUp, noteLag } from './context.ts';

interface EconomyOptions {
  readonly points: string;
}

interface TreasuryOptions {
  readonly limit: string;
}

const SPENDS_MAX = 1_000;

export function registerEconomy(program: Command, context: CliContext): void {
  verb<EconomyOptions>(
    program,
    context,
    {
      usage: 'economy',
      summary: 'Show the money of a group: supply over time, balances, escrows, earnings.',
      heading: 'Tokens',
      example: 'lb economy',
      details:
        'Supply is what balances, treasury and escrows hold together. Earnings are what an offer has paid to those who share its income; royalties go to the sellers of the offers that it builds on.',
      inGroup: true,
    },
    (command) => command.option('--points <n>', 'points of the course over time, at most', '20'),
    economy,
  );
  verb<TreasuryOptions>(
    program,
    context,
    {
      usage: 'treasury',
      summary: 'Show the treasury: what it holds, what was paid out of it, who may spend.',
      heading: 'Tokens',
      example: 'lb treasury\nlb treasury --at 10',
      details:
        'It receives the fees of transfers, and of a sale what is left of rounding or lies above the cap of an account. An admin pays out of it: lb treasury-spend.',
      inGroup: true,
      at: true,
    },
    (command) => command.option('--limit <n>', 'spends to show, the newest first', '10'),
    treasury,
  );
}

async function economy(run: Run<EconomyOptions>): Promise<void> {
  const points = parseCount(run.options.points, '--points');
  const node = await run.node();
  const group = await run.group();
  await catchUp(run, group.groupId);
  const { progress, ...answer } = await node.views.economy(group.groupId, points, run);
  const { currency } = group.now.group();
  const name = await run.namer(group.now);
  run.print({ height: progress.height, currency, ...answer }, () => {
    printFields(run.out, [
      ['supply', `${answer.supply} ${currency}`],
      ['treasury', String(answer.treasury)],
      ['in escrow', String(answer.escrowed)],
    ]);
    printTable(
      run.out,
      courseColumns,
      answer.overTime,
      'no money was ever made; an admin makes some with: lb mint',
    );
    const accounts = accountRows(answer);
    printTable(
      run.out,
      [
        {
          header: 'account',
          value: ({ account }) => name(account),
          plain: ({ account }) => account,
          isFlexible: true,
        },
        { header: 'balance', value: ({ balance }) => String(balance), align: 'right' },
        { header: 'royalties', value: ({ royalties }) => String(royalties), align: 'right' },
      ] satisfies Column<(typeof accounts)[number]>[],
      accounts,
      'nobody has any tokens',
    );
    printTable(
      run.out,
      offerColumns,
      answer.offers,
      'nothing was ever offered; offer something with: lb create-offer',
    );
  });
  noteLag(run, progress);
}

async function treasury(run: Run<TreasuryOptions>): Promise<void> {
  const limit = parseCount(run.options.limit, '--limit', 1, SPENDS_MAX);
  const node = await run.node();
  const view = await run.view();
  const { groupId } = await run.group();
  await catchUp(run, groupId);
  const { progress, ...answer } = await node.views.treasury(groupId, limit, view.height, run);
  const { currency } = view.group();
  const balance = view.money().treasury;
  const spenders = view.members().flatMap(({ member, role }) => (role === 'admin' ? [member] : []));
  const name = await run.namer(view);
  run.print({ height: view.height, currency, balance, spenders, ...answer }, () => {
    printFields(run.out, [
      ['treasury', `${balance} ${currency}`],
      ['received', String(answer.received)],
      ['spent', String(answer.spent)],
      ['may spend', spenders.map(name).join(', ')],
    ]);
    printTable(
      run.out,
      spendColumns(name),
      answer.spends,
      'nothing was paid out of it; an admin does that with: lb treasury-spend',
    );
  });
  noteLag(run, progress);
}

function spendColumns(name: (key: Hex32) => string): readonly Column<TreasuryAnswer['spends'][number]>[] {
  return [
    { header: 'height', value: ({ height }) => String(height), align: 'right' },
    timeColumn,
    { header: 'amount', value: ({ amount }) => String(amount), align: 'right' },
    { header: 'to', value: ({ to }) => name(to), plain: ({ to }) => to, isFlexible: true },
    { header: 'by', value: ({ by }) => name(by), plain: ({ by }) => by, isFlexible: true },
    { header: 'transaction', value: ({ txId }) => shortId(txId), plain: ({ txId }) => txId },
  ];
}

/** Balances, with what each account has had in royalties. */
function accountRows({ balances, royalties }: Pick<EconomyAnswer, 'balances' | 'royalties'>) {
  const had = new Map(royalties.map(({ account, amount }) => [account, amount]));
  return balances.map(({ account, amount }) => ({
    account,
    balance: amount,
    royalties: had.get(account) ?? 0n,
  }));
}

const timeColumn: Column<{ readonly tsMs: number }> = {
  header: 'time',
  value: ({ tsMs }) => formatTime(tsMs).slice(0, 19),
  plain: ({ tsMs }) => formatTime(tsMs),
};

const courseColumns: readonly Column<EconomyAnswer['overTime'][number]>[] = [
  { header: 'height', value: ({ height }) => String(height), align: 'right' },
  timeColumn,
  { header: 'supply', value: ({ supply }) => String(supply), align: 'right' },
  { header: 'treasury', value: ({ treasury }) => String(treasury), align: 'right' },
  { header: 'escrow', value: ({ escrowed }) => String(escrowed), align: 'right' },
];

const offerColumns: readonly Column<OfferEarnings>[] = [
  { header: 'offer', value: ({ offer }) => shortId(offer), plain: ({ offer }) => offer },
  { header: 'title', value: ({ title }) => title, isText: true },
  { header: 'price', value: ({ price }) => String(price), align: 'right' },
  { header: 'sold', value: ({ sold }) => String(sold), align: 'right' },
  { header: 'open', value: ({ open }) => String(open), align: 'right' },
  { header: 'back', value: ({ refunded, disputed }) => String(refunded + disputed), align: 'right' },
  { header: 'earned', value: ({ earned }) => String(earned), align: 'right' },
  { header: 'royalties', value: ({ royaltiesPaid }) => String(royaltiesPaid), align: 'right' },
];
