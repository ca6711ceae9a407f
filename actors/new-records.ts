/** What agents are asked to make: claims, tasks, offers, in the words of callers. */
import type { Hex32 } from '../events/bytes.ts';
import type { Operation } from '../events/registry.ts';
import type { PackageContent } from './market/desk.ts';

/** What a new claim says. */
export interface NewClaim {
  readonly text: string;
  readonly tags?: readonly string[];
  readonly parent?: Hex32;
  /** Claims or experiences of the group that support it. */
  readonly evidence?: readonly Hex32[];
  /** Milliseconds since 1970; now, if not given. */
  readonly createdMs?: number;
}

export interface NewTask {
  readonly task: string;
  readonly title: string;
  readonly description?: string;
  readonly assignee?: Hex32;
  readonly dueMs?: number;
  readonly reward?: bigint;
  readonly leaseMs?: number;
  readonly tags?: readonly string[];
}

export interface NewOffer {
  readonly title: string;
  /** The package, up to 100 MiB: all of it, or a stream that is read once. */
  readonly content: PackageContent;
  readonly price: bigint;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Shares in basis points that sum to 10,000; all to the seller, if not given. */
  readonly splits?: readonly { readonly to: Hex32; readonly bps: number }[];
  /** Royalties in basis points to earlier offers. */
  readonly parents?: readonly { readonly offer: Hex32; readonly bps: number }[];
  readonly expiresMs?: number;
  /** Whether this node grants every purchase by itself (the default), or waits for `Agent.grant`. */
  readonly grants?: 'automatic' | 'by_hand';
}

/** Operations with the bytes of the artifacts that they bring into the group. */
export interface Batch {
  readonly operations: readonly Operation[];
  readonly artifacts: readonly Uint8Array[];
}
