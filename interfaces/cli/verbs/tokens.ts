/** `mint`, `transfer`, `balance`, `treasury-spend`: money. */
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { Receipt } from '../../../events/receipt.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { parseAmount } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { memberKey, namer, subjectOf } from '../resolve.ts';
import { type Column, printFields, printTable } from '../table.ts';
import { shortId } from '../text.ts';

const heading = 'Tokens';

interface PayOptions {
  readonly to: string;
  readonly amount: string;
}

export function registerTokens(program: Command, context: CliContext): void {
  const pay = (
    usage: string,
    summary: string,
    done: string,
    send: (agent: Agent, to: Hex32, amount: bigint) => Promise<Receipt>,
  ): Command =>
    verb<PayOptions>(
      program,
      context,
      {
        usage,
        summary,
        heading,
        example: `lb ${usage} --to bob --amount 100`,
        inGroup: true,
        signs: true,
      },
      (command) =>
        command
          .requiredOption('--to <member>', 'key, short key, or the name of an identity of this node')
          .requiredOption('--amount <tokens>', 'whole tokens'),
      (run) => transact(run, done, send),
    );
  pay('mint', 'Make tokens (admin).', 'Minted', (agent, to, amount) => agent.mint(to, amount));
  pay('transfer', 'Move your tokens; the fee is paid on top.', 'Transferred', (agent, to, amount) =>
    agent.transfer(to, amount),
  );
  pay('treasury-spend', 'Pay out of the treasury (admin).', 'Paid', (agent, to, amount) =>
    agent.spendTreasury(to, amount),
  );
  verb<{ of?: string }>(
    program,
    context,
    {
      usage: 'balance',
      summary: 'Show the balance of one account, or of all.',
      heading,
      example: 'lb balance --of bob --at 10',
      inGroup: true,
      at: true,
    },
    (command) => command.argument('[member]', 'the account').option('--of <member>', 'the same as a flag'),
    balance,
  );
}

async function transact(
  run: Run<PayOptions>,
  done: string,
  send: (agent: Agent, to: Hex32, amount: bigint) => Promise<Receipt>,
): Promise<void> {
  const amount = parseAmount(run.options.amount, '--amount');
  const node = await run.node();
  const group = await run.group();
  const to = memberKey(node, group.now, run.options.to);
  const receipt = await send(await run.agent(), to, amount);
  const { currency } = group.info();
  printReceipt(run, receipt, `${done} ${amount} ${currency} to ${namer(node, group.now)(to)}`, {
    balance: group.now.balance(to),
  });
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
      run.out.line(`${amount} ${currency}`),
    );
    return;
  }
  const { supply, treasury, balances, escrows } = view.money();
  const name = namer(node, view);
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
