/** `buy-offer`, `orders`: a purchase from the announcement to the content, step by step and across restarts. */
import type { Command } from 'commander';
import { NotFoundError, RefusedError } from '../../../actors/errors.ts';
import type { PeerHint } from '../../../actors/invites.ts';
import { MarketError } from '../../../actors/market/errors.ts';
import type { Order } from '../../../actors/market/order.ts';
import { type FoundOffer, findOffer } from '../../operations/found-offer.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { type DeliveryOptions, deliver, WHY_BAD } from '../delivery.ts';
import { VerdictError } from '../errors.ts';
import { namedPeers, networkOf, type PeerFlags, peerOption } from '../network.ts';
import { parseAmount, parseSpan } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { subjectOf, subjectOption } from '../resolve.ts';
import { type Column, type Field, printFields, printSentence, printTable } from '../table.ts';
import { count, formatTime, shortId } from '../text.ts';
import { ownName } from '../verb-run.ts';

const heading = 'Market';
const WAIT_DEFAULT = '10m';

interface BuyOptions extends DeliveryOptions, PeerFlags {
  readonly offer?: string;
  readonly price?: string;
  readonly wait?: string | false;
  readonly again?: boolean;
  readonly byHand?: boolean;
}

export function registerBuying(program: Command, context: CliContext): void {
  verb<BuyOptions>(
    program,
    context,
    {
      usage: 'buy-offer',
      summary: 'Buy: from the escrow to the content.',
      heading,
      example: 'lb buy-offer OFFER --as bob --print',
      details:
        'Fetches the package, pays into escrow, waits for the key, checks key and package, and accepts; against a wrong key, or none, it has the money back. Whatever interrupts it, the same command goes on where it was and never pays twice; a node that is up goes on by itself. Offers of groups that are not on this node are bought as they were announced: lb market-pull.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      peerOption(
        subjectOption(command, 'offer', 'the offer')
          .option('--print', 'print the content')
          .option('--out <file>', 'write the content to a file')
          .option('--price <tokens>', 'pay nothing if it costs anything else')
          .option('--wait <span>', 'how long to wait for the end', WAIT_DEFAULT)
          .option(
            '--no-wait',
            'only order; the rest is done by the node that is up, or by the next buy-offer',
          )
          .option('--again', 'buy once more what was delivered before')
          .option('--by-hand', 'only pay into escrow; the rest is done with lb accept-purchase and the like'),
      ),
    buy,
  );
  verb(
    program,
    context,
    {
      usage: 'orders',
      summary: 'List what this node has ordered, and how far it has got.',
      heading,
      example: 'lb orders',
    },
    (command) => command,
    orders,
  );
}

async function buy(run: Run<BuyOptions>): Promise<void> {
  const { options } = run;
  const given = subjectOf('offer', options.offer, run.args[0]);
  const waitMs = typeof options.wait === 'string' ? parseSpan(options.wait, '--wait') : 0;
  const price = options.price === undefined ? undefined : parseAmount(options.price, '--price');
  const peers = await reachedPeers(run);
  const found = findOffer(await run.node(), given, options.group);
  if (options.byHand) return payOnly(run, found);
  await reachable(run, found, peers);
  const node = await run.node();
  const steps = node.market.orders.changed$.subscribe((order) => tellStep(run, found, order));
  run.onEnd(() => steps.unsubscribe());
  const expected = price ?? found.price;
  const order = await node.market.buy({
    groupId: found.groupId,
    offer: found.offer,
    as: options.as ?? ownName(node),
    peers: [...peers, ...found.peers],
    ...(options.again ? { again: true } : {}),
    ...(expected === undefined ? {} : { price: expected }),
  });
  const signal = AbortSignal.any([run.signal, AbortSignal.timeout(Math.max(1, waitMs))]);
  const isEnough = ({ state }: Order): boolean =>
    state === 'unfit' || (options.wait === false && state === 'escrowed');
  await finish(run, await node.market.orders.until(order.order, isEnough, signal));
}

/** Without the peers that are named a purchase may still go on: what was delivered is read again from here. */
async function reachedPeers(run: Run<BuyOptions>): Promise<PeerHint[]> {
  const { NetworkError } = await import('../../../protocol/errors.ts');
  try {
    return await namedPeers(run);
  } catch (error) {
    if (!(error instanceof NetworkError) || error.code !== 'peer_unreachable') throw error;
    run.hint(error.message);
    return [];
  }
}

/** Starts the network for this verb where the purchase needs it. */
async function reachable(
  run: Run<BuyOptions>,
  { groupId, offer, isHere }: FoundOffer,
  named: readonly PeerHint[],
) {
  const node = await run.node();
  const group = isHere ? node.group(groupId) : undefined;
  const packageHash = group?.now.offer(offer)?.packageHash;
  const hasPackage = packageHash !== undefined && node.networkPort.store.artifacts.has(packageHash);
  const isLocal = hasPackage && group?.standing().status === 'sealing' && named.length === 0;
  if (!isLocal) await networkOf(run);
}

