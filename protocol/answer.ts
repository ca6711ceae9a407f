/**
 * How every answer begins, on each of this protocol's streams: [0, …] with what was asked for, or an error.
 *
 *   error = [1 + position of the error, message]
 */
import type { Codec } from '../events/codec.ts';
import { Reader } from '../events/reader.ts';
import { Writer } from '../events/writer.ts';
import { RPC_ERRORS, RpcError, type RpcErrorCode } from './errors.ts';

/** Longer messages are cut; the bytes of a message may be four times its characters. */
const MESSAGE_BYTES_MAX = 512;

/** An answer that gives what was asked for: [0, value]. */
export function encodeGiven<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer(256);
  writer.arrayHeader(2);
  writer.uint(0);
  codec.write(writer, value);
  return writer.finish();
}

/** An answer that says no. */
export function encodeError(reason: RpcErrorCode, message = ''): Uint8Array {
  const writer = new Writer(256);
  writer.arrayHeader(2);
  writer.uint(1 + RPC_ERRORS.indexOf(reason));
  writer.text(message.slice(0, MESSAGE_BYTES_MAX / 4));
  return writer.finish();
}

/**
 * What an answer gives.
 * @throws RpcError where it says no, MalformedError for anything but an answer
 */
export function decodeGiven<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  reader.expectArray(2);
  const status = reader.uint(RPC_ERRORS.length);
  if (status > 0) {
    const message = reader.text(MESSAGE_BYTES_MAX);
    reader.done();
    throw new RpcError(RPC_ERRORS[status - 1]!, message);
  }
  const value = codec.read(reader);
  reader.done();
  return value;
}
