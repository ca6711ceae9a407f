/**
 * What the node tells of its work while it works: a port for whoever counts, measures or traces it.
 *
 * Counters are calls at the moment something happened, a few for each block and none for each transaction that
 * went well. What has a present value is never told but asked for: a chain hands over its gauges when it is
 * loaded, and a reader looks at them at any time. So a node that nobody observes pays for calls of empty
 * functions, and for nothing else.
 *
 * No method may throw, and none is given a secret, a text of a claim or a payload.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { Outcome } from '../events/receipt.ts';
import type { RefusalCode } from '../events/refusals.ts';

/** The present values of one group. */
export interface ChainGauges {
  readonly groupId: Hex32;
  readonly status: 'loading' | 'following' | 'sealing' | 'halted' | 'closed';
  readonly haltReason: string | undefined;
  /** The last block that is on disk. */
  readonly head: { readonly height: number };
  /** Transactions that wait to be sealed. */
  readonly waiting: number;
}

/** The present values of the network, for as long as there is one. */
export interface NetworkGauges {
  /** Peers that are connected. */
  peers(): number;
  /** Transactions that wait for a sealer elsewhere. */
  outboxDepth(): number;
  /** Artifacts that the histories name and that are not here. */
  artifactsMissing(): number;
  defence(): NetworkDefence;
  /** Peers that are shut out now, and for how much longer, milliseconds. */
  banned(): Iterable<readonly [peer: Hex32, forMs: number]>;
  /** Peers, and addresses from which nobody proved a key, that did what honest ones seldom do, and how often. */
  suspected(): Iterable<readonly [who: string, times: number]>;
  /** For each group that is followed: blocks that are known of and not here yet. */
  syncLag(): Iterable<readonly [groupId: Hex32, blocks: number]>;
  /** For each group that somebody else seals, how long its sealer was not heard; infinite where it never was. */
  sealerSilence?(): Iterable<readonly [groupId: Hex32, forMs: number]>;
}

/** How far the read models are behind the log. */
export interface ViewsGauges {
  lag(): Iterable<{ readonly groupId: Hex32; readonly blocks: number; readonly claims: number }>;
}

/** How often the network has defended itself since it started. */
export interface NetworkDefence {
  /** Peers that were shut out, as often as they were. */
  readonly bans: number;
  /** Requests that were answered with "not so fast". */
  readonly rateLimited: number;
  readonly connectionsRefused: number;
}

/** A commit that is on disk. */
export interface Commit {
  readonly groupId: Hex32;
  readonly blocks: number;
  readonly transactions: number;
  readonly operations: number;
  /** From handing it to storage until it was flushed, milliseconds. */
  readonly latencyMs: number;
}

/** The stations of a submission, in order. The first begins when the submission does. */
export type SubmissionStage =
  /** Waits for room in the queue. */
  | 'reserve'
  /** Is signed, or its signature is checked. */
  | 'prepare'
  /** Waits to be judged. */
  | 'wait'
  /** Is in a block that is on its way to disk. */
  | 'commit';

/** One submission that is being traced. */
export interface SubmissionTrace {
  /** The next stage begins, and with that the one before it ends. */
  stage(stage: SubmissionStage): void;
  ended(outcome: Outcome): void;
  failed(error: unknown): void;
}

export interface Telemetry {
  chainLoaded(gauges: ChainGauges): void;
  chainClosed(groupId: Hex32): void;
  committed(commit: Commit): void;
  transactionRefused(code: RefusalCode): void;
  /** A block from elsewhere was refused. */
  blockRefused(code: RefusalCode): void;
  /** Signatures were handed to the verifier. */
  verifyStarted(signatures: number): void;
  /** The verifier has answered; without `invalid` it failed. */
  verifyEnded(signatures: number, latencyMs: number, invalid: number | undefined): void;
  /** The clock is watched: says whether it keeps a group that is sealed here from being sealed. */
  clockWatched(isInDoubt: () => boolean): void;
  /** The read models are there; their gauges say nothing of a group before it is first asked for or followed. */
  viewsOpened(gauges: ViewsGauges): void;
  /** The network is up. */
  networkStarted(gauges: NetworkGauges): void;
  networkStopped(): void;
  /** Begins the trace of a submission, or nothing where nobody traces. */
  traceSubmission(groupId: Hex32): SubmissionTrace | undefined;
}

/** Nobody observes. */
export const noTelemetry: Telemetry = {
  chainLoaded() {},
  chainClosed() {},
  committed() {},
  transactionRefused() {},
  blockRefused() {},
  verifyStarted() {},
  verifyEnded() {},
  clockWatched() {},
  viewsOpened() {},
  networkStarted() {},
  networkStopped() {},
  traceSubmission: () => undefined,
};

/** The answer of a traced submission, which also ends its trace. */
export async function traced(trace: SubmissionTrace, answer: Promise<Outcome>): Promise<Outcome> {
  try {
    const outcome = await answer;
    trace.ended(outcome);
    return outcome;
  } catch (error) {
    trace.failed(error);
    throw error;
  }
}
