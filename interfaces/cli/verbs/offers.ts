/** What is for sale, as the chain has it and as others announce it. */
import { type Contradiction, contradictionOf, offerState } from '../../../actors/market/contradiction.ts';
import type { AnnouncementContent } from '../../../events/announcement.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { Run } from '../context.ts';
import { type Column, printTable } from '../table.ts';
import { shortId } from '../text.ts';

/** An announcement, and how it stands to the chain. */
interface Announced extends Omit<AnnouncementContent, 'node' | 'addresses'> {
  readonly node: Hex32;
  readonly addresses: readonly string[];
  /** `unproven`: its group is not on this node, so that nothing here can say whether it is true. */
  readonly standing: 'confirmed' | 'unproven' | 'contradicted';
  readonly contradiction: Contradiction | undefined;
}

/** One line of the list. */
interface Row {
  readonly offer: Hex32;
  readonly title: string;
  readonly price: bigint;
  readonly seller: Hex32;
  readonly tags: readonly string[];
  readonly state: string;
}

/** What an announcement gets wrong, in words. */
const WRONG: Readonly<Record<Contradiction, string>> = {
  not_on_chain: 'not on the chain',
  other_seller: 'another seller on the chain',
  other_price: 'another price on the chain',
  other_package: 'another package on the chain',
  other_title: 'another title on the chain',
  revoked: 'revoked on the chain',
  expired: 'expired on the chain',
};

export async function listOffers(run: Run<{ all?: boolean }>): Promise<void> {
  const node = await run.node();
  const isPast = run.options.at !== undefined;
  // Without any group there is still what others announce.
  const view = node.groupIds().length === 0 && run.options.group === undefined ? undefined : await run.view();
  const nowMs = view === undefined ? Date.now() : run.timeOf(view);
  const announcements = isPast ? [] : await announced(run);
  const known = new Set(announcements.map(({ offer, standing }) => (standing === 'confirmed' ? offer : '')));
  const offers = (view?.offers() ?? [])
    .map((offer) => ({ ...offer, state: offerState(offer, nowMs), isAnnounced: known.has(offer.offer) }))
    .filter(({ state }) => run.options.all || state === 'open');
  const others = announcements.filter(({ standing }) => standing !== 'confirmed');
  const rows: Row[] = [...offers, ...others.map((one) => ({ ...one, state: standingText(one) }))];
  const name = view === undefined ? (key: Hex32) => run.nameOf(key) : await run.namer(view);
  const columns: readonly Column<Row>[] = [
    { header: 'offer', value: ({ offer }) => shortId(offer), plain: ({ offer }) => offer },
    { header: 'title', value: ({ title }) => title, isText: true },
    { header: 'price', value: ({ price }) => String(price), align: 'right' },
    {
      header: 'seller',
      value: ({ seller }) => name(seller),
      plain: ({ seller }) => seller,
      isFlexible: true,
    },
    { header: 'tags', value: ({ tags }) => tags.join(','), isFlexible: true },
    { header: 'state', value: ({ state }) => state, isFlexible: true },
  ];
  run.print({ height: view?.height, offers, announcements }, () =>
    printTable(run.out, columns, rows, 'nothing is for sale; offer something with: lb create-offer'),
  );
}

/** Announcements of the group that is asked about; of all groups, where none is named. */
async function announced(run: Run): Promise<Announced[]> {
  const node = await run.node();
  const only = run.options.group === undefined ? undefined : (await run.group()).groupId;
  const here = new Set(node.groupIds());
  return node.market.announcements
    .list()
    .map(({ announcement: { payload: _, signature: __, ...announcement } }) => announcement)
    .filter(({ groupId }) => only === undefined || groupId === only)
    .map((announcement) => {
      if (!here.has(announcement.groupId))
        return { ...announcement, standing: 'unproven', contradiction: undefined };
      const offer = node.group(announcement.groupId).now.offer(announcement.offer);
      const contradiction = contradictionOf(announcement, offer, Date.now());
      return {
        ...announcement,
        standing: contradiction === undefined ? 'confirmed' : 'contradicted',
        contradiction,
      };
    });
}

function standingText({ standing, contradiction }: Announced): string {
  return contradiction === undefined ? `announced, ${standing}` : `announced, but ${WRONG[contradiction]}`;
}
