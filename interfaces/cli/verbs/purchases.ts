/**
 * A purchase by hand, from escrow to its end: `grant`, `accept-purchase`, `settle-purchase`, `dispute-purchase`,
 * `refund-purchase`, `open-purchase`, `purchases`. Content is only ever printed after it was checked.
 */
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import type { Purchase } from '../../../actors/group-view.ts';
import type { CheckedDelivery } from '../../../actors/market/desk.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { Receipt } from '../../../events/receipt.ts';
import { type NextStep, nextStep } from '../../operations/next-step.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { printContent, WHY_BAD, whole, writeDelivery } from '../delivery.ts';
import { VerdictError } from '../errors.ts';
import { printReceipt } from '../report.ts';
import { purchaseOf, subjectOf, subjectOption } from '../resolve.ts';
import { type Column, type Field, printTable } from '../table.ts';
import { count, formatTime, shortId } from '../text.ts';

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
  /** Who signs, in the example. */
  readonly as?: string;
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
    as: ' --as bob',
    summary: 'Prove a wrong key and take the money back (buyer).',
    done: 'The money is back',
    run: (agent, purchase) => agent.disputePurchase(purchase),
  },
  {
    usage: 'refund-purchase',
    as: ' --as bob',
    summary: 'Take the money back when no grant came in time (buyer).',
    done: 'The money is back',
    run: (agent, purchase) => agent.refundPurchase(purchase),
  },
];

export function registerPurchases(program: Command, context: CliContext): void {
  for (const move of MOVES) {
    const { usage, summary, done, as = '' } = move;
    verb<PurchaseOptions>(
      program,
      context,
      { usage, summary, heading, example: `lb ${usage} PURCHASE${as}`, inGroup: true, signs: true },
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
      example: 'lb open-purchase PURCHASE --as bob',
      inGroup: true,
      signs: true,
    },
    (command) =>
      subjectOption(command, 'purchase', 'the purchase').option('--out <file>', 'write it to a file'),
    openBought,
  );
  verb<PurchaseOptions>(
    program,
    context,
    {
      usage: 'accept-purchase',
      summary: 'Check the delivery, accept it and pay out (buyer).',
      heading,
      example: 'lb accept-purchase PURCHASE --as bob --out bought.md',
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

/** What was delivered, checked. @throws VerdictError saying what is wrong with it */
async function delivered(run: Run<PurchaseOptions>, given: string): Promise<[Hex32, CheckedDelivery]> {
  const node = await run.node();
  // Bought as a stranger: the group is not here, and the order knows what is to be known.
  const elsewhere = node.market.orders
    .list()
    .find(
      ({ purchase, groupId }) =>
        purchase?.startsWith(given.toLowerCase()) && !node.groupIds().includes(groupId),
    );
  const purchase = elsewhere?.purchase ?? (await chosen(run)).purchase;
  const delivery =
    elsewhere === undefined
      ? await (await run.agent()).checkPurchase(purchase)
      : await node.market.orders.open(elsewhere.order);
  if (delivery.status === 'bad')
    throw new VerdictError('delivery_bad', `${WHY_BAD[delivery.because]}; nothing was accepted`);
  return [purchase, delivery];
}

async function openBought(run: Run<PurchaseOptions>): Promise<void> {
  const { out } = run.options;
  const given = subjectOf('purchase', run.options.purchase, run.args[0]);
  const [purchase, delivery] = await delivered(run, given);
  await writeDelivery(run, delivery);
  if (out === undefined && !run.json) return printContent(run, delivery);
  const content = out === undefined ? (await whole(delivery)).toString('base64') : undefined;
  run.print({ purchase, bytes: delivery.bytes, out, content }, () =>
    run.out.line(`Wrote ${count(delivery.bytes, 'byte')} to ${out}`),
  );
}

async function accept(run: Run<PurchaseOptions>): Promise<void> {
  const { out, print } = run.options;
  const given = subjectOf('purchase', run.options.purchase, run.args[0]);
  const [purchase, delivery] = await delivered(run, given);
  // The content is kept before the money goes: a full disk must not cost the buyer what they paid for.
  await writeDelivery(run, delivery);
  const receipt = await (await run.agent()).acceptPurchase(purchase);
  if (print && !run.json) return printContent(run, delivery);
  const made = { purchase, status: 'settled', bytes: delivery.bytes, out };
  const content = print ? { content: (await whole(delivery)).toString('base64') } : {};
  printReceipt(run, receipt, 'Accepted and paid', { ...made, ...content });
}

async function purchases(run: Run): Promise<void> {
  const view = await run.view();
  const nowMs = run.timeOf(view);
  const rows = view.purchases().map((one) => ({ ...one, next: nextStep(one, nowMs) }));
  const name = await run.namer(view);
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'purchase', value: ({ purchase }) => shortId(purchase), plain: ({ purchase }) => purchase },
    { header: 'status', value: ({ status }) => status },
    {
      header: 'offer',
      value: ({ offer }) => view.offer(offer)?.title ?? run.id(offer),
      plain: ({ offer }) => offer,
      isFlexible: true,
    },
    { header: 'buyer', value: ({ buyer }) => name(buyer), plain: ({ buyer }) => buyer, isFlexible: true },
    { header: 'amount', value: ({ amount }) => String(amount), align: 'right' },
    { header: 'next', value: ({ next }) => nextText(next), isFlexible: true },
  ];
  run.print({ height: view.height, purchases: rows }, () =>
    printTable(run.out, columns, rows, 'no purchases; buy something with: lb buy-offer'),
  );
}

function nextText(next: NextStep | undefined): string {
  if (next === undefined) return '';
  const { by, verbs, untilMs } = next;
  const until = untilMs === undefined ? '' : ` until ${formatTime(untilMs).slice(0, 16)}`;
  return `${by}: ${verbs.join(' or ')}${until}`;
}

/** A purchase's fields for people. */
export function purchaseFields(purchase: Purchase, name: (key: Hex32) => string, nowMs: number): Field[] {
  return [
    ['purchase', purchase.purchase],
    ['offer', purchase.offer],
    ['buyer', name(purchase.buyer)],
    ['amount', String(purchase.amount)],
    ['status', purchase.status],
    ['next', nextText(nextStep(purchase, nowMs)) || undefined],
    ['created', formatTime(purchase.createdMs)],
  ];
}
