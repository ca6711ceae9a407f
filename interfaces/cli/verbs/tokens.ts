/** `mint`, `transfer`, `balance`, `treasury-spend`: money. */
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import type { GroupView } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { Receipt } from '../../../events/receipt.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { parseAmount } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { memberKey, subjectOf } from '../resolve.ts';
import { type Column, type Field, printFields, printTable } from '../table.ts';
import { cleanLine, shortId } from '../text.ts';

const heading = 'Tokens';

interface PayOptions {
  readonly to?: string;
  readonly amount?: string;
}

/** What is told of a payment beside its amount: what it cost, and who has what after it. */
interface After {
  readonly fee?: bigint;
  readonly from?: Hex32;
  readonly fromBalance?: bigint;
  readonly treasury?: bigint;
  readonly toBalance: bigint;
}

interface Paid {
  readonly view: GroupView;
  readonly from: Hex32;
  readonly to: Hex32;
  readonly receipt: Receipt;
}

interface Names {
  readonly from: string;
  readonly to: string;
}

interface Payment {
  readonly usage: string;
  readonly summary: string;
  readonly done: string;
  /** In the example. */
  readonly amount: number;
  readonly send: (agent: Agent, to: Hex32, amount: bigint) => Promise<Receipt>;
  readonly told: (paid: Paid) => After;
}

const PAYMENTS: readonly Payment[] = [
  {
    usage: 'mint',
    summary: 'Make tokens (admin).',
    done: 'Minted',
    amount: 100,
    send: (agent, to, amount) => agent.mint(to, amount),
    told: ({ view, to }) => ({ toBalance: view.balance(to) }),
  },
  {
    usage: 'transfer',
    summary: 'Move your tokens; the fee is paid on top.',
    done: 'Transferred',
    amount: 100,
    send: (agent, to, amount) => agent.transfer(to, amount),
    told: ({ view, from, to, receipt }) => ({
      fee: feeOf(receipt),
      from,
      fromBalance: view.balance(from),
      toBalance: view.balance(to),
    }),
  },
  {
    usage: 'treasury-spend',
    summary: 'Pay out of the treasury (admin).',
    done: 'Paid',
    amount: 2,
    send: (agent, to, amount) => agent.spendTreasury(to, amount),
    told: ({ view, to }) => ({ treasury: view.money().treasury, toBalance: view.balance(to) }),
  },
];

export function registerTokens(program: Command, context: CliContext): void {
  for (const payment of PAYMENTS) {
    const { usage, summary, amount } = payment;
    verb<PayOptions>(
      program,
      context,
      {
        usage,
        summary,
        heading,
        example: `lb ${usage} bob ${amount}\nlb ${usage} --to bob --amount ${amount}`,
        inGroup: true,
        signs: true,
      },
      (command) =>
        command
          .argument('[to]', 'key, short key, or the name of an identity of this node')
          .argument('[amount]', 'whole tokens')
          .option('--to <member>', 'the same as a flag')
          .option('--amount <tokens>', 'the same as a flag'),
      (run) => pay(run, payment),
    );
  }
  verb<{ of?: string }>(
    program,
    context,
    {
      usage: 'balance',
      summary: 'Show the balance of one account, or of all.',
      heading,
      example: 'lb balance\nlb balance --of bob --at 10',
      inGroup: true,
      at: true,
    },
    (command) => command.argument('[member]', 'the account').option('--of <member>', 'the same as a flag'),
    balance,
  );
}

async function pay(run: Run<PayOptions>, { done, send, told }: Payment): Promise<void> {
  const given = givenPayment(run);
  const amount = parseAmount(given.amount, 'the amount');
  const node = await run.node();
  const group = await run.group();
  const to = memberKey(node, group.now, given.to);
  const agent = await run.agent();
  const receipt = await send(agent, to, amount);
  const { currency } = group.info();
  const name = await run.namer(group.now);
  const after = told({ view: group.now, from: agent.publicKey, to, receipt });
  const names = { from: name(agent.publicKey), to: name(to) };
  printReceipt(run, receipt, `${done} ${amount} ${currency} to ${names.to}`, { to, amount, ...after }, [
    ['amount', `${amount} ${currency}`],
    ...afterFields(after, names, currency),
  ]);
}

/** Whom and how much: flags, arguments, or one of each, since `--to bob 5` leaves no doubt either. */
function givenPayment({ options, args }: Run<PayOptions>): { to: string; amount: string } {
  const [first, second] = args;
  if (second === undefined && first !== undefined && options.to !== undefined && options.amount === undefined)
    return { to: options.to, amount: first };
  return { to: subjectOf('to', options.to, first), amount: subjectOf('amount', options.amount, second) };
}

/** The fee that a transfer cost, as the rules took it. */
function feeOf({ effects }: Receipt): bigint {
  return effects.reduce((sum, one) => sum + (one.kind === 'tokens.transferred' ? one.fee : 0n), 0n);
}

/** With names, since balances of several people are easily mixed up. */
function afterFields(
  { fee, fromBalance, treasury, toBalance }: After,
  names: Names,
  currency: string,
): Field[] {
  const field = (label: string, amount: bigint | undefined): Field => [
    label,
    amount === undefined ? undefined : `${amount} ${currency}`,
  ];
  return [
    field('fee', fee),
    field(`balance of ${names.from} now`, fromBalance),
    field('treasury now', treasury),
    field(`balance of ${names.to} now`, toBalance),
  ];
}

async function balance(run: Run<{ of?: string }>): Promise<void> {
  const view = await run.view();
  const node = await run.node();
  const { currency } = view.group();
  const given = run.options.of ?? run.args[0];
  if (given !== undefined) {
    const account = memberKey(node, view, subjectOf('member', run.options.of, run.args[0]));
    const amount = view.balance(account);
    run.print({ height: view.height, account, balance: amount, currency }, () =>
      run.out.line(cleanLine(`${amount} ${currency}`)),
    );
    return;
  }
  const { supply, treasury, balances, escrows } = view.money();
  const name = await run.namer(view);
  const rows = [...balances].map(([account, amount]) => ({ account, amount }));
  const escrowed = [...escrows.values()].reduce((sum, amount) => sum + amount, 0n);
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'account', value: ({ account }) => shortId(account), plain: ({ account }) => account },
    { header: 'name', value: ({ account }) => name(account), isFlexible: true },
    { header: currency, value: ({ amount }) => String(amount), align: 'right' },
  ];
  run.print({ height: view.height, currency, supply, treasury, escrowed, balances: rows }, () => {
    printTable(run.out, columns, rows, 'nobody has any tokens');
    if (run.out.isTerminal)
      printFields(run.out, [
        ['treasury', String(treasury)],
        ['in escrow', String(escrowed)],
        ['supply', String(supply)],
      ]);
  });
}
