/**
 * How announcements travel: pulled from a peer, pushed to the peers that are connected, carried by the gossip of the
 * group that they are about. What a chain of this node contradicts is kept to be shown as such, and not passed on.
 */
import { GroupView, StoredState } from '../../actors/group-view.ts';
import { type Heard, LIFETIME_MS } from '../../actors/market/announcement-book.ts';
import { type Contradiction, contradictionOf } from '../../actors/market/contradiction.ts';
import { type Announcement, announcementKey, decodeAnnouncement } from '../../events/announcement.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { MisbehaviourError, NetworkError } from '../errors.ts';
import * as limits from '../limits.ts';
import type { NetworkPort } from '../port.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { AnswerOf, RequestOf } from '../rpc/methods.ts';

/** Pages that one pull reads: as much as a whole book, and no peer can make it more. */
const PAGES_MAX = 128;

export interface AnnouncementDeskOptions {
  readonly port: NetworkPort;
  readonly client: RpcClient;
  connectedKeys(): readonly Hex32[];
  /** The site that a stranger comes from; nothing for peers who share a group with this node. */
  siteOf(peer: Hex32): string | undefined;
  /** Carries an announcement to the members of its group. */
  gossip(groupId: Hex32, bytes: Uint8Array): void;
  shutOut(peer: Hex32, reason: string): void;
}

export class AnnouncementDesk {
  private readonly options: AnnouncementDeskOptions;
  private readonly timer: NodeJS.Timeout;

  constructor(options: AnnouncementDeskOptions) {
    this.options = options;
    this.timer = setInterval(() => void this.renew(), limits.ANNOUNCE_INTERVAL_MS);
    this.timer.unref();
  }

  private get book() {
    return this.options.port.market.announcements;
  }

  isAnnounced(seller: Hex32, offer: Hex32): boolean {
    return this.book.get(seller, offer) !== undefined;
  }

  /** What a chain of this node says otherwise; nothing also where the group is not here. */
  private contradiction(announcement: Announcement): Contradiction | undefined {
    const { groupId, offer } = announcement;
    const view = this.viewOf(groupId);
    return view && contradictionOf(announcement, view.offer(offer), this.options.port.clock.nowMs());
  }

  /** A group as this node has it, if it does. */
  private viewOf(groupId: Hex32): GroupView | undefined {
    const { store } = this.options.port;
    if (!store.hasGroup(groupId) || store.group(groupId).head() === undefined) return undefined;
    return new GroupView(new StoredState(store.group(groupId)), { height: 0, tsMs: 0 });
  }

  private spoken(): Heard[] {
    return this.book.list().filter(({ announcement }) => this.contradiction(announcement) === undefined);
  }

  /** Answers `market_pull`. */
  page(after: RequestOf<'market_pull'>['after']): AnswerOf<'market_pull'> {
    const start = after === undefined ? '' : announcementKey(after);
    const page: Heard[] = [];
    for (const heard of this.book.list(start)) {
      // Each is held against its chain on disk: no more than the page needs.
      if (this.contradiction(heard.announcement) !== undefined) continue;
      if (page.length === limits.ANNOUNCEMENTS_PER_PAGE_MAX) {
        const { seller, offer } = page.at(-1)!.announcement;
        return { announcements: page.map(({ bytes }) => bytes), next: { seller, offer } };
      }
      page.push(heard);
    }
    return { announcements: page.map(({ bytes }) => bytes), next: undefined };
  }

  /**
   * Takes in what a peer has brought, and carries on what is news to the members of its group.
   * @returns how many were news
   * @throws MisbehaviourError for what no honest peer brings
   */
  takeAll(brought: readonly Uint8Array[], peer: Hex32): number {
    let taken = 0;
    const site = this.options.siteOf(peer);
    for (const bytes of brought) {
      const verdict = this.book.take(bytes, peer, site);
      if (verdict === 'malformed' || verdict === 'signature_invalid')
        throw new MisbehaviourError(`an announcement that is ${verdict.replace('_', ' ')}`);
      if (verdict === 'taken') taken++;
    }
    return taken;
  }

