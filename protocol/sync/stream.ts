/**
 * `/lb/sync/1`: the blocks of a range, verbatim and in order, as fast as the receiver takes them.
 *
 *   request = [1, groupId, from]
 *   answer  = a frame [0, end] and then the blocks from … end − 1, a frame each; or a frame [1 + error, message]
 *
 * `end` is one more than the source's head when it was asked; `end` = `from` says that there is nothing newer. Whoever
 * wants to resume asks again from the height after the last block that they have kept.
 */
import type { Stream } from '@libp2p/interface';
import type { HistoryGap } from '../../actors/checkpoint/marker.ts';
import { decodeHeader } from '../../events/block.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { decode, encode } from '../../events/codec.ts';
import { exactly, id, record, uint } from '../../events/fields.ts';
import { BLOCK_BYTES_MAX } from '../../events/limits.ts';
import { MalformedError, Reader } from '../../events/reader.ts';
import { isFromFuture } from '../../machines/chain.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Access } from '../access.ts';
import { decodeGiven, encodeError, encodeGiven } from '../answer.ts';
import type { Defence } from '../defence.ts';
import { MisbehaviourError, NetworkError, type RpcErrorCode } from '../errors.ts';
import { FrameStream } from '../frames.ts';
import type { Host } from '../host.ts';
import {
  REQUEST_TIMEOUT_MS,
  SYNC_FRAME_BYTES_MAX,
  SYNC_PACE_BYTES_MIN,
  SYNC_STALL_MS,
  SYNC_STREAMS_PER_CONNECTION_MAX,
} from '../limits.ts';

export const SYNC_PROTOCOL = '/lb/sync/1';
const REQUEST_BYTES_MAX = 64;
/** After so many blocks the source looks whether the receiver is still a member, and lets others have a turn. */
const BLOCKS_PER_TURN = 64;

const NOTHING_MORE = new NetworkError('network_stopped', 'nothing more is wanted');

const height = uint(2 ** 48 - 1);
const requestCodec = record({ version: exactly(1), groupId: id, from: height });

export interface ServeOptions {
  readonly access: Access;
  readonly defence: Defence;
  reader(groupId: Hex32): GroupReader;
  /** What of a group's history is not here. */
  gap(groupId: Hex32): HistoryGap | undefined;
  /** Told of a peer that asked for a group that is not here, or not for it. */
  notFound(peer: Hex32): void;
}

export async function serveSync(host: Host, options: ServeOptions): Promise<void> {
  await host.handle(SYNC_PROTOCOL, SYNC_STREAMS_PER_CONNECTION_MAX, (stream, peer) =>
    serveOne(stream, peer, options),
  );
}

async function serveOne(
  stream: Stream,
  peer: Hex32,
  { access, defence, reader, gap, notFound }: ServeOptions,
): Promise<void> {
  const frames = new FrameStream(stream, { bytesMax: REQUEST_BYTES_MAX, timeoutMs: SYNC_STALL_MS });
  const bytes = await frames.read();
  if (bytes === undefined) return frames.close();
  const { groupId, from } = readRequest(bytes);
  if (!defence.admits('syncs', peer)) return refuseWith(frames, 'rate_limited');
  const isMember = access.isMember(groupId, peer);
  // A removed member gets what they were a member for, and the block that removed them.
  const last = isMember ? undefined : await access.lastHeightFor(groupId, peer);
  if (!isMember && last === undefined) {
    if (!access.wasMember(groupId, peer)) notFound(peer);
    return refuseWith(frames, 'not_found');
  }
  const group = reader(groupId);
  const end = Math.max(from, Math.min(endOf(group, from, gap(groupId)), (last ?? Infinity) + 1));
  // One more than the last height, so that "nothing" has a number at height 0 too.
  await frames.write(encodeGiven(height, end), true);
  for (let at = from; at < end; at++) {
    if (at % BLOCKS_PER_TURN === BLOCKS_PER_TURN - 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isMember && !access.isMember(groupId, peer))
        throw new NetworkError('peer_refused', 'the receiver is no member any more');
    }
    await frames.write(group.block(at)!, true);
  }
  await frames.flush();
  await frames.close();
}

/** One more than the last height that is here without a gap from `from` on. */
function endOf(group: GroupReader, from: number, gap: HistoryGap | undefined): number {
  const end = group.head()!.height + 1;
  return gap !== undefined && from < gap.height ? gap.filled : end;
}

