/**
 * Fetching a package from whoever has it, part by part, straight to disk.
 *
 * Only the whole has a hash, so a part proves nothing. Parts may come from several peers, the next one going on where
 * the last one broke off; if the whole is wrong then, each is asked for all of it alone, and who gives a wrong whole
 * by himself is shut out.
 */
import { MarketError } from '../../actors/market/errors.ts';
import { PACKAGE_CONTENT_BYTES_MAX, packageBytesOf } from '../../crypto/package.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { StorageError } from '../../storage/errors.ts';
import type { Store } from '../../storage/store.ts';
import { MisbehaviourError, NetworkError, short } from '../errors.ts';
import { PACKAGE_PART_TIMEOUT_MS } from '../limits.ts';
import type { RpcClient } from '../rpc/client.ts';

/** The largest package that there is. */
const PACKAGE_BYTES_MAX = packageBytesOf(PACKAGE_CONTENT_BYTES_MAX);

export interface PackageFetcherOptions {
  readonly store: Store;
  readonly client: RpcClient;
  shutOut(peer: Hex32, reason: string): void;
}

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
    if (await this.tryFrom(packageHash, peers, signal)) return;
    // Together they gave something wrong, or not all of it: alone each answers for himself.
    if (peers.length > 1)
      for (const peer of peers) if (await this.tryFrom(packageHash, [peer], signal)) return;
    throw new MarketError(
      'package_unavailable',
      peers.length === 0
        ? 'the package is not on this node, and no peer is connected that could have it'
        : `none of ${peers.length} connected peers gave the package ${short(packageHash)} whole`,
    );
  }

  private async tryFrom(
    packageHash: Hex32,
    peers: readonly Hex32[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const givers = new Set<Hex32>();
    try {
      await this.options.store.artifacts.putStream(
        packageHash,
        this.parts(packageHash, peers, givers, signal),
      );
      return true;
    } catch (error) {
      if (error instanceof StorageError && error.code === 'hash_mismatch') {
        const [only] = givers;
        if (givers.size === 1) this.options.shutOut(only!, 'a package that has another hash');
        return false;
      }
      if (error instanceof NetworkError && signal?.aborted !== true) return false;
      throw error;
    }
  }

  /** The parts in order; those who gave any are added to `givers`. */
  private async *parts(
    packageHash: Hex32,
    peers: readonly Hex32[],
    givers: Set<Hex32>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    let offset = 0;
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
        failure = error;
        if (error instanceof MisbehaviourError) this.options.shutOut(peer, error.message);
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
