/** What a chain needs of its node. */
import type { Verifier } from '../../crypto/verifier.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Outcome } from '../../events/receipt.ts';
import type { VerifiedTransaction } from '../../events/transaction.ts';
import type { GroupStore } from '../../storage/port.ts';
import type { Bus } from '../bus.ts';
import type { WatchedClock } from '../clock.ts';
import type { Telemetry } from '../telemetry.ts';
import type { Artifact } from './commit.ts';
import type { BlockSigner, FinalBlock } from './judge.ts';

/** Takes what this node may not seal, keeps it, and sees that it reaches whoever may. */
export interface Outlet {
  /** Resolves when the transaction is sealed here or refused by the sealer. */
  submit(transaction: VerifiedTransaction, artifacts: readonly Artifact[]): Promise<Outcome>;
}

export interface ChainOptions {
  readonly store: GroupStore;
  readonly verifier: Verifier;
  readonly clock: WatchedClock;
  readonly bus: Bus;
  /** The longest that a transaction waits for company, milliseconds. */
  readonly lingerMs: number;
  /** Where work goes that somebody else must seal; without one it is refused at once. */
  readonly outlet?: Outlet;
  /** Who observes; nobody, if not given. */
  readonly telemetry?: Telemetry;
  /** The signer of a key, if this node holds it. */
  signerOf(publicKey: Hex32): BlockSigner | undefined;
  /** Transactions that may wait; `SUBMISSIONS_MAX` if not given. */
  readonly submissionsMax?: number;
  /** The chain has halted. Gives when it is loaded again by itself, wall time, where it is. */
  halted?(error: Error): number | undefined;
  /** Why what is stored of the group is known to be damaged, if it is: the chain does not load then. */
  damage?(): string | undefined;
  /** A halted chain works again. */
  reloaded?(): void;
  /** A block is on disk and its head has advanced; must not throw. */
  committed?(final: FinalBlock): void;
}

export type ChainStatus = 'loading' | 'following' | 'sealing' | 'halted' | 'closed';
