/**
 * Announcements and beats: small messages that members pass on to each other, and nothing of the group's content.
 *
 *   announcement   the header of a new head with its seal, so that whoever hears it checks it by itself
 *   beat           "this member is here", signed by the member (events/beat.ts)
 *   sign           "whoever seals is here, and the group is this far", signed by the sealer (sealer-signs.ts)
 *
 * Topic and key of a group come from its block 0, which only members have seen: others cannot tell which group a
 * topic belongs to, nor read what is said there. Whoever has been a member can still do both; they learn
 * heights.
 */
import { randomBytes } from 'node:crypto';
import { type TopicValidatorFn, TopicValidatorResult } from '@libp2p/gossipsub';
import type { OutgoingBeat } from '../actors/bus.ts';
import type { BeatVerdict } from '../actors/presence/group-presence.ts';
import { AEAD_NONCE_BYTES, aeadOpen, aeadSeal } from '../crypto/aead.ts';
import { sha256 } from '../crypto/hash.ts';
import { decodeBeat } from '../events/beat.ts';
import type { BlockHeader } from '../events/block.ts';
import { concatBytes, type Hex32, toHex } from '../events/bytes.ts';
import { decode, encode } from '../events/codec.ts';
import { blob, exactly, record, uint } from '../events/fields.ts';
import { MalformedError } from '../events/reader.ts';
import type { Access } from './access.ts';
import type { Host } from './host.ts';
import { keyOf } from './keys.ts';
import { GOSSIP_BYTES_MAX } from './limits.ts';
import type { NetworkPort } from './port.ts';
import type { SealerSigns } from './sealer-signs.ts';
import { readSeal, type Seal, sealCodec, sealOf } from './sync/evidence.ts';
import { topicOf } from './topic.ts';

/** New heads are announced at most so often; the last one always is. */
const ANNOUNCE_GAP_MS = 50;

/** `reject` is for what an honest member does not pass on, `ignore` for what is old or cannot be judged here. */
export type Judgement = 'accept' | 'ignore' | 'reject';

const KIND = { head: 0, beat: 1, announcement: 2, sign: 3 } as const;
const messageCodec = record({ version: exactly(1), kind: uint(0xff), body: blob(GOSSIP_BYTES_MAX) });

/** What becomes of a beat: passed on, dropped, or held against whoever brought it. */
const BEAT_VERDICTS: Readonly<Record<BeatVerdict, Judgement>> = {
  taken: 'accept',
  out_of_time: 'ignore',
  not_a_member: 'ignore',
  malformed: 'reject',
  wrong_group: 'reject',
  signature_invalid: 'reject',
};

export interface GossipOptions {
  readonly host: Host;
  readonly port: NetworkPort;
  readonly access: Access;
  readonly signs: SealerSigns;
  /** A block is there, newer than what is here; no header where its sealer is not known here. */
  announced(groupId: Hex32, header: Pick<BlockHeader, 'height' | 'sealer'> | undefined): void;
  /** Two blocks of one sealer at one height may have been seen; resolves when that has been dealt with. */
  contradicted(groupId: Hex32, seal: Seal): Promise<void>;
  /** An announcement of an offer has come in the group's channel. */
  heard(groupId: Hex32, announcement: Uint8Array, peer: Hex32): Judgement;
}

interface Channel {
  readonly groupId: Hex32;
  readonly topic: string;
  readonly key: Uint8Array;
  announcedMs: number;
  timer: NodeJS.Timeout | undefined;
}

export class GroupGossip {
  private readonly options: GossipOptions;
  private readonly channels = new Map<Hex32, Channel>();

  constructor(options: GossipOptions) {
    this.options = options;
  }

  private get pubsub() {
    return this.options.host.node.services.pubsub;
  }

  /** Listens for a group that is here. */
  join(groupId: Hex32): void {
    if (this.channels.has(groupId)) return;
    const { topic, key } = topicOf(this.options.port.store.group(groupId).block(0)!);
    const channel: Channel = { groupId, topic, key, announcedMs: -Infinity, timer: undefined };
    this.channels.set(groupId, channel);
    this.pubsub.topicValidators.set(topic, this.validator(channel));
    this.pubsub.subscribe(topic);
  }

  leave(groupId: Hex32): void {
    const channel = this.channels.get(groupId);
    if (channel === undefined) return;
    this.channels.delete(groupId);
    clearTimeout(channel.timer);
    this.pubsub.unsubscribe(channel.topic);
    this.pubsub.topicValidators.delete(channel.topic);
  }

  private validator(channel: Channel): TopicValidatorFn {
    return async (peer, { data }) => {
      const verdict =
        data.length > GOSSIP_BYTES_MAX ? 'reject' : await this.judge(channel, data, keyOf(peer));
      if (verdict === 'accept') return TopicValidatorResult.Accept;
      const key = keyOf(peer);
      if (verdict === 'reject' && key !== undefined)
        this.options.host.shutOut(key, 'gossip that no honest member passes on');
      return verdict === 'ignore' ? TopicValidatorResult.Ignore : TopicValidatorResult.Reject;
    };
  }

