/** The bus of a node: RxJS streams that actors write to and anybody may listen to. Messages are plain data. */
import { type Observable, Subject } from 'rxjs';
import type { LogEvent, MomentEvent } from '../events/bus.ts';
import type { Hex32 } from '../events/bytes.ts';

/** A group has more blocks than before. */
export interface HeadAdvanced {
  readonly groupId: Hex32;
  readonly height: number;
  /** Whether they published claims; said of what is new, not of a chain that was loaded. */
  readonly hasClaims?: boolean;
}

/** A beat of this node, for whoever carries it to the other members of the group. */
export interface OutgoingBeat {
  readonly groupId: Hex32;
  readonly beat: Uint8Array;
}

export class Bus {
  private readonly logSubject = new Subject<LogEvent>();
  private readonly momentSubject = new Subject<MomentEvent>();
  private readonly headSubject = new Subject<HeadAdvanced>();
  private readonly artifactsSubject = new Subject<Hex32>();
  private readonly beatSubject = new Subject<OutgoingBeat>();

  /** Events of the log, as they are committed. A listener that was away resumes from the log by cursor. */
  readonly log$: Observable<LogEvent> = this.logSubject.asObservable();
  readonly moment$: Observable<MomentEvent> = this.momentSubject.asObservable();
  readonly head$: Observable<HeadAdvanced> = this.headSubject.asObservable();

  /** Groups of which artifacts have come that their log named before. */
  readonly artifacts$: Observable<Hex32> = this.artifactsSubject.asObservable();
  readonly beat$: Observable<OutgoingBeat> = this.beatSubject.asObservable();

  /** Publishes the events of a block; they are made only when somebody listens. */
  blockCommitted(head: HeadAdvanced, events: () => Iterable<LogEvent>): void {
    if (this.logSubject.observed) for (const event of events()) this.logSubject.next(event);
    this.headSubject.next(head);
  }

  moment(event: MomentEvent): void {
    this.momentSubject.next(event);
  }

  artifactsCame(groupId: Hex32): void {
    this.artifactsSubject.next(groupId);
  }

  beat(beat: OutgoingBeat): void {
    this.beatSubject.next(beat);
  }

  close(): void {
    this.logSubject.complete();
    this.momentSubject.complete();
    this.headSubject.complete();
    this.artifactsSubject.complete();
    this.beatSubject.complete();
  }
}
