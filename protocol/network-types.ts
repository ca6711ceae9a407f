/** What the network of a node is told when it starts, and what it says of itself. */
import type { HistoryGap } from '../actors/checkpoint/marker.ts';
import type { PeerHint } from '../actors/invites.ts';
import type { NetworkDefence } from '../actors/telemetry.ts';
import type { SyncStatus } from '../events/bus.ts';
import type { Hex32 } from '../events/bytes.ts';
import type { Removal } from '../events/receipt.ts';

export interface NetworkOptions {
  /** Where to listen; without it the node only calls others. Port 0 takes a free one. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Whether to find peers on the local network, and to be found. Default: true where the node listens. */
  readonly mdns?: boolean;
  /** Groups rest until somebody asks for them: what is here is served, and nothing is fetched by itself. */
  readonly isResting?: boolean;
  /** Peers to keep connected to, whatever groups they have. */
  readonly bootstrap?: readonly PeerHint[];
  /** A group with at least so many blocks is begun at a checkpoint of its sealer, and its history filled in later. */
  readonly checkpointBlocksMin?: number;
  /** How often a group is pulled that nobody announces, milliseconds. */
  readonly syncIntervalMs?: number;
  /** How long a submitter waits for the sealer before its work counts as pending, milliseconds. */
  readonly receiptWaitMs?: number;
  /** How long a frame of a sync stream may take, milliseconds. */
  readonly stallMs?: number;
  readonly beatIntervalMs?: number;
  /** How long a sealer waits after a start for peers to show their heads, milliseconds. */
  readonly headComparisonMs?: number;
  readonly requestsPerMinute?: number;
  readonly connectionsPerAddress?: number;
  /** One line for each thing that an operator may want to know: who was shut out, and why. */
  readonly log?: (line: string) => void;
  /** Answering a peer crashed: a bug of this node, of which the peer hears nothing but `internal`. */
  readonly failed?: (method: string, error: Error) => void;
}

/** Whether peers are looked for on the local network. */
export const looksNearby = ({ mdns, listen }: NetworkOptions): boolean => mdns ?? listen !== undefined;

export interface GroupNetworkStatus {
  readonly groupId: Hex32;
  readonly isSealedHere: boolean;
  readonly height: number;
  /** The greatest height that is known of. */
  readonly target: number;
  readonly status: SyncStatus;
  readonly lastError: string | undefined;
  readonly artifactsMissing: number;
  /** What of the history is not here yet, where the group began at a checkpoint. */
  readonly history: HistoryGap | undefined;
  /** Transactions that wait for the sealer, and those that the sealer refused. */
  readonly pending: number;
  readonly refused: number;
  readonly sources: readonly Hex32[];
  /** When the sealer was last heard, milliseconds; absent where this node seals, and where it never was. */
  readonly sealerHeardMs: number | undefined;
  /** It was not heard for longer than one who is up stays unheard. */
  readonly isSealerSilent: boolean;
  /** Nobody can say how far the group is: no source, no answer, a sealer who is silent, a rest, a removal. */
  readonly isCutOff: boolean;
  /** The sealer sealed two blocks at one height, and nobody has decided. */
  readonly isInDispute: boolean;
  /** Where this node is in the group no more: when that was, and by whom. */
  readonly removal: Removal | undefined;
}

export interface NetworkStatus {
  readonly key: Hex32;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly peers: readonly { readonly key: Hex32; readonly address: string }[];
  readonly groups: readonly GroupNetworkStatus[];
  readonly counters: NetworkDefence;
}
