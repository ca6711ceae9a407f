/**
 * Fetching a package from whoever has it, part by part, straight to disk; where it breaks off, what came is kept for
 * a day, and the next fetch goes on from there.
 *
 * Only the whole has a hash, so a part proves nothing. Parts may come from several peers, the next one going on where
 * the last one broke off; if the whole is wrong then, each is asked for all of it alone, and a peer that
 * gives a wrong whole on its own is shut out.
 */
import { MarketError } from '../../actors/market/errors.ts';
import { PACKAGE_CONTENT_BYTES_MAX, packageBytesOf } from '../../crypto/package.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { StorageError } from '../../storage/errors.ts';
import type { Store } from '../../storage/store.ts';
import { MisbehaviourError, NetworkError, RpcError, short } from '../errors.ts';
import { PACKAGE_PART_TIMEOUT_MS, PARTIAL_PACKAGE_MS } from '../limits.ts';
import type { RpcClient } from '../rpc/client.ts';

/** The largest package that there is. */
const PACKAGE_BYTES_MAX = packageBytesOf(PACKAGE_CONTENT_BYTES_MAX);

export interface PackageFetcherOptions {
  readonly store: Store;
  readonly client: RpcClient;
  nowMs(): number;
  shutOut(peer: Hex32, reason: string): void;
}

/** How a fetch has ended. `wrong`: what was put together has another hash, or does not go on where it broke off. */
type Fetched = 'whole' | 'wrong' | 'broken_off';

/** What an attempt begins with, and who has given of it. */
interface Attempt {
  readonly packageHash: Hex32;
  readonly peers: readonly Hex32[];
  readonly signal: AbortSignal | undefined;
  readonly givers: Set<Hex32>;
  /** Whether some of it was here before, from whomever. */
  isResumed: boolean;
}

/** To somebody the package ends before what is here: one of the two is not it. */
class MisfitError extends NetworkError {}

export class PackageFetcher {
  private readonly options: PackageFetcherOptions;

  constructor(options: PackageFetcherOptions) {
    this.options = options;
  }

  /**
   * Gets a package from the first of these connected peers that can give it.
   * @throws MarketError `package_unavailable`, StorageError
   */
  async fetch(packageHash: Hex32, peers: readonly Hex32[], signal?: AbortSignal): Promise<void> {
    await this.options.store.artifacts.dropPartials(this.options.nowMs());
    if (peers.length > 0 && (await this.tryAll(packageHash, peers, signal))) return;
    throw new MarketError(
      'package_unavailable',
      peers.length === 0
        ? 'the package is not on this node, and no peer is connected that could have it'
        : `none of ${peers.length} connected peers gave the package ${short(packageHash)} whole`,
    );
  }

  private async tryAll(
    packageHash: Hex32,
    peers: readonly Hex32[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const together = this.attempt(packageHash, peers, signal);
    let fetched = await this.tryOne(together, true);
    let wasWrong = fetched === 'wrong';
    // Together they gave something wrong, or not all of it: alone each answers for itself, and from the
    // beginning.
    if (peers.length > 1 || together.isResumed)
      for (const peer of peers) {
        if (fetched === 'whole') break;
        fetched = await this.tryOne(this.attempt(packageHash, [peer], signal), !wasWrong);
        wasWrong ||= fetched === 'wrong';
      }
    return fetched === 'whole';
  }

  private attempt(packageHash: Hex32, peers: readonly Hex32[], signal: AbortSignal | undefined): Attempt {
    return { packageHash, peers, signal, givers: new Set(), isResumed: false };
  }

  private async tryOne(attempt: Attempt, mayResume: boolean): Promise<Fetched> {
    const { packageHash, givers, signal } = attempt;
    const { store, nowMs, shutOut } = this.options;
    try {
      if (mayResume) {
        const source = (offset: number) => this.parts(attempt, offset);
        await store.artifacts.putResumable(packageHash, source, nowMs() + PARTIAL_PACKAGE_MS);
      } else await store.artifacts.putStream(packageHash, this.parts(attempt, 0));
      return 'whole';
    } catch (error) {
      if (error instanceof StorageError && error.code === 'hash_mismatch') {
        const [only] = givers;
        if (givers.size === 1 && !attempt.isResumed) shutOut(only!, 'a package that has another hash');
        return 'wrong';
      }
      if (!(error instanceof NetworkError) || signal?.aborted === true) throw error;
      return error instanceof MisfitError ? 'wrong' : 'broken_off';
    }
  }

  /** The parts in order from an offset on; those who gave any are noted. */
  private async *parts(attempt: Attempt, from: number): AsyncGenerator<Uint8Array> {
    const { packageHash, peers, signal, givers } = attempt;
    attempt.isResumed = from > 0;
    let offset = from;
    let failure = new NetworkError('peer_unreachable', 'no peer is connected');
    for (const peer of peers) {
      try {
        for await (const part of this.partsOf(packageHash, peer, offset, signal)) {
          givers.add(peer);
          offset += part.length;
          yield part;
        }
        return;
      } catch (error) {
        if (!(error instanceof NetworkError) || signal?.aborted) throw error;
        if (error instanceof MisbehaviourError) this.options.shutOut(peer, error.message);
        const isMisfit = offset > 0 && error instanceof RpcError && error.reason === 'bad_request';
        if (isMisfit) failure = new MisfitError('peer_refused', error.message);
        else if (!(failure instanceof MisfitError)) failure = error;
      }
    }
    throw failure;
  }

  private async *partsOf(
    hash: Hex32,
    peer: Hex32,
    from: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    for (let offset = from; ; ) {
      const options = { timeoutMs: PACKAGE_PART_TIMEOUT_MS, signal };
      const { size, bytes } = await this.options.client.call(peer, 'package_get', { hash, offset }, options);
      if (size > PACKAGE_BYTES_MAX) throw new MisbehaviourError('a package larger than any may be');
      if (offset + bytes.length > size || (bytes.length === 0 && offset < size))
        throw new MisbehaviourError('a part of a package that does not fit');
      if (bytes.length > 0) yield bytes;
      offset += bytes.length;
      if (offset >= size) return;
    }
  }
}
