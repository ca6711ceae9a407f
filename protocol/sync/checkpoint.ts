/**
 * `/lb/checkpoint/1`: the state of a group after its last block, from the sealer of that block, so that a new member
 * can begin with it and fill in the history afterwards.
 *
 *   request = [1, groupId]
 *   answer  = [0, handOvers] · handOvers blocks that handed the sealing over · the block of the head
 *             · [peaks] · parts: [0, entries] or [1, spent ids] · [2, statement, sig]
 *           | [1 + error, message]
 *
 * Each of these is a frame. Only a sealer of the group answers, and one such answer at a time.
 */
import type { Stream } from '@libp2p/interface';
import {
  entriesCodec,
  type SealedStatement,
  type SpentEntry,
  type StateEntry,
  sealedStatementCodec,
  spentListCodec,
} from '../../actors/checkpoint/format.ts';
import type { HandOvers } from '../../actors/checkpoint/hand-overs.ts';
import { type CheckpointPart, makeCheckpoint, peaksOf, sealerOfHead } from '../../actors/checkpoint/make.ts';
import type { Checkpoint } from '../../actors/checkpoint/take.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { type Codec, decode, encode } from '../../events/codec.ts';
import { bytesOf, exactly, id, list, record, uint } from '../../events/fields.ts';
import { MalformedError, Reader } from '../../events/reader.ts';
import { Writer } from '../../events/writer.ts';
import type { GroupReader } from '../../storage/port.ts';
import type { Access } from '../access.ts';
import { decodeGiven, encodeError, encodeGiven } from '../answer.ts';
import type { Defence } from '../defence.ts';
import { MisbehaviourError, NetworkError, type RpcErrorCode } from '../errors.ts';
import { FrameStream } from '../frames.ts';
import type { Host } from '../host.ts';
import {
  CHECKPOINT_BYTES_MAX,
  HAND_OVERS_MAX,
  REQUEST_TIMEOUT_MS,
  SYNC_FRAME_BYTES_MAX,
  SYNC_STALL_MS,
  SYNC_STREAMS_PER_CONNECTION_MAX,
} from '../limits.ts';
import type { NetworkPort } from '../port.ts';

export const CHECKPOINT_PROTOCOL = '/lb/checkpoint/1';
const REQUEST_BYTES_MAX = 64;
const PART = { state: 0, spent: 1, end: 2 } as const;

const requestCodec = record({ version: exactly(1), groupId: id });
const handOversCodec = uint(HAND_OVERS_MAX);
const peaksCodec = record({ peaks: list(bytesOf(32), { max: 48 }) });

export interface CheckpointServerOptions {
  readonly port: NetworkPort;
  readonly access: Access;
  readonly defence: Defence;
  readonly handOvers: HandOvers;
}

/** Serves the checkpoints of groups that this node seals. */
export class CheckpointServer {
  private readonly options: CheckpointServerOptions;
  private isServing = false;

  constructor(options: CheckpointServerOptions) {
    this.options = options;
  }

  serveOn(host: Host): Promise<void> {
    return host.handle(CHECKPOINT_PROTOCOL, SYNC_STREAMS_PER_CONNECTION_MAX, (stream, peer) =>
      this.serve(stream, peer),
    );
  }

  private async serve(stream: Stream, peer: Hex32): Promise<void> {
    const frames = new FrameStream(stream, { bytesMax: REQUEST_BYTES_MAX, timeoutMs: SYNC_STALL_MS });
    const bytes = await frames.read();
    if (bytes === undefined) return frames.close();
    const groupId = readRequest(bytes);
    const refusal = this.refusalFor(groupId, peer);
    if (refusal !== undefined) {
      await frames.write(encodeError(refusal));
      return frames.close();
    }
    this.isServing = true;
    try {
      await this.options.port.store.readSnapshot((snapshot) => this.send(snapshot.group(groupId), frames));
    } finally {
      this.isServing = false;
    }
    await frames.close();
  }

  private refusalFor(groupId: Hex32, peer: Hex32): RpcErrorCode | undefined {
    const { access, defence, port } = this.options;
    if (!defence.admits('syncs', peer) || this.isServing) return 'rate_limited';
    if (!access.isMember(groupId, peer)) return 'not_found';
    return port.seals(groupId) ? undefined : 'rejected';
  }

