/**
 * Frames over a stream: a length (u32, big-endian) and that many bytes.
 *
 * The length is held against a bound before a byte of the frame is waited for, so a declared 2 GB costs nothing.
 * Reading pauses the sender when what is received and not yet read passes a bound; writing waits while the stream
 * is full. Both give up after a time, so that a slow peer holds a stream and not a caller.
 */
import type { Stream } from '@libp2p/interface';
import { concatBytes } from '../events/bytes.ts';
import { MisbehaviourError, NetworkError } from './errors.ts';
import { SEND_BATCH_BYTES, STREAM_BUFFER_BYTES } from './limits.ts';

const HEAD_BYTES = 4;

export interface FrameOptions {
  /** The longest frame to take. */
  readonly bytesMax: number;
  /** How long a frame may take to arrive, and a write to find room. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The bytes of a chunk of libp2p, which may be a list of pieces. */
type Chunk = Uint8Array | { subarray(): Uint8Array };

export class FrameStream {
  private readonly stream: Stream;
  private readonly options: FrameOptions;
  private received: Uint8Array[] = [];
  private receivedBytes = 0;
  /** What the reader waits for at present. */
  private wantedBytes = 0;
  private ended: Error | 'end' | undefined;
  private wake: () => void = () => {};
  private isPaused = false;
  private batch: Uint8Array[] = [];
  private batchBytes = 0;

  constructor(stream: Stream, options: FrameOptions) {
    this.stream = stream;
    this.options = options;
    stream.addEventListener('message', ({ data }) => this.take(data as Chunk));
    stream.addEventListener('remoteCloseWrite', () => this.end('end'));
    // An end that the peer did not announce is a break: the peer, or the way to it, is gone.
    stream.addEventListener('close', () =>
      this.end(new NetworkError('peer_unreachable', 'the stream broke')),
    );
    options.signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  private readonly onAbort = (): void =>
    this.abort(new NetworkError('network_stopped', 'the request was given up'));

  private take(chunk: Chunk): void {
    const bytes = chunk instanceof Uint8Array ? chunk : chunk.subarray();
    this.received.push(bytes);
    this.receivedBytes += bytes.length;
    // A frame that is being waited for may be larger than what is kept ahead: pausing then would wait for ever.
    if (this.receivedBytes > STREAM_BUFFER_BYTES && this.receivedBytes >= this.wantedBytes) this.pause(true);
    this.wake();
  }

  private pause(paused: boolean): void {
    if (
      this.isPaused === paused ||
      this.stream.readStatus === 'closed' ||
      this.stream.readStatus === 'closing'
    )
      return;
    this.isPaused = paused;
    if (paused) this.stream.pause();
    else this.stream.resume();
  }

  private end(how: Error | 'end'): void {
    this.ended ??= how;
    this.wake();
  }

  /** Waits until `count` bytes are there; false at a clean end before the first of them. */
  private async fill(count: number, deadlineMs: number): Promise<boolean> {
    this.wantedBytes = count;
    while (this.receivedBytes < count) {
      // Resuming hands over what has been held back, which may be all.
      if (this.isPaused) this.pause(false);
      if (this.receivedBytes >= count) break;
      if (this.ended !== undefined && this.receivedBytes < count) {
        if (this.ended !== 'end') throw this.ended;
        if (this.receivedBytes === 0) return false;
        throw new NetworkError('peer_unreachable', 'the stream ended inside a frame');
      }
      await this.waitForMore(deadlineMs);
    }
    return true;
  }

  private waitForMore(deadlineMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waitMs = Math.max(0, deadlineMs - performance.now());
      const startedMs = Date.now();
      const late = (): void => {
        const error = tooLate(startedMs, waitMs, 'the peer did not answer in time');
        this.abort(error);
        reject(error);
      };
      const timer = setTimeout(late, waitMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Takes `count` bytes that are there. */
  private consume(count: number): Uint8Array {
    const taken: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      const first = this.received[0]!;
      if (first.length <= missing) {
        taken.push(first);
        this.received.shift();
        missing -= first.length;
      } else {
        taken.push(first.subarray(0, missing));
        this.received[0] = first.subarray(missing);
        missing = 0;
      }
    }
    this.receivedBytes -= count;
    if (this.isPaused && this.receivedBytes < STREAM_BUFFER_BYTES / 2) this.pause(false);
    return taken.length === 1 ? taken[0]! : concatBytes(...taken);
  }

  /**
   * The next frame; nothing at a clean end.
   * @throws NetworkError, MisbehaviourError for a frame that is declared too long
   */
  async read(timeoutMs = this.options.timeoutMs): Promise<Uint8Array | undefined> {
    const deadlineMs = performance.now() + timeoutMs;
    if (!(await this.fill(HEAD_BYTES, deadlineMs))) return undefined;
    const head = this.consume(HEAD_BYTES);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
    if (length > this.options.bytesMax) {
      const error = new MisbehaviourError(
        `a frame of ${length} bytes was declared; ${this.options.bytesMax} may be`,
      );
      this.abort(error);
      throw error;
    }
    if (length > 0 && !(await this.fill(length, deadlineMs)))
      throw new NetworkError('peer_unreachable', 'the stream ended inside a frame');
    return this.consume(length);
  }

  /** Writes a frame, with others that come soon where `isMore`. Resolves when the stream takes more. */
  async write(bytes: Uint8Array, isMore = false): Promise<void> {
    const head = new Uint8Array(HEAD_BYTES);
    new DataView(head.buffer).setUint32(0, bytes.length);
    this.batch.push(head, bytes);
    this.batchBytes += HEAD_BYTES + bytes.length;
    if (!isMore || this.batchBytes >= SEND_BATCH_BYTES) await this.flush();
  }

  /** Hands on what `write` has gathered. */
  async flush(): Promise<void> {
    if (this.batch.length === 0) return;
    const bytes = concatBytes(...this.batch);
    this.batch = [];
    this.batchBytes = 0;
    const startedMs = Date.now();
    try {
      if (this.stream.send(bytes)) return;
      await this.stream.onDrain({ signal: AbortSignal.timeout(this.options.timeoutMs) });
    } catch (cause) {
      const isLate = (cause as Error).name === 'TimeoutError' || (cause as Error).name === 'AbortError';
      const what = 'the peer takes nothing any more';
      const error = isLate
        ? tooLate(startedMs, this.options.timeoutMs, what)
        : new NetworkError('peer_unreachable', what, { cause });
      this.abort(error);
      throw error;
    }
  }

  /** Ends the writing side once everything has been handed on. */
  async close(): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    await this.stream.close({ signal: AbortSignal.timeout(this.options.timeoutMs) }).catch((error: Error) => {
      this.abort(error);
    });
  }

  /** Ends both sides at once. */
  abort(error: Error): void {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.end(error);
    this.stream.abort(error);
  }
}

/** A timer that is this late did not run on time: the machine slept, or was stopped, or had no time for this. */
const OVERSLEPT_MS = 3_000;

/** The end of a wait. Where this node itself did not look in time, nothing is known of the peer. */
function tooLate(startedMs: number, waitMs: number, what: string): NetworkError {
  const isOurs = Date.now() - startedMs > waitMs + OVERSLEPT_MS;
  return isOurs
    ? new NetworkError('peer_unreachable', 'this machine was asleep while it waited')
    : new NetworkError('request_timeout', what);
}
