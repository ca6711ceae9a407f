/**
 * The artifacts of a group that this node follows: what its claims and experiences say.
 *
 * Blocks come first and name artifacts by hash; the bytes are fetched in batches afterwards, from any member. What
 * a source lacks is kept in a list on disk and asked for again, of every source, until somebody has it.
 *
 *   'scanned/' group            → the height up to which the log has been looked through
 *   'missing/' group hash       → nothing
 */

import { sha256 } from '../../crypto/hash.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import { decode, encode } from '../../events/codec.ts';
import { uint } from '../../events/fields.ts';
import { decodeEffects } from '../../storage/effects.ts';
import type { OpaqueMap, OpaqueWrite } from '../../storage/opaque-map.ts';
import type { GroupStore } from '../../storage/port.ts';
import type { Store } from '../../storage/store.ts';
import { MisbehaviourError } from '../errors.ts';
import { ARTIFACTS_PER_REQUEST_MAX } from '../limits.ts';
import type { RpcClient } from '../rpc/client.ts';

const heightCodec = uint(2 ** 48 - 1);
const NOTHING = new Uint8Array(0);
const scannedKey = (groupId: Hex32): Uint8Array => concatBytes(utf8('scanned/'), fromHex(groupId));
const missingPrefix = (groupId: Hex32): Uint8Array => concatBytes(utf8('missing/'), fromHex(groupId));
/** Blocks looked through between two turns of the event loop. */
const BLOCKS_PER_TURN = 256;
/** So that the memory that fetching takes does not grow with what is missing. */
const MISSING_PER_PAGE = 4_096;

/** How many artifacts of a group are not here, of those that its log has been looked through for. */
export function missingArtifacts(network: OpaqueMap, groupId: Hex32): number {
  let count = 0;
  for (const _ of network.list(missingPrefix(groupId))) count++;
  return count;
}

export class ArtifactFetcher {
  private readonly store: Store;
  private readonly client: RpcClient;
  private readonly came: (groupId: Hex32) => void;

  /** @param came told of each group of which something has come */
  constructor(store: Store, client: RpcClient, came: (groupId: Hex32) => void) {
    this.store = store;
    this.client = client;
    this.came = came;
  }

  /** Looks through what is new in the log, and remembers which artifacts are not here. */
  async scan(groupId: Hex32): Promise<void> {
    const group = this.store.group(groupId);
    const kept = this.store.network.get(scannedKey(groupId));
    let next = kept === undefined ? 0 : decode(heightCodec, kept.slice()) + 1;
    const head = group.head()!.height;
    while (next <= head) {
      const writes: OpaqueWrite[] = [];
      for (const end = Math.min(head + 1, next + BLOCKS_PER_TURN); next < end; next++)
        for (const hash of artifactsOf(group, next))
          if (!group.hasArtifact(hash))
            writes.push([concatBytes(missingPrefix(groupId), fromHex(hash)), NOTHING]);
      await this.store.network.write([...writes, [scannedKey(groupId), encode(heightCodec, next - 1)]]);
    }
  }

  /** Looks through the log from its beginning the next time: nothing of the group is here any more. */
  forget(groupId: Hex32): Promise<void> {
    return this.store.network.delete(scannedKey(groupId));
  }

  /**
   * Begins at a checkpoint: what its state names is missing, and only what comes later is looked through.
   * @param height of the checkpoint
   */
  async beginAt(groupId: Hex32, height: number, named: Iterable<Hex32>): Promise<void> {
    const writes = Array.from(
      named,
      (hash): OpaqueWrite => [concatBytes(missingPrefix(groupId), fromHex(hash)), NOTHING],
    );
    await this.store.network.write([...writes, [scannedKey(groupId), encode(heightCodec, height)]]);
  }

  /**
   * Fetches what is missing from one peer; what it has not is left for others.
   * @throws RpcError, NetworkError, MisbehaviourError for bytes that have another hash
   */
  async fetch(groupId: Hex32, peer: Hex32, signal: AbortSignal): Promise<void> {
    for await (const missing of this.pagesOfMissing(groupId))
      for (let wanted = missing; wanted.length > 0; ) {
        const hashes = wanted.slice(0, ARTIFACTS_PER_REQUEST_MAX);
        const { artifacts } = await this.client.patiently(peer, 'cas_get', { groupId, hashes }, signal);
        if (artifacts.length === 0 || artifacts.length > hashes.length)
          throw new MisbehaviourError('an answer with another number of artifacts than asked for');
        await this.keep(groupId, hashes, artifacts);
        wanted = wanted.slice(artifacts.length);
      }
  }

  /** What is missing still, once each; some may have come another way, with this node's own work. */
  private async *pagesOfMissing(groupId: Hex32): AsyncGenerator<Hex32[]> {
    const group = this.store.group(groupId);
    const prefix = missingPrefix(groupId);
    for (let after: Uint8Array | undefined; ; ) {
      const keys = Array.from(
        this.store.network.list(prefix, { after, limit: MISSING_PER_PAGE }),
        ([key]) => key,
      );
      if (keys.length === 0) return;
      after = keys.at(-1);
      const isHere = keys.map((key) => group.hasArtifact(key.subarray(prefix.length)));
      const here = keys.filter((_, at) => isHere[at]);
      if (here.length > 0) await this.store.network.write(here.map((key): OpaqueWrite => [key, undefined]));
      yield keys.filter((_, at) => !isHere[at]).map((key) => toHex(key.subarray(prefix.length)));
    }
  }

  private async keep(
    groupId: Hex32,
    hashes: readonly Hex32[],
    artifacts: readonly (Uint8Array | undefined)[],
  ): Promise<void> {
    const found: { hash: Uint8Array; bytes: Uint8Array }[] = [];
    for (const [at, bytes] of artifacts.entries()) {
      if (bytes === undefined) continue;
      const hash = sha256(bytes);
      if (toHex(hash) !== hashes[at]) throw new MisbehaviourError('an artifact that has another hash');
      found.push({ hash, bytes });
    }
    if (found.length === 0) return;
    await this.store.group(groupId).commit({ artifacts: found });
    await this.store.network.write(
      found.map(({ hash }): OpaqueWrite => [concatBytes(missingPrefix(groupId), hash), undefined]),
    );
    this.came(groupId);
  }
}

function artifactsOf(group: GroupStore, at: number): Hex32[] {
  const effects = group.effects(at);
  if (effects === undefined) return [];
  return decodeEffects(effects).flatMap(({ effect }) => {
    if (effect.kind === 'claim.published') return [effect.claim];
    return effect.kind === 'experience.recorded' ? [effect.artifact] : [];
  });
}
