/** `create-offer`, `list-offers`, `revoke-offer`: what is for sale. Buying is in `purchases.ts`. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Offer } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { BASIS_POINTS, OFFER_PARENTS_MAX, SPLITS_MAX } from '../../../events/limits.ts';
import { marketOperations } from '../../../events/operations/market.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkText, parseTags } from '../fields.ts';
import { contentOf, parseAmount, parseCount, parseFutureTime, parseList } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { memberKey, offerOf, subjectOf, subjectOption } from '../resolve.ts';
import { type Column, type Field, printTable } from '../table.ts';
import { formatTime, shortId } from '../text.ts';

const heading = 'Market';
const PORT_MAX = 65_535;

interface OfferOptions {
  readonly title: string;
  readonly price: string;
  readonly text?: string;
  readonly file?: string;
  readonly description?: string;
  readonly tags?: string;
  readonly split?: string;
  readonly royalty?: string;
  readonly expires?: string;
  readonly announceHost?: string;
  readonly announcePort?: string;
}

export function registerMarket(program: Command, context: CliContext): void {
  verb<OfferOptions>(
    program,
    context,
    {
      usage: 'create-offer',
      summary: 'Offer a package for sale.',
      heading,
      example:
        'lb create-offer --title "Security Best Practices Guide" --file guide.md --price 250 --tags security,guide',
      details:
        'The content is encrypted with a key of its own, which stays in your wallet until you grant it.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('[-]', 'read the content from standard input')
        .requiredOption('--title <text>', 'title')
        .requiredOption('--price <tokens>', 'price')
        .option('--text <text>', 'the content')
        .option('--file <file>', 'file with the content, any bytes')
        .option('--description <text>', 'what a buyer should know')
        .option('--tags <a,b>', 'tags')
        .option('--split <member:bps,…>', 'shares in 1/10,000 that sum to 10,000 (default: all yours)')
        .option('--royalty <offer:bps,…>', 'royalties in 1/10,000 to earlier offers')
        .option('--expires <when>', 'a span from now, or a time')
        .option('--announce-host <host>', 'where buyers reach you; for nodes on a network')
        .option('--announce-port <port>', 'the port there'),
    createOffer,
  );
  verb<{ all?: boolean }>(
    program,
    context,
    {
      usage: 'list-offers',
      summary: 'List what is for sale.',
      heading,
      example: 'lb list-offers',
      inGroup: true,
      at: true,
    },
    (command) => command.option('--all', 'revoked and expired ones too'),
    listOffers,
  );
  verb<{ offer?: string }>(
    program,
    context,
    {
      usage: 'revoke-offer',
      summary: 'End an offer (seller or admin).',
      heading,
      example: 'lb revoke-offer OFFER',
      inGroup: true,
      signs: true,
    },
    (command) => subjectOption(command, 'offer', 'the offer'),
    async (run) => {
      const { offer } = offerOf((await run.group()).now, subjectOf('offer', run.options.offer, run.args[0]));
      printReceipt(run, await (await run.agent()).revokeOffer(offer), 'The offer is over', { offer });
    },
  );
}

/** `who:bps,who:bps` as pairs. */
function parseShares<T>(
  text: string,
  flag: string,
  max: number,
  resolve: (given: string) => T,
): { of: T; bps: number }[] {
  const entries = parseList(text);
  if (entries.length > max) throw new UsageError(`${flag} has ${entries.length} shares; at most ${max} fit`);
  return entries.map((entry) => {
    const at = entry.lastIndexOf(':');
    if (at < 1) throw new UsageError(`${flag} ${entry}: expected NAME:BPS, such as bob:2500`);
    return { of: resolve(entry.slice(0, at)), bps: parseCount(entry.slice(at + 1), flag, 0, BASIS_POINTS) };
  });
}