function readRequest(bytes: Uint8Array): { groupId: Hex32; from: number } {
  try {
    return decode(requestCodec, bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MisbehaviourError(`a sync request that is none: ${error.message}`);
  }
}

async function refuseWith(frames: FrameStream, reason: RpcErrorCode): Promise<void> {
  await frames.write(encodeError(reason));
  await frames.close();
}

export interface Fetch {
  readonly groupId: Hex32;
  readonly from: number;
  readonly nowMs: () => number;
  /** Blocks of a later time than now are held, unless they lie below this height: there time went back again. */
  readonly correctedAt?: number | undefined;
  readonly signal: AbortSignal;
  readonly stallMs?: number | undefined;
}

/** Blocks under way from one source. `end` is one more than the last height that it has promised. */
export interface Fetched {
  readonly end: number;
  /** Ends early where a block is ahead of the clock: it is held until its time comes. */
  readonly blocks: AsyncGenerator<Uint8Array, void>;
}

/**
 * Asks a peer for the blocks of a group from a height on.
 * @throws RpcError where the peer says no, NetworkError; `blocks` throws the same when the stream breaks
 */
export async function fetchBlocks(host: Host, peer: Hex32, fetch: Fetch): Promise<Fetched> {
  const { groupId, from, signal, stallMs = SYNC_STALL_MS } = fetch;
  const stream = await host.openStream(peer, SYNC_PROTOCOL);
  const frames = new FrameStream(stream, { bytesMax: SYNC_FRAME_BYTES_MAX, timeoutMs: stallMs, signal });
  try {
    await frames.write(encode(requestCodec, { version: 1, groupId, from }));
    const first = await frames.read(Math.min(stallMs, REQUEST_TIMEOUT_MS));
    if (first === undefined) throw new NetworkError('peer_unreachable', 'the peer gave no answer');
    const end = readRange(first);
    if (end < from) throw new MisbehaviourError('a range that ends before it begins');
    // Nobody reads blocks that do not come, and a stream that stays open counts against the next ones.
    if (end === from) frames.abort(NOTHING_MORE);
    return { end, blocks: readBlocks(frames, { ...fetch, end }) };
  } catch (error) {
    frames.abort(error as Error);
    throw error;
  }
}

function readRange(bytes: Uint8Array): number {
  try {
    return decodeGiven(height, bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MisbehaviourError(`an answer to a sync request that is none: ${error.message}`);
  }
}

async function* readBlocks(
  frames: FrameStream,
  { from, end, nowMs, correctedAt = 0, stallMs = SYNC_STALL_MS }: Fetch & { end: number },
): AsyncGenerator<Uint8Array, void> {
  const pace = new SourcePace(stallMs);
  try {
    for (let at = from; at < end; at++) {
      const block = await pace.timed(() => frames.read());
      if (block === undefined)
        throw new MisbehaviourError(`the source promised more and ended at height ${at - 1} of ${end - 1}`);
      if (at >= correctedAt && isAhead(block, nowMs())) return;
      yield block;
    }
  } finally {
    // The source has closed its side if this was all; else it is told to stop.
    frames.abort(NOTHING_MORE);
  }
}

/**
 * How much a source gives while it is waited for. A frame may take its time; a source whose every frame does would keep
 * a group waiting for hours, while others have all of it.
 */
class SourcePace {
  private readonly stallMs: number;
  private waitedMs = 0;
  private bytes = 0;

  constructor(stallMs: number) {
    this.stallMs = stallMs;
  }

  /** Reads once. @throws NetworkError where too little has come for too long */
  async timed(read: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    if (this.waitedMs >= this.stallMs) {
      if (this.bytes < SYNC_PACE_BYTES_MIN)
        throw new NetworkError('request_timeout', 'the source gives so little that others may be faster');
      this.waitedMs = 0;
      this.bytes = 0;
    }
    const sinceMs = performance.now();
    const bytes = await read();
    this.waitedMs += performance.now() - sinceMs;
    this.bytes += bytes?.length ?? 0;
    return bytes;
  }
}

/** Whether a block must wait for its time. What cannot be read is left to the judge. */
function isAhead(block: Uint8Array, nowMs: number): boolean {
  try {
    const reader = new Reader(block);
    reader.expectArray(3);
    return isFromFuture(decodeHeader(reader.bin(BLOCK_BYTES_MAX)), nowMs) !== undefined;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}
