/** `create-offer`, `list-offers`, `revoke-offer`: what is for sale. Buying is in `buying.ts`. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Offer } from '../../../actors/group-view.ts';
import type { PackageContent } from '../../../actors/market/desk.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { BASIS_POINTS, OFFER_PARENTS_MAX, SPLITS_MAX } from '../../../events/limits.ts';
import { marketOperations } from '../../../events/operations/market.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkText, parseTags } from '../fields.ts';
import { streamInput } from '../files.ts';
import { checkToBeKept, givenPlace } from '../network.ts';
import { contentOf, parseAmount, parseCount, parseFutureTime, parseList } from '../parse.ts';
import { printReceipt } from '../report.ts';
import { givenOf, memberKey, offerOf, subjectOf, subjectOption } from '../resolve.ts';
import type { Field } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { formatTime, shortId } from '../text.ts';
import { ownIdentity } from '../verb-run.ts';
import { listOffers } from './offers.ts';

const heading = 'Market';

interface OfferOptions {
  readonly title?: string;
  readonly price?: string;
  readonly text?: string;
  readonly file?: string;
  readonly description?: string;
  readonly tags?: string;
  readonly split?: string;
  readonly royalty?: string;
  readonly expires?: string;
  readonly byHand?: boolean;
  readonly announce?: boolean;
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
      example: 'lb create-offer "Security Best Practices Guide" 250 guide.md --tags security,guide',
      details:
        'The content is encrypted with a key of its own, which stays in your wallet. Every buyer is granted it by your node, while that is up and also for what was bought while it was not; with --by-hand you do that yourself: lb grant. --announce tells people outside the group, for as long as the network of your node runs.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .argument('[title]', 'title')
        .argument('[price]', 'price, whole tokens')
        .argument('[file]', 'file with the content, any bytes; - reads it from standard input')
        .option('--title <text>', 'the same as a flag')
        .option('--price <tokens>', 'the same as a flag')
        .option('--text <text>', 'the content')
        .option('--file <file>', 'the same as a flag')
        .option('--description <text>', 'what a buyer should know')
        .option('--tags <a,b>', 'tags')
        .option('--split <member:bps,…>', 'shares in 1/10,000 that sum to 10,000 (default: all yours)')
        .option('--royalty <offer:bps,…>', 'royalties in 1/10,000 to earlier offers')
        .option('--expires <when>', 'a span from now, or a time')
        .option('--by-hand', 'grant the key yourself, purchase by purchase')
        .option('--announce', 'tell people outside the group of it')
        .option('--announce-host <host>', 'where buyers reach you (default: where this node listens)')
        .option('--announce-port <port>', 'the port there'),
    createOffer,
  );
  verb<{ all?: boolean }>(
    program,
    context,
    {
      usage: 'list-offers',
      summary: 'List what is for sale: in the group, and announced by others.',
      heading,
      example: 'lb list-offers',
      details:
        'The chain decides: an announcement that says otherwise is shown with what it gets wrong. Offers of groups that are not on this node are known by their announcements only; lb market-pull asks for more.',
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
function termsOf({ title, price, description, tags, expires }: OfferOptions) {
  const fields = marketOperations.offer_create.fields;
  return {
    title: checkText(subjectOf('title', title, undefined), 'the title', fields.title),
    price: parseAmount(subjectOf('price', price, undefined), 'the price'),
    tags: parseTags(tags),
    ...(description === undefined
      ? {}
      : { description: checkText(description, '--description', fields.description) }),
    ...(expires === undefined ? {} : { expiresMs: parseFutureTime(expires, '--expires', Date.now()) }),
  };
}

async function createOffer(run: Run<OfferOptions>): Promise<void> {
  const options: OfferOptions = { ...run.options, ...givenOf(run, ['title', 'price', 'file']) };
  const { split, royalty, byHand } = options;
  const terms = termsOf(options);
  const address = await announcedAt(options);
  const content = await packageContent(run.terminal, options);
  const node = await run.node();
  const group = await run.group();
  const view = group.now;
  const splits = split && parseShares(split, '--split', SPLITS_MAX, (given) => memberKey(node, view, given));
  const royalties =
    royalty && parseShares(royalty, '--royalty', OFFER_PARENTS_MAX, (given) => offerOf(view, given).offer);
  const { offer, ...receipt } = await (await run.agent()).createOffer({
    ...terms,
    content,
    ...(splits ? { splits: splits.map(({ of, bps }) => ({ to: of, bps })) } : {}),
    ...(royalties ? { parents: royalties.map(({ of, bps }) => ({ offer: of, bps })) } : {}),
    ...(byHand ? { grants: 'by_hand' as const } : {}),
  });
  const isAnnounced = options.announce === true || address !== undefined;
  const at = address === undefined ? {} : { at: { key: ownIdentity(node).publicKey, addresses: [address] } };
  if (isAnnounced) await node.market.announce(group.groupId, offer, at);
  printReceipt(run, receipt, 'Offered the package', isAnnounced ? { offer, announced: true } : { offer });
}

/** Files of any size are read as they are encrypted; what is typed or piped is short. */
async function packageContent(terminal: Terminal, { text, file }: OfferOptions): Promise<PackageContent> {
  if (file !== undefined && file !== '-' && text === undefined) return streamInput(terminal, file);
  const content = { ...(text === undefined ? {} : { text }), ...(file === undefined ? {} : { file }) };
  return contentOf(terminal, content, undefined);
}

/** Where buyers are told to come, from the flags. */
async function announcedAt({
  announceHost: host,
  announcePort: port,
}: OfferOptions): Promise<string | undefined> {
  const address = await givenPlace({ host, port }, ['--announce-host', '--announce-port']);
  await checkToBeKept(address === undefined ? [] : [address]);
  return address;
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
