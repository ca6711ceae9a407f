/**
 * Who is there, in one group: what the chain says of members, and the beats that came since.
 *
 * Beats live in memory only. After a start nobody has been heard yet, so nobody is called stale before the node has
 * listened for a whole span itself.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import { verifySignature } from '../../crypto/verify.ts';
import { BEAT_PREFIX, type Beat, decodeBeat, encodeBeat, encodeBeatPayload } from '../../events/beat.ts';
import type { MomentEvent } from '../../events/bus.ts';
import { concatBytes, fromHex, type Hex32 } from '../../events/bytes.ts';
import { PRESENCE_STALE_MS_DEFAULT, TRANSACTION_LEAD_MS_MAX } from '../../events/limits.ts';
import { MalformedError } from '../../events/reader.ts';
import type { WriteSet } from '../../machines/state.ts';
import { memberTable, type PresenceRecord, presenceTable } from '../../machines/tables.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Alarms } from '../alarms.ts';
import { BEAT_GAP_MS_MIN, BEATS_MAX } from '../bounds.ts';
import type { BlockSigner } from '../chain/judge.ts';
import type { WatchedClock } from '../clock.ts';
import { DeadlineWatch } from '../deadline-watch.ts';
import type { Deadline } from '../deadlines.ts';
import { StoredState } from '../group-view.ts';
import { machineClock, type Timers } from '../timers.ts';
import { presenceMachine } from './presence.machine.ts';

export interface GroupPresenceOptions {
  readonly reader: GroupReader;
  readonly alarms: Alarms;
  readonly clock: WatchedClock;
  readonly timers: Timers;
  tell(event: MomentEvent): void;
  /** Hands a beat of this node to whoever carries it to the other members. */
  send(beat: Uint8Array): void;
  failed(error: Error): void;
}

/** What became of a beat that came in. Only `malformed`, `wrong_group` and `signature_invalid` blame its bringer. */
export type BeatVerdict =
  | 'taken'
  | 'malformed'
  | 'wrong_group'
  /** Its time is too far from now, or not later than the last one's. */
  | 'out_of_time'
  | 'not_a_member'
  | 'signature_invalid';

export class GroupPresence {
  private readonly options: GroupPresenceOptions;
  private readonly state: StoredState;
  private readonly watch: DeadlineWatch;
  private readonly startedMs: number;
  /** Time of the last beat by member, the longest unheard first; only members get in. */
  private readonly beats = new Map<Hex32, number>();
  /** Who wants to be seen, and how often that was asked for. */
  private readonly seen = new Map<BlockSigner, number>();
  private readonly lifecycle: ActorRefFrom<typeof presenceMachine>;

  constructor(options: GroupPresenceOptions) {
    this.options = options;
    const { reader, alarms, clock, timers, failed } = options;
    this.state = new StoredState(reader);
    this.startedMs = clock.nowMs();
    this.watch = new DeadlineWatch({
      name: `presence/${reader.groupId}`,
      alarms,
      clock,
      failed,
      read: () => this.storedDeadlines(),
      raise: (deadline) => this.raise(deadline),
      scheduled: (nextMs) => (nextMs === undefined ? this.watch.disarm() : this.watch.arm(nextMs)),
    });
    const machine = presenceMachine.provide({ actions: { beat: () => this.beatAll() } });
    this.lifecycle = createActor(machine, { clock: machineClock(timers) }).start();
  }

  /** Reads who is present. */
  load(): Promise<void> {
    return this.watch.load();
  }

  /** Whether this node beats for anybody. */
  get isBeating(): boolean {
    return this.lifecycle.getSnapshot().value === 'beating';
  }

  lastBeatMs(member: Hex32): number | undefined {
    return this.beats.get(member);
  }

  /** Takes in what a committed block wrote. */
  observe(writes: WriteSet): void {
    const changes = writes.of(presenceTable);
    const members = writes.of(memberTable);
    if (changes === undefined && members === undefined) return;
    for (const [member, { value }] of changes ?? []) this.watch.set(member, this.deadlineOf(member, value));
    for (const [member, { value }] of members ?? []) {
      if (value?.role !== undefined) continue;
      this.beats.delete(member);
      this.watch.set(member, undefined);
    }
    this.watch.schedule();
  }

