/** Asking: one request to one connected peer, with a time limit. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Hex32 } from '../../events/bytes.ts';
import { MalformedError } from '../../events/reader.ts';
import { MisbehaviourError, NetworkError, RpcError } from '../errors.ts';
import { FrameStream } from '../frames.ts';
import type { Host } from '../host.ts';
import { REQUEST_TIMEOUT_MS, RESPONSE_BYTES_MAX } from '../limits.ts';
import type { NetworkPort } from '../port.ts';
import {
  type AnswerOf,
  decodeAnswer,
  encodeRequest,
  INTRODUCTION_PREFIX,
  introductionMessage,
  type MethodName,
  type RequestOf,
  RPC_PROTOCOL,
} from './methods.ts';

/** An allowance grows by one request in 60 ms for members, unless an operator is stricter. */
const PATIENCE_MS_FIRST = 500;
const PATIENCE_MS_MAX = 10_000;
const PATIENCE_TRIES = 30;

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export class RpcClient {
  private readonly host: Host;
  private readonly port: NetworkPort;
  /** How many identities each connected peer has been shown. */
  private readonly introduced = new Map<Hex32, number>();

  constructor(host: Host, port: NetworkPort) {
    this.host = host;
    this.port = port;
  }

  disconnected(peer: Hex32): void {
    this.introduced.delete(peer);
  }

  /**
   * @throws RpcError where the peer says no, NetworkError, MisbehaviourError (counted against the peer) for an
   * answer that is none
   */
  async call<M extends MethodName>(
    peer: Hex32,
    name: M,
    request: RequestOf<M>,
    options: CallOptions = {},
  ): Promise<AnswerOf<M>> {
    const { timeoutMs = REQUEST_TIMEOUT_MS, signal } = options;
    const frames = new FrameStream(await this.host.openStream(peer, RPC_PROTOCOL), {
      bytesMax: RESPONSE_BYTES_MAX,
      timeoutMs,
      signal,
    });
    try {
      await frames.write(encodeRequest(name, request));
      const bytes = await frames.read();
      if (bytes === undefined) throw new NetworkError('peer_unreachable', 'the peer gave no answer');
      return decodeAnswer(name, bytes);
    } catch (error) {
      if (!(error instanceof MalformedError) && !(error instanceof MisbehaviourError)) throw error;
      this.host.shutOut(peer, `an answer to ${name} that is none: ${error.message}`);
      throw new MisbehaviourError(error.message, { cause: error });
    } finally {
      void frames.close();
    }
  }

  /** As `call`, for work without haste: a peer that says "not so fast" is asked again later. */
  async patiently<M extends MethodName>(
    peer: Hex32,
    name: M,
    request: RequestOf<M>,
    signal: AbortSignal,
  ): Promise<AnswerOf<M>> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.call(peer, name, request, { signal });
      } catch (error) {
        if (!(error instanceof RpcError) || error.reason !== 'rate_limited' || tries === PATIENCE_TRIES)
          throw error;
        await delay(Math.min(PATIENCE_MS_MAX, PATIENCE_MS_FIRST * 2 ** tries), undefined, {
          signal,
          ref: false,
        }).catch(() => {});
        if (signal.aborted) throw error;
      }
    }
  }

  /** Shows a peer the identities of this node beside its own, once for each connection and whenever there are more. */
  async introduce(peer: Hex32): Promise<void> {
    const { signer } = this.port;
    const others = this.port.signers().filter(({ publicKey }) => publicKey !== signer.publicKey);
    if ((this.introduced.get(peer) ?? 0) >= others.length) return;
    const message = introductionMessage(signer.publicKey, peer);
    const identities = others.slice(-32).map(({ publicKey, sign }) => ({
      key: publicKey,
      signature: sign(INTRODUCTION_PREFIX, message),
    }));
    await this.call(peer, 'introduce', { identities });
    this.introduced.set(peer, others.length);
  }
}
