/** What a node is told when it is made and when it is opened. */
import type { Durability } from '../../storage/environment.ts';
import type { Clock } from '../clock.ts';
import type { Telemetry } from '../telemetry.ts';
import type { Timers } from '../timers.ts';

export interface InitOptions {
  /** The data directory; made if it does not exist. */
  readonly data: string;
  /** Encrypts the keys at rest. */
  readonly password?: string;
  /** How long to wait for another owner of the directory to go, milliseconds. */
  readonly waitMs?: number;
}

export interface OpenOptions {
  readonly data: string;
  /** Needed where the keys are encrypted; without it the node opens for reading. */
  readonly password?: string;
  /** `flush` (default): a receipt means that the disk has it. `commit`: the operating system has it. */
  readonly durability?: Durability;
  readonly lingerMs?: number;
  /** Threads that verify signatures; as many as cores, if not given. */
  readonly threads?: number;
  /** How long to wait for another owner of the directory to go, milliseconds. */
  readonly waitMs?: number;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** How far the wall clock may move against the monotonic clock before nothing is sealed any more. */
  readonly maxClockDriftMs?: number;
  /** Who observes what the node does. */
  readonly telemetry?: Telemetry;
}
