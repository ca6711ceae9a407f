/**
 * What clients of the older era were sent, kept for those whose connection breaks: a client comes back with the id of
 * the last event that it saw (`Last-Event-ID`) and gets what followed on that stream, each event once.
 *
 * Only so much is kept, for one session and for all of them; the oldest goes first, of whose sessions hold most. A client that was away for longer
 * is refused, since a gap that it is not told of would be worse than an end.
 */
import type { EventId, EventStore, JSONRPCMessage, StreamId } from '@modelcontextprotocol/server';

/** Kept for all sessions. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Kept for one session: one answer of the largest kind, and some before it. */
const SESSION_BYTES_MAX = 8 * 1024 * 1024;
const SESSION_EVENTS_MAX = 1_000;

interface Kept {
  readonly of: SessionEvents;
  readonly streamId: StreamId;
  /** Its number in the session. */
  readonly at: number;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

/** What is kept for the sessions of one token. */
interface Owned {
  /** Oldest first. */
  readonly kept: Set<Kept>;
  bytes: number;
}

/** What is kept for all sessions together. */
export class ReplayMemory {
  private readonly owned = new Map<string, Owned>();
  private readonly bytesMax: number;
  private bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  /** The events of a new session. @param owner the token that opened it */
  session(owner = ''): SessionEvents {
    return new SessionEvents(this, owner);
  }

  add(one: Kept): void {
    const { owner } = one.of;
    const owned = this.owned.get(owner) ?? { kept: new Set(), bytes: 0 };
    this.owned.set(owner, owned);
    owned.kept.add(one);
    owned.bytes += one.bytes;
    this.bytes += one.bytes;
    while (this.bytes > this.bytesMax) {
      const [oldest] = this.largest().kept;
      oldest!.of.forget(oldest!);
    }
  }

  /** Whoever keeps most gives way: nobody's events go for what another is sent. */
  private largest(): Owned {
    return [...this.owned.values()].reduce((most, one) => (one.bytes > most.bytes ? one : most));
  }

  remove(one: Kept): void {
    const owned = this.owned.get(one.of.owner);
    if (!owned?.kept.delete(one)) return;
    owned.bytes -= one.bytes;
    this.bytes -= one.bytes;
    if (owned.kept.size === 0) this.owned.delete(one.of.owner);
  }
}

/** The events of one session. */
class SessionEvents implements EventStore {
  readonly owner: string;
  private readonly memory: ReplayMemory;
  /** Oldest first. */
  private readonly kept = new Set<Kept>();
  private bytes = 0;
  private last = 0;
  /** The number of the last event that is not kept any more. */
  private forgotten = 0;

  constructor(memory: ReplayMemory, owner: string) {
    this.memory = memory;
    this.owner = owner;
  }

  async storeEvent(streamId: StreamId, message: JSONRPCMessage): Promise<EventId> {
    const one: Kept = { of: this, streamId, at: ++this.last, message, bytes: JSON.stringify(message).length };
    this.kept.add(one);
    this.bytes += one.bytes;
    this.memory.add(one);
    for (const oldest of this.kept) {
      if (this.bytes <= SESSION_BYTES_MAX && this.kept.size <= SESSION_EVENTS_MAX) break;
      this.forget(oldest);
    }
    return `${one.at}/${streamId}`;
  }

  /** Nothing where what followed that event is not known any more, or there was none such. */
  async getStreamIdForEventId(eventId: EventId): Promise<StreamId | undefined> {
    const [, number, streamId] = /^(\d{1,15})\/(.{1,64})$/.exec(eventId) ?? [];
    const at = Number(number);
    return at >= this.forgotten && at >= 1 && at <= this.last ? streamId : undefined;
  }

  async replayEventsAfter(
    eventId: EventId,
    { send }: { send: (eventId: EventId, message: JSONRPCMessage) => Promise<void> },
  ): Promise<StreamId> {
    const streamId = await this.getStreamIdForEventId(eventId);
    if (streamId === undefined) throw new RangeError('what followed that event is not kept any more');
    const after = Number.parseInt(eventId, 10);
    // The SDK opens streams with an empty message, which only has an id.
    for (const { at, message, ...one } of [...this.kept])
      if (at > after && one.streamId === streamId && 'jsonrpc' in message)
        await send(`${at}/${streamId}`, message);
    return streamId;
  }

  forget(one: Kept): void {
    if (!this.kept.delete(one)) return;
    this.bytes -= one.bytes;
    this.forgotten = Math.max(this.forgotten, one.at);
    this.memory.remove(one);
  }

  /** The session is over. */
  clear(): void {
    for (const one of [...this.kept]) this.forget(one);
  }
}
