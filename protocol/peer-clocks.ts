/**
 * The clocks of the peers that share a group with this node. A sealer whose clock is far from their median must not
 * give block times, since nothing in a chain can go back behind them.
 *
 * The median of three or more tolerates one that is wrong and overrules this node; of fewer nobody could say who is,
 * so they only ever confirm. What was measured before this node's clock moved says nothing any more.
 */
import type { WatchedClock } from '../actors/clock.ts';
import type { Hex32 } from '../events/bytes.ts';
import { NetworkError } from './errors.ts';
import type { RpcClient } from './rpc/client.ts';

/** Clocks that are looked at; more would say the same. */
const PEERS_MAX = 32;
const LOOK_INTERVAL_MS = 5 * 60_000;

export interface PeerClocksOptions {
  readonly clock: WatchedClock;
  readonly client: RpcClient;
  /** Connected peers that share a group. */
  peers(): readonly Hex32[];
}

export class PeerClocks {
  private readonly options: PeerClocksOptions;
  /** How far each peer's clock is ahead of ours, milliseconds. */
  private readonly aheadMs = new Map<Hex32, number>();
  private readonly timer: NodeJS.Timeout;

  constructor(options: PeerClocksOptions) {
    this.options = options;
    this.timer = setInterval(() => void this.lookAtAll(), LOOK_INTERVAL_MS);
    this.timer.unref();
    options.clock.onMoved = () => {
      this.aheadMs.clear();
      options.clock.hearPeers(undefined);
      void this.lookAtAll();
    };
  }

  private async lookAtAll(): Promise<void> {
    for (const peer of this.options.peers().slice(0, PEERS_MAX)) await this.look(peer);
  }

  /** Asks a peer for its time. */
  async look(peer: Hex32): Promise<void> {
    const { client, clock } = this.options;
    if (!this.aheadMs.has(peer) && this.aheadMs.size >= PEERS_MAX) return;
    const askedMs = clock.monotonicMs();
    try {
      const { nowMs } = await client.call(peer, 'ping', {});
      const halfWayMs = (clock.monotonicMs() - askedMs) / 2;
      this.aheadMs.set(peer, nowMs + halfWayMs - clock.nowMs());
      this.tell();
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
  }

  forget(peer: Hex32): void {
    if (this.aheadMs.delete(peer)) this.tell();
  }

  private tell(): void {
    const sorted = [...this.aheadMs.values()].sort((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    this.options.clock.hearPeers(
      median === undefined ? undefined : { aheadMs: Math.round(median), count: sorted.length },
    );
  }

  close(): void {
    clearInterval(this.timer);
    this.options.clock.onMoved = () => {};
    this.options.clock.hearPeers(undefined);
  }
}