  private async send(reader: GroupReader, frames: FrameStream): Promise<void> {
    const head = reader.head()!;
    const signer = this.options.port.signers().find(({ publicKey }) => publicKey === sealerOfHead(reader));
    const known = await this.options.handOvers.heightsOf(reader);
    if (signer === undefined || known === undefined) {
      // The sealing has just come here, and the next block will be ours; or some of the history is still to come.
      await frames.write(encodeError('rejected'));
      return;
    }
    const heights = known.filter((height) => height < head.height);
    await frames.write(encodeGiven(handOversCodec, heights.length), true);
    for (const height of heights) await frames.write(reader.block(height)!, true);
    await frames.write(reader.block(head.height)!, true);
    await frames.write(encode(peaksCodec, { peaks: peaksOf(reader, head.height) }), true);
    for await (const part of makeCheckpoint(reader, signer)) await frames.write(encodePart(part), true);
    await frames.flush();
  }
}

function readRequest(bytes: Uint8Array): Hex32 {
  try {
    return decode(requestCodec, bytes).groupId;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MisbehaviourError(`a request for a checkpoint that is none: ${error.message}`);
  }
}

function encodePart(part: CheckpointPart): Uint8Array {
  const writer = new Writer(64 * 1024);
  writer.arrayHeader(2);
  writer.uint(PART[part.kind]);
  if (part.kind === 'state') write(writer, entriesCodec, part.entries);
  else if (part.kind === 'spent') write(writer, spentListCodec, part.spent);
  else write(writer, sealedStatementCodec, part.sealed);
  return writer.finish();
}

function write<T>(writer: Writer, codec: Codec<T>, value: T): void {
  codec.write(writer, value);
}

/**
 * Asks a sealer for the checkpoint of a group. What comes is bounded, and not checked yet.
 * @throws RpcError where the peer says no, NetworkError, MisbehaviourError
 */
export async function fetchCheckpoint(
  host: Host,
  peer: Hex32,
  groupId: Hex32,
  signal: AbortSignal,
): Promise<Checkpoint> {
  const stream = await host.openStream(peer, CHECKPOINT_PROTOCOL);
  const frames = new FrameStream(stream, {
    bytesMax: SYNC_FRAME_BYTES_MAX,
    timeoutMs: SYNC_STALL_MS,
    signal,
  });
  try {
    await frames.write(encode(requestCodec, { version: 1, groupId }));
    return await receive(frames);
  } catch (error) {
    if (error instanceof MalformedError)
      throw new MisbehaviourError(`a checkpoint that is none: ${error.message}`, { cause: error });
    throw error;
  } finally {
    frames.abort(new NetworkError('network_stopped', 'nothing more is wanted'));
  }
}

async function receive(frames: FrameStream): Promise<Checkpoint> {
  let received = 0;
  const next = async (timeoutMs?: number): Promise<Uint8Array> => {
    const bytes = await frames.read(timeoutMs);
    if (bytes === undefined) throw new NetworkError('peer_unreachable', 'the checkpoint broke off');
    received += bytes.length;
    if (received > CHECKPOINT_BYTES_MAX)
      throw new NetworkError('peer_refused', 'the checkpoint is too large');
    return bytes;
  };
  const count = decodeGiven(handOversCodec, await next(REQUEST_TIMEOUT_MS));
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < count; at++) blocks.push(await next());
  const block = await next();
  const { peaks } = decode(peaksCodec, await next());
  const entries: StateEntry[] = [];
  const spent: SpentEntry[] = [];
  for (;;) {
    const sealed = readPart(await next(), entries, spent);
    if (sealed !== undefined) return { handOvers: blocks, block, peaks, entries, spent, sealed };
  }
}

/** Adds what a part holds; the last one gives the statement. */
function readPart(
  bytes: Uint8Array,
  entries: StateEntry[],
  spent: SpentEntry[],
): SealedStatement | undefined {
  const reader = new Reader(bytes);
  reader.expectArray(2);
  const kind = reader.uint(PART.end);
  let sealed: SealedStatement | undefined;
  if (kind === PART.state) for (const entry of entriesCodec.read(reader)) entries.push(entry);
  else if (kind === PART.spent) for (const entry of spentListCodec.read(reader)) spent.push(entry);
  else sealed = sealedStatementCodec.read(reader);
  reader.done();
  return sealed;
}