function missing(offer: string): never {
  throw new NotFoundError(`there is no offer ${offer.slice(0, 8)} in the group as it is on this node`);
}

/** The old way, step by step by hand: nothing happens after the escrow by itself. */
async function payOnly(run: Run<BuyOptions>, { groupId, offer, isHere }: FoundOffer): Promise<void> {
  const node = await run.node();
  if (!isHere)
    throw new NotFoundError(`group ${groupId.slice(0, 8)} is not on this node; buy without --by-hand`);
  const group = node.group(groupId);
  const { price } = group.now.offer(offer) ?? missing(offer);
  await run.readyToSeal();
  const { purchase, ...receipt } = await group.as(run.options.as ?? ownName(node)).purchase(offer);
  printReceipt(run, receipt, `${count(price, 'token')} in escrow until you accept the delivery`, {
    purchase,
    offer,
  });
}

const STEP: Readonly<Record<Order['state'], (order: Order) => string>> = {
  requested: ({ price }) => `the package is here; ${count(price, 'token')} offered`,
  escrowed: ({ grantUntilMs }) =>
    `the money is in escrow; the seller has until ${time(grantUntilMs)} to grant the key`,
  granted: () => 'the seller has granted a key; it is being tried',
  verified: () => 'the key is right and opens the package; accepting',
  unfit: () => 'the key is the one promised, and the package does not open with it',
  settled: () => 'accepted and paid',
  refunded: () => 'no key came in time; the money is back',
  disputed: () => 'the key was wrong, and the rules have seen it; the money is back',
  failed: () => 'the rules refuse the purchase; nothing was paid',
};

const time = (ms: number | undefined): string => (ms === undefined ? 'later' : formatTime(ms).slice(0, 19));

function tellStep(run: Run, { groupId, offer }: FoundOffer, order: Order): void {
  if (order.groupId === groupId && order.offer === offer)
    run.hint(`${order.state}: ${STEP[order.state](order)}`);
}

/** What is left to be done: deliver, or say why there is nothing to deliver. */
async function finish(run: Run<BuyOptions>, order: Order): Promise<void> {
  const node = await run.node();
  const { state, refusal, price } = order;
  const made = madeOf(order);
  switch (state) {
    case 'settled': {
      const delivery = await node.market.orders.open(order.order);
      if (delivery.status === 'bad') throw new VerdictError('delivery_bad', WHY_BAD[delivery.because]);
      return deliver(run, delivery, run.options, made, () => {
        printSentence(run.out, `Bought for ${count(price, 'token')}`);
        printFields(run.out, fieldsOf(order, run), '  ');
      });
    }
    case 'failed':
      throw new RefusedError(refusal!);
    case 'refunded':
    case 'disputed':
      throw new VerdictError('not_delivered', STEP[state](order));
    case 'unfit':
      throw new VerdictError('delivery_bad', `${WHY_BAD.package_unfit}; nothing was accepted`);
    default: {
      if (run.options.wait === false && state !== 'requested') {
        run.print({ ...made, price }, () => {
          printSentence(run.out, `Ordered for ${count(price, 'token')}, now in escrow`);
          printFields(run.out, fieldsOf(order, run), '  ');
        });
        return;
      }
      const trouble = node.market.orders.troubleOf(order.order);
      throw new MarketError(
        'order_pending',
        `the order is ${state}${trouble === undefined ? '' : `: ${trouble}`}; it is kept, and the same command goes on with it without paying twice`,
      );
    }
  }
}

const madeOf = ({ order, purchase, offer, groupId, state, price }: Order) => ({
  order,
  purchase,
  offer,
  groupId,
  status: state,
  price,
});

const fieldsOf = ({ order, purchase, title }: Order, run: Run): Field[] => [
  ['package', title],
  ['purchase', purchase === undefined ? undefined : run.id(purchase)],
  ['order', run.id(order)],
];

async function orders(run: Run): Promise<void> {
  const node = await run.node();
  const rows = node.market.orders.list().map((order) => ({
    ...madeOf(order),
    title: order.title,
    buyer: order.buyer,
    seller: order.seller,
    isStranger: order.isStranger,
    createdMs: order.createdMs,
    trouble: node.market.orders.troubleOf(order.order),
  }));
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'order', value: ({ order }) => shortId(order), plain: ({ order }) => order },
    { header: 'title', value: ({ title }) => title, isText: true },
    { header: 'price', value: ({ price }) => String(price), align: 'right' },
    {
      header: 'buyer',
      value: ({ buyer }) => run.nameOf(buyer),
      plain: ({ buyer }) => buyer,
      isFlexible: true,
    },
    { header: 'status', value: ({ status }) => status },
    { header: 'trouble', value: ({ trouble }) => trouble ?? '', isFlexible: true },
  ];
  run.print({ orders: rows }, () =>
    printTable(run.out, columns, rows, 'nothing was ordered; see what is for sale with: lb list-offers'),
  );
}