  /** Judges an announcement that came by the gossip of a group: it must be about that group. */
  heardInGroup(groupId: Hex32, bytes: Uint8Array, peer: Hex32): 'accept' | 'ignore' | 'reject' {
    const verdict = this.book.take(bytes, peer, this.options.siteOf(peer));
    if (verdict === 'malformed' || verdict === 'signature_invalid') return 'reject';
    if (verdict !== 'taken') return 'ignore';
    const announcement = decodeAnnouncement(bytes);
    if (announcement.groupId !== groupId) return 'ignore';
    return this.contradiction(announcement) === undefined ? 'accept' : 'ignore';
  }

  /**
   * Asks a connected peer for everything that it knows.
   * @returns how many were news
   * @throws NetworkError
   */
  async pull(peer: Hex32): Promise<number> {
    let taken = 0;
    let after: RequestOf<'market_pull'>['after'];
    for (let page = 0; page < PAGES_MAX; page++) {
      const answer: AnswerOf<'market_pull'> = await this.options.client.call(peer, 'market_pull', { after });
      taken += this.takenFrom(peer, answer.announcements);
      const { next } = answer;
      // A page that leads nowhere new would be asked for ever.
      if (next === undefined || (after !== undefined && announcementKey(next) <= announcementKey(after)))
        break;
      after = next;
    }
    await this.book.flushed();
    return taken;
  }

  private takenFrom(peer: Hex32, brought: readonly Uint8Array[]): number {
    try {
      return this.takeAll(brought, peer);
    } catch (error) {
      if (error instanceof MisbehaviourError) this.options.shutOut(peer, error.message);
      throw error;
    }
  }

  /** Hands announcements to the connected peers, and to the members of their groups by gossip. */
  async push(heard: readonly Heard[] = this.spoken()): Promise<{ peers: number; taken: number }> {
    for (const { announcement, bytes } of heard) this.options.gossip(announcement.groupId, bytes);
    // All at once: whoever announces waits for this, and a peer that does not answer must not hold it up.
    const counts = await Promise.all(this.options.connectedKeys().map((peer) => this.pushTo(peer, heard)));
    const reached = counts.filter((taken) => taken !== undefined);
    return { peers: reached.length, taken: reached.reduce((sum, taken) => sum + taken, 0) };
  }

  /** How many of them were news to a peer; nothing where it could not be reached. */
  private async pushTo(peer: Hex32, heard: readonly Heard[]): Promise<number | undefined> {
    let taken = 0;
    try {
      for (let at = 0; at < heard.length; at += limits.ANNOUNCEMENTS_PER_PAGE_MAX) {
        const announcements = heard
          .slice(at, at + limits.ANNOUNCEMENTS_PER_PAGE_MAX)
          .map(({ bytes }) => bytes);
        const answer = await this.options.client.call(peer, 'market_push', { announcements });
        taken += answer.taken;
      }
      return taken;
    } catch (error) {
      if (error instanceof NetworkError) return undefined;
      throw error;
    }
  }

  /** Signs this node's announcements anew when half their time has passed, as long as the chain agrees with them. */
  async renew(): Promise<void> {
    const { port } = this.options;
    const renewed: Heard[] = [];
    try {
      for (const { announcement } of this.book.own()) {
        const { seller, expiresMs, tsMs: _, payload: _p, signature: _s, ...content } = announcement;
        const signer = port.signers().find(({ publicKey }) => publicKey === seller);
        if (signer === undefined || expiresMs > port.clock.nowMs() + LIFETIME_MS / 2) continue;
        if (this.contradiction(announcement) === undefined)
          renewed.push(
            await this.book.announce(signer, { ...content, expiresMs: this.offerEndMs(announcement) }),
          );
        else await this.book.withdraw(seller, announcement.offer);
      }
      if (renewed.length > 0) await this.push(renewed);
    } catch (error) {
      // The environment may be better in ten minutes; a bug shall be seen.
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    }
  }

  /** When the offer of an announcement expires, as far as a chain here says: no announcement outlives it. */
  private offerEndMs({ groupId, offer }: Announcement): number | undefined {
    return this.viewOf(groupId)?.offer(offer)?.expiresMs;
  }

  close(): void {
    clearInterval(this.timer);
  }
}