  private async judge(
    { groupId, key }: Channel,
    data: Uint8Array,
    peer: Hex32 | undefined,
  ): Promise<Judgement> {
    try {
      if (data.length < AEAD_NONCE_BYTES) return 'reject';
      const nonce = data.subarray(0, AEAD_NONCE_BYTES);
      const opened = aeadOpen(key, nonce, data.subarray(AEAD_NONCE_BYTES));
      if (opened === undefined) return 'reject';
      const { kind, body } = decode(messageCodec, opened);
      if (kind === KIND.announcement)
        return peer === undefined ? 'ignore' : this.options.heard(groupId, body, peer);
      if (kind === KIND.head) return await this.judgeHead(groupId, decode(sealCodec, body));
      if (kind === KIND.beat) return this.judgeBeat(groupId, body);
      if (kind === KIND.sign)
        return this.options.signs.take(groupId, body, (says) => this.options.announced(groupId, says));
      // A newer node is not at fault for knowing more.
      return 'ignore';
    } catch (error) {
      if (error instanceof MalformedError) return 'reject';
      throw error;
    }
  }

  private judgeBeat(groupId: Hex32, body: Uint8Array): Judgement {
    const { port } = this.options;
    const verdict = BEAT_VERDICTS[port.presence(groupId).receive(body)];
    if (verdict !== 'accept') return verdict;
    const { member, tsMs } = decodeBeat(body);
    port.sealersHeard.note(groupId, member, tsMs);
    return verdict;
  }

  private async judgeHead(groupId: Hex32, seal: Seal): Promise<Judgement> {
    const { port, access, announced, contradicted } = this.options;
    const header = readSeal(seal);
    const sealedId = toHex(sha256(seal.header));
    // Block 0 cannot name its own id. Its sealer has nothing else yet when it fetches the group again.
    const isOfGroup = header?.height === 0 ? sealedId === groupId : header?.groupId === groupId;
    if (header === undefined || !isOfGroup) return 'reject';
    const group = port.store.group(groupId);
    const knownId = group.blockId(header.height);
    if (knownId === sealedId) return 'ignore';
    if (knownId !== undefined) {
      await contradicted(groupId, seal);
      return 'ignore';
    }
    // Sealed by somebody whom we do not know as a sealer: perhaps we are behind, but others must judge it.
    const isSealer = access.sealers(groupId).includes(header.sealer);
    announced(groupId, isSealer ? header : undefined);
    return isSealer ? 'accept' : 'ignore';
  }

  /** Tells the others of the present head, now or with the next one that comes soon. */
  announce(groupId: Hex32): void {
    const channel = this.channels.get(groupId);
    if (channel === undefined || channel.timer !== undefined) return;
    const waitMs = Math.max(0, channel.announcedMs + ANNOUNCE_GAP_MS - performance.now());
    const tell = (): void => {
      channel.timer = undefined;
      channel.announcedMs = performance.now();
      const group = this.options.port.store.group(groupId);
      const seal = sealOf(group.block(group.head()!.height)!);
      this.publish(channel, KIND.head, encode(sealCodec, seal));
    };
    if (waitMs === 0) tell();
    else channel.timer = setTimeout(tell, waitMs);
  }

  /** Carries a sealer's sign of life to the others, where somebody is there to hear it. */
  sign(groupId: Hex32, make: () => Uint8Array): void {
    const channel = this.channels.get(groupId);
    if (channel !== undefined && this.pubsub.getSubscribers(channel.topic).length > 0)
      this.publish(channel, KIND.sign, make());
  }

  /** Carries a beat of this node to the others. */
  beat({ groupId, beat }: OutgoingBeat): void {
    const channel = this.channels.get(groupId);
    if (channel !== undefined) this.publish(channel, KIND.beat, beat);
  }

  /** Carries an announcement to the members of its group. */
  spread(groupId: Hex32, announcement: Uint8Array): void {
    const channel = this.channels.get(groupId);
    if (channel !== undefined) this.publish(channel, KIND.announcement, announcement);
  }

  private publish({ topic, key }: Channel, kind: number, body: Uint8Array): void {
    const nonce = new Uint8Array(randomBytes(AEAD_NONCE_BYTES));
    const sealed = aeadSeal(key, nonce, encode(messageCodec, { version: 1, kind, body }));
    // Nobody may be there to hear it; the interval pull is the safety net.
    this.pubsub.publish(topic, concatBytes(nonce, sealed)).catch(() => {});
  }

  close(): void {
    for (const groupId of [...this.channels.keys()]) this.leave(groupId);
  }
}
