/** Answering: one request of each stream, counted, decoded, dispatched; errors leave as their code. */
import type { Stream } from '@libp2p/interface';
import type { Hex32 } from '../../events/bytes.ts';
import { MalformedError } from '../../events/reader.ts';
import { encodeError } from '../answer.ts';
import type { Defence } from '../defence.ts';
import { MisbehaviourError, RpcError } from '../errors.ts';
import { FrameStream } from '../frames.ts';
import type { Host } from '../host.ts';
import { REQUEST_BYTES_MAX, REQUEST_TIMEOUT_MS, RPC_STREAMS_PER_CONNECTION_MAX } from '../limits.ts';
import {
  type AnswerOf,
  decodeRequest,
  encodeAnswer,
  type MethodName,
  type RequestOf,
  RPC_PROTOCOL,
} from './methods.ts';

/** What answers each method; errors are thrown as `RpcError`. */
export type Handlers = {
  readonly [M in MethodName]: (request: RequestOf<M>, peer: Hex32) => Promise<AnswerOf<M>> | AnswerOf<M>;
};

export interface RpcServerOptions {
  readonly defence: Defence;
  readonly handlers: Handlers;
  /** Told of a handler that crashed: a bug of this node, which the peer only hears of as `internal`. */
  failed(name: MethodName, error: Error): void;
  /** Told of a peer that asked for something that is not there, or not for it. */
  notFound(peer: Hex32): void;
}

export async function serveRpc(host: Host, options: RpcServerOptions): Promise<void> {
  await host.handle(RPC_PROTOCOL, RPC_STREAMS_PER_CONNECTION_MAX, (stream, peer) =>
    answerOne(stream, peer, options),
  );
}

async function answerOne(stream: Stream, peer: Hex32, options: RpcServerOptions): Promise<void> {
  const frames = new FrameStream(stream, { bytesMax: REQUEST_BYTES_MAX, timeoutMs: REQUEST_TIMEOUT_MS });
  // Read whatever the answer will be: a stream that is closed on somebody who still writes looks broken to
  // them.
  const bytes = await frames.read();
  if (bytes === undefined) return frames.close();
  if (!options.defence.admits('requests', peer)) {
    await frames.write(encodeError('rate_limited', ''));
    return frames.close();
  }
  let decoded: ReturnType<typeof decodeRequest>;
  try {
    decoded = decodeRequest(bytes);
  } catch (error) {
    if (error instanceof RpcError) {
      await frames.write(encodeError(error.reason, error.detail));
      return frames.close();
    }
    if (!(error instanceof MalformedError)) throw error;
    await frames.write(encodeError('bad_request', error.message));
    await frames.close();
    throw new MisbehaviourError(`a request that is none: ${error.message}`);
  }
  await frames.write(await dispatch(decoded, peer, options));
  await frames.close();
}

async function dispatch(
  { name, request }: ReturnType<typeof decodeRequest>,
  peer: Hex32,
  options: RpcServerOptions,
): Promise<Uint8Array> {
  const { handlers, failed } = options;
  try {
    const handler = handlers[name] as (request: unknown, peer: Hex32) => AnswerOf<MethodName>;
    return encodeAnswer(name, await handler(request, peer));
  } catch (error) {
    if (error instanceof RpcError) {
      if (error.reason === 'not_found') options.notFound(peer);
      return encodeError(error.reason, error.detail);
    }
    if (error instanceof MisbehaviourError) throw error;
    failed(name, error as Error);
    return encodeError('internal', '');
  }
}
