/**
 * Buying, from escrow to its end: `buy-offer`, `grant`, `accept-purchase`, `settle-purchase`, `dispute-purchase`,
 * `refund-purchase`, `open-purchase`, `purchases`. Content is only ever printed after it was checked.
 */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import { UsageError } from '../../../actors/errors.ts';
import type { Purchase } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { Receipt } from '../../../events/receipt.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { printReceipt } from '../report.ts';
import { namer, offerOf, purchaseOf, subjectOf, subjectOption } from '../resolve.ts';
import { type Column, type Field, printTable } from '../table.ts';
import { cleanText, formatTime, shortId } from '../text.ts';

const heading = 'Market';

interface PurchaseOptions {
  readonly purchase?: string;
  readonly out?: string;
  readonly print?: boolean;
}

interface Move {
  readonly usage: string;
  readonly summary: string;
  readonly done: string;
  readonly run: (agent: Agent, purchase: Hex32) => Promise<Receipt>;
}

const MOVES: readonly Move[] = [
  {
    usage: 'grant',
    summary: "Hand the package's key to the buyer (seller).",
    done: 'Granted the key',
    run: (agent, purchase) => agent.grant(purchase),
  },
  {
    usage: 'settle-purchase',
    summary: 'Pay out once the dispute window has passed (anyone).',
    done: 'Paid out',
    run: (agent, purchase) => agent.settlePurchase(purchase),
  },
  {
    usage: 'dispute-purchase',
    summary: 'Prove a wrong key and take the money back (buyer).',
    done: 'The money is back',
    run: (agent, purchase) => agent.disputePurchase(purchase),
  },
  {
    usage: 'refund-purchase',
    summary: 'Take the money back when no grant came in time (buyer).',
    done: 'The money is back',
    run: (agent, purchase) => agent.refundPurchase(purchase),
  },
];

export function registerPurchases(program: Command, context: CliContext): void {
  verb<{ offer?: string; print?: boolean }>(
    program,
    context,
    {
      usage: 'buy-offer',
      summary: 'Buy: the price moves into escrow until you accept.',
      heading,
      example: 'lb buy-offer --offer 3f9c2a11 --as bob',
      details: 'The seller grants the key, then you check and accept: lb accept-purchase.',
      inGroup: true,
      signs: true,
    },
    (command) => subjectOption(command, 'offer', 'the offer'),
    buy,
  );
  for (const move of MOVES) {
    const { usage, summary, done } = move;
    verb<PurchaseOptions>(
      program,
      context,
      { usage, summary, heading, example: `lb ${usage} 3f9c2a11`, inGroup: true, signs: true },
      (command) => subjectOption(command, 'purchase', 'the purchase'),
      async (run) => {
        const { purchase } = await chosen(run);
        const receipt = await move.run(await run.agent(), purchase);
        const status = (await run.group()).now.purchase(purchase)!.status;
        printReceipt(run, receipt, done, { purchase, status });
      },
    );
  }
  registerDelivery(program, context);
}

