/**
 * Buying, from escrow to its end: `buy-offer`, `grant`, `accept-purchase`, `settle-purchase`, `dispute-purchase`,
 * `refund-purchase`, `open-purchase`, `purchases`. Content is only ever printed after it was checked.
 */
import type { Command } from 'commander';
import type { Agent } from '../../../actors/agent.ts';
import type { Purchase } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { Receipt } from '../../../events/receipt.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { VerdictError } from '../errors.ts';
import { writeOutput } from '../files.ts';
import { printReceipt } from '../report.ts';
import { offerOf, purchaseOf, subjectOf, subjectOption } from '../resolve.ts';
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
  verb<{ offer?: string; print?: boolean }>(
    program,
    context,
    {
      usage: 'buy-offer',
      summary: 'Buy: the price moves into escrow until you accept.',
      heading,
      example: 'lb buy-offer OFFER --as bob',
      details:
        'The seller grants the key, then you check and accept: lb accept-purchase. Where no grant comes in time, the money comes back: lb refund-purchase. lb purchases shows whose turn it is.',
      inGroup: true,
      signs: true,
    },
    (command) => subjectOption(command, 'offer', 'the offer'),
    buy,
  );
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
    async (run) => {
      const { purchase } = await chosen(run);
      const content = delivered(await run.agent(), purchase);
      const out = run.options.out;
      if (out !== undefined) writeOutput(run.terminal, out, content);
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
  key_does_not_open:
    'the sealed key does not open, which you can prove and have the money back: lb dispute-purchase',
  wrong_key:
    'the key is not the one that the offer promised, which you can prove and have the money back: lb dispute-purchase',
  package_missing: 'the package is not on this node yet',
  package_unfit:
    'the key is the one that the offer promised, and the package does not open with it; the rules cannot judge that',
  package_damaged: 'the package on this node is damaged; it has to be fetched again',
} as const;

/** What was delivered, checked. @throws VerdictError saying what is wrong with it */
function delivered(agent: Agent, purchase: Hex32): Uint8Array {
  const delivery = agent.openPurchase(purchase);
  if (delivery.status === 'bad')
    throw new VerdictError('delivery_bad', `${WHY_BAD[delivery.because]}; nothing was accepted`);
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
  if (out !== undefined) writeOutput(run.terminal, out, content);
  const receipt = await agent.acceptPurchase(purchase);
  if (print && !run.json) return printContent(run, content);
  const made = { purchase, status: 'settled', bytes: content.length, out };
  printReceipt(run, receipt, 'Accepted and paid', print ? { ...made, content: base64(content) } : made);
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
    printTable(run.out, columns, rows, 'no purchases'),
  );
}

/** What can be done with a purchase, by whom, and until when. */
interface NextStep {
  readonly by: 'seller' | 'buyer' | 'anyone';
  readonly verbs: readonly string[];
  readonly untilMs?: number;
}

/** What the rules would allow at this time; nothing where it is over. */
export function nextStep(purchase: Purchase, nowMs: number): NextStep | undefined {
  const { status, grantUntilMs, disputeUntilMs = 0 } = purchase;
  if (status === 'escrowed')
    return nowMs <= grantUntilMs
      ? { by: 'seller', verbs: ['grant'], untilMs: grantUntilMs }
      : { by: 'buyer', verbs: ['refund-purchase'] };
  if (status === 'granted')
    return nowMs <= disputeUntilMs
      ? { by: 'buyer', verbs: ['accept-purchase', 'dispute-purchase'], untilMs: disputeUntilMs }
      : { by: 'anyone', verbs: ['settle-purchase'] };
  return undefined;
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