/** What was typed, held against what an offer takes. */
function termsOf({ title, price, description, tags, expires, announcePort }: OfferOptions) {
  const fields = marketOperations.offer_create.fields;
  if (announcePort !== undefined) parseCount(announcePort, '--announce-port', 1, PORT_MAX);
  return {
    title: checkText(title, '--title', fields.title),
    price: parseAmount(price, '--price'),
    tags: parseTags(tags),
    ...(description === undefined
      ? {}
      : { description: checkText(description, '--description', fields.description) }),
    ...(expires === undefined ? {} : { expiresMs: parseFutureTime(expires, '--expires', Date.now()) }),
  };
}

async function createOffer(run: Run<OfferOptions>): Promise<void> {
  const { options } = run;
  const { split, royalty } = options;
  const terms = termsOf(options);
  const content = await contentOf(run.terminal, options, run.args[0]);
  const node = await run.node();
  const view = (await run.group()).now;
  const splits = split && parseShares(split, '--split', SPLITS_MAX, (given) => memberKey(node, view, given));
  const royalties =
    royalty && parseShares(royalty, '--royalty', OFFER_PARENTS_MAX, (given) => offerOf(view, given).offer);
  const { offer, ...receipt } = await (await run.agent()).createOffer({
    ...terms,
    content,
    ...(splits ? { splits: splits.map(({ of, bps }) => ({ to: of, bps })) } : {}),
    ...(royalties ? { parents: royalties.map(({ of, bps }) => ({ offer: of, bps })) } : {}),
  });
  printReceipt(run, receipt, 'Offered the package', { offer });
  if (options.announceHost !== undefined || options.announcePort !== undefined)
    run.hint(
      'note: the offer is in the group; an announcement to strangers needs a running node on the network',
    );
}

/** Why an offer cannot be bought, or that it can. */
export function offerState({ revoked, expiresMs }: Offer, nowMs: number): 'open' | 'revoked' | 'expired' {
  if (revoked) return 'revoked';
  return expiresMs !== undefined && expiresMs <= nowMs ? 'expired' : 'open';
}

async function listOffers(run: Run<{ all?: boolean }>): Promise<void> {
  const view = await run.view();
  const nowMs = run.timeOf(view);
  const offers = view
    .offers()
    .map((offer) => ({ ...offer, state: offerState(offer, nowMs) }))
    .filter(({ state }) => run.options.all || state === 'open');
  const name = await run.namer(view);
  const columns: readonly Column<(typeof offers)[number]>[] = [
    { header: 'offer', value: ({ offer }) => shortId(offer), plain: ({ offer }) => offer },
    { header: 'title', value: ({ title }) => title, isFlexible: true },
    { header: 'price', value: ({ price }) => String(price), align: 'right' },
    {
      header: 'seller',
      value: ({ seller }) => name(seller),
      plain: ({ seller }) => seller,
      isFlexible: true,
    },
    { header: 'tags', value: ({ tags }) => tags.join(','), isFlexible: true },
    { header: 'state', value: ({ state }) => state },
  ];
  run.print({ height: view.height, offers }, () =>
    printTable(run.out, columns, offers, 'nothing is for sale'),
  );
}

/** An offer's fields for people. */
export function offerFields(offer: Offer, name: (key: Hex32) => string): Field[] {
  return [
    ['offer', offer.offer],
    ['title', offer.title],
    ['description', offer.description],
    ['price', String(offer.price)],
    ['seller', name(offer.seller)],
    ['tags', offer.tags.length === 0 ? undefined : offer.tags.join(', ')],
    ['splits', offer.splits.map(({ to, bps }) => `${name(to)} ${bps / 100} %`).join(', ')],
    [
      'royalties',
      offer.parents.map(({ offer, bps }) => `${shortId(offer)} ${bps / 100} %`).join(', ') || undefined,
    ],
    ['package', offer.packageHash],
    ['created', formatTime(offer.createdMs)],
    ['expires', offer.expiresMs === undefined ? undefined : formatTime(offer.expiresMs)],
    ['revoked', offer.revoked ? 'yes' : undefined],
  ];
}