function registerDelivery(program: Command, context: CliContext): void {
  verb<PurchaseOptions>(
    program,
    context,
    {
      usage: 'open-purchase',
      summary: 'Check and read what was delivered, without accepting it (buyer).',
      heading,
      example: 'lb open-purchase 3f9c2a11 --out guide.md',
      inGroup: true,
      signs: true,
    },
    (command) =>
      subjectOption(command, 'purchase', 'the purchase').option('--out <file>', 'write it to a file'),
    async (run) => {
      const { purchase } = await chosen(run);
      const content = delivered(await run.agent(), purchase);
      const out = run.options.out;
      if (out !== undefined) writeFileSync(run.path(out), content, { flag: 'wx' });
      run.print(
        { purchase, bytes: content.length, out, content: out === undefined ? base64(content) : undefined },
        () =>
          out === undefined
            ? printContent(run, content)
            : run.out.line(`Wrote ${content.length} bytes to ${out}`),
      );
    },
  );
  verb<PurchaseOptions>(
    program,
    context,
    {
      usage: 'accept-purchase',
      summary: 'Check the delivery, accept it and pay out (buyer).',
      heading,
      example: 'lb accept-purchase 3f9c2a11 --as bob --out guide.md',
      details: 'A delivery that does not open is not accepted; dispute it instead.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      subjectOption(command, 'purchase', 'the purchase')
        .option('--out <file>', 'write the content to a file')
        .option('--print', 'print the content'),
    accept,
  );
  verb(
    program,
    context,
    {
      usage: 'purchases',
      summary: 'List purchases.',
      heading,
      example: 'lb purchases',
      inGroup: true,
      at: true,
    },
    (command) => command,
    purchases,
  );
}

async function chosen(run: Run<PurchaseOptions>): Promise<Purchase> {
  return purchaseOf((await run.group()).now, subjectOf('purchase', run.options.purchase, run.args[0]));
}

async function buy(run: Run<{ offer?: string }>): Promise<void> {
  const { offer, price } = offerOf(
    (await run.group()).now,
    subjectOf('offer', run.options.offer, run.args[0]),
  );
  const { purchase, ...receipt } = await (await run.agent()).purchase(offer);
  printReceipt(run, receipt, `${price} tokens are in escrow until you accept the delivery`, {
    purchase,
    offer,
  });
}

const WHY_BAD = {
  key_does_not_open: 'the sealed key does not open; you can dispute the purchase',
  wrong_key: 'the key is not the one that the offer promised; you can dispute the purchase',
  package_missing: 'the package is not on this node yet',
  package_damaged: 'the package on this node is damaged; it has to be fetched again',
} as const;

/** What was delivered, checked. @throws UsageError saying what is wrong with it */
function delivered(agent: Agent, purchase: Hex32): Uint8Array {
  const delivery = agent.openPurchase(purchase);
  if (delivery.status === 'bad') throw new UsageError(`${WHY_BAD[delivery.because]}; nothing was accepted`);
  return delivery.content;
}

/** As it is into a pipe or a file; on a terminal, what could act on it is made visible. */
function printContent(run: Run, content: Uint8Array): void {
  if (run.out.isTerminal) run.out.line(cleanText(new TextDecoder().decode(content)));
  else run.out.write(content);
}

function base64(content: Uint8Array): string {
  return Buffer.from(content).toString('base64');
}

async function accept(run: Run<PurchaseOptions>): Promise<void> {
  const { out, print } = run.options;
  const { purchase } = await chosen(run);
  const agent = await run.agent();
  const content = delivered(agent, purchase);
  // The content is kept before the money goes: a full disk must not cost the buyer what he paid for.
  if (out !== undefined) writeFileSync(run.path(out), content, { flag: 'wx' });
  const receipt = await agent.acceptPurchase(purchase);
  if (print && !run.json) return printContent(run, content);
  const made = { purchase, status: 'settled', bytes: content.length, out };
  printReceipt(run, receipt, 'Accepted and paid', print ? { ...made, content: base64(content) } : made);
}

async function purchases(run: Run): Promise<void> {
  const view = await run.view();
  const rows = view.purchases();
  const name = namer(await run.node(), view);
  const columns: readonly Column<Purchase>[] = [
    { header: 'purchase', value: ({ purchase }) => shortId(purchase), plain: ({ purchase }) => purchase },
    { header: 'status', value: ({ status }) => status },
    {
      header: 'offer',
      value: ({ offer }) => view.offer(offer)?.title ?? shortId(offer),
      plain: ({ offer }) => offer,
      isFlexible: true,
    },
    { header: 'buyer', value: ({ buyer }) => name(buyer), plain: ({ buyer }) => buyer, isFlexible: true },
    { header: 'amount', value: ({ amount }) => String(amount), align: 'right' },
    { header: 'next', value: nextStep, isFlexible: true },
  ];
  run.print({ height: view.height, purchases: rows }, () =>
    printTable(run.out, columns, rows, 'no purchases'),
  );
}

/** Whose turn it is, and until when. */
function nextStep({ status, grantUntilMs, disputeUntilMs }: Purchase): string {
  if (status === 'escrowed') return `grant by ${formatTime(grantUntilMs).slice(0, 16)}`;
  if (status === 'granted') return `accept or dispute by ${formatTime(disputeUntilMs ?? 0).slice(0, 16)}`;
  return '';
}

/** A purchase's fields for people. */
export function purchaseFields(purchase: Purchase, name: (key: Hex32) => string): Field[] {
  return [
    ['purchase', purchase.purchase],
    ['offer', purchase.offer],
    ['buyer', name(purchase.buyer)],
    ['amount', String(purchase.amount)],
    ['status', purchase.status],
    ['next', nextStep(purchase) || undefined],
    ['created', formatTime(purchase.createdMs)],
  ];
}