  /**
   * Beats for a member now and at every interval, until what comes back is called.
   * @param signer of an identity that is a member; beats of others are not taken
   */
  keepBeating(signer: BlockSigner): () => void {
    this.seen.set(signer, (this.seen.get(signer) ?? 0) + 1);
    this.lifecycle.send({ type: 'begin' });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = this.seen.get(signer)! - 1;
      if (left > 0) this.seen.set(signer, left);
      else this.seen.delete(signer);
      if (this.seen.size === 0) this.lifecycle.send({ type: 'end' });
    };
  }

  /** Signs one beat, takes it and sends it. */
  beat(signer: BlockSigner): BeatVerdict {
    const { reader, clock, send } = this.options;
    const payload = encodeBeatPayload({
      groupId: reader.groupId,
      member: signer.publicKey,
      tsMs: clock.nowMs(),
    });
    const beat = encodeBeat(payload, signer.sign(BEAT_PREFIX, payload));
    const verdict = this.receive(beat);
    if (verdict === 'taken') send(beat);
    return verdict;
  }

  /** Takes a beat from outside; the cheap checks come before the signature. */
  receive(bytes: Uint8Array): BeatVerdict {
    const beat = readBeat(bytes);
    if (beat === undefined) return 'malformed';
    const { member, tsMs } = beat;
    if (beat.groupId !== this.options.reader.groupId) return 'wrong_group';
    const nowMs = this.options.clock.nowMs();
    if (tsMs > nowMs + TRANSACTION_LEAD_MS_MAX || tsMs < nowMs - PRESENCE_STALE_MS_DEFAULT)
      return 'out_of_time';
    const lastMs = this.beats.get(member);
    if (lastMs !== undefined && tsMs < lastMs + BEAT_GAP_MS_MIN) return 'out_of_time';
    if (this.state.get(memberTable, member)?.role === undefined) return 'not_a_member';
    const message = concatBytes(BEAT_PREFIX, beat.payload);
    if (!verifySignature(fromHex(member), message, beat.signature)) return 'signature_invalid';
    // A beat may be ahead of our clock by a little, and must not make anybody present in the future.
    this.remember(member, Math.min(tsMs, nowMs));
    return 'taken';
  }

  close(): void {
    this.seen.clear();
    this.lifecycle.stop();
    this.watch.stop();
  }

  private beatAll(): void {
    try {
      for (const signer of this.seen.keys()) this.beat(signer);
    } catch (error) {
      // A machine whose action throws is dead, and takes the process with it: what fails here is the group's alone.
      this.options.failed(error as Error);
    }
  }

  private remember(member: Hex32, tsMs: number): void {
    this.beats.delete(member);
    this.beats.set(member, tsMs);
    if (this.beats.size > BEATS_MAX) this.beats.delete(this.beats.keys().next().value!);
    this.watch.set(member, this.deadlineOf(member, this.state.get(presenceTable, member)));
    this.watch.schedule();
  }

  private lastSeenMs(member: Hex32, record: PresenceRecord): number {
    return Math.max(record.tsMs, this.beats.get(member) ?? 0);
  }

  /**
   * The first millisecond in which a member is stale; nothing for one who said they are away, or who never
   * said anything.
   */
  private deadlineOf(member: Hex32, record: PresenceRecord | undefined): number | undefined {
    if (record === undefined || record.status === 'offline') return undefined;
    const listensSinceMs = Math.max(this.startedMs, this.options.clock.wokeMs);
    return Math.max(this.lastSeenMs(member, record), listensSinceMs) + PRESENCE_STALE_MS_DEFAULT + 1;
  }

  private *storedDeadlines(): Generator<Deadline> {
    for (const [member, record] of this.state.records(presenceTable)) {
      if (this.state.get(memberTable, member)?.role === undefined) continue;
      const atMs = this.deadlineOf(member, record);
      if (atMs !== undefined) yield { key: member, atMs };
    }
  }

  private raise({ key: member, atMs }: Deadline): void {
    const record = this.state.get(presenceTable, member);
    if (record === undefined) return;
    const dueMs = this.deadlineOf(member, record);
    // This machine has slept: the others are given their time again.
    if (dueMs !== atMs) {
      this.watch.set(member, dueMs);
      return;
    }
    const { groupId } = this.options.reader;
    this.options.tell({
      kind: 'presence.stale',
      groupId,
      member,
      lastSeenMs: this.lastSeenMs(member, record),
    });
  }
}

function readBeat(bytes: Uint8Array): Beat | undefined {
  try {
    return decodeBeat(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
