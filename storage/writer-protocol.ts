/**
 * What the store and its writer thread say to one another: one closed union for each direction.
 */
import type { EnvironmentOptions } from './environment.ts';
import type { Gate } from './writer-gate.ts';

/** What the thread is started with. */
export interface WriterData extends EnvironmentOptions {
  readonly gate: Gate;
}

/** Writes of the node itself (registry, artifacts, outbox, wallet) go under this number; groups count from 1. */
export const NODE_GROUP = 0;

/** To the thread. `writes` is transferred. */
export type ToWriter =
  | {
      readonly kind: 'commit';
      /** Counts up by one. */
      readonly seq: number;
      readonly group: number;
      /** Counts the failures of this group that the sender knew of: older ones stand on a failed commit. */
      readonly epoch: number;
      /** How many writes there are in `writes`. */
      readonly count: number;
      readonly writes: ArrayBuffer;
    }
  | { readonly kind: 'close' };

/** From the thread. Every seq is answered once, in order. */
export type FromWriter =
  | { readonly kind: 'committed'; readonly first: number; readonly last: number }
  | {
      readonly kind: 'failed';
      readonly seqs: readonly number[];
      readonly errno: number | undefined;
      readonly detail: string;
    };
