/** What was bought, in pieces that an answer can hold: the first comes with the purchase, the others are asked for. */
import { UsageError } from '../../actors/errors.ts';
import type { CheckedDelivery } from '../../actors/market/desk.ts';
import { concatBytes } from '../../events/bytes.ts';
import type { Call } from './operation.ts';
import { Room } from './room.ts';
import { integer, number, optional, text } from './schema.ts';

/** Bytes of content in one answer, where that has room for them. */
export const PIECE_BYTES_MAX = 1_048_576;
/** What of an answer is left to what stands around the content, in tokens. */
const AROUND_TOKENS = 600;

/** Where a piece begins, in bytes of the whole content. */
export const offset = optional(
  integer(0, Number.MAX_SAFE_INTEGER, {
    description: 'bytes of the content to leave out; to read on: next_offset of the answer before',
  }),
);

/** What was delivered, as it is given back: the size of all of it, a piece, and where the next piece begins. */
export const contentShape = {
  bytes: optional(number('size of the whole content')),
  text: optional(text()),
  base64: optional(text('where it is no text')),
  next_offset: optional(number()),
  /** How to read on. */
  more: optional(text()),
};

type Readable = { text: string } | { base64: string };
type Piece = Readable & { bytes: number; next_offset?: number; more?: string };

/**
 * A piece of what was delivered. @param readOn says how the piece from an offset on is asked for
 * @throws UsageError for an offset behind the end
 */
export async function pieceOf(
  call: Call,
  { bytes, content }: CheckedDelivery,
  from: number,
  readOn: (offset: number) => string,
): Promise<Piece> {
  if (from > bytes) throw new UsageError(`offset is ${from}, and the content has ${bytes} bytes`);
  const read = await bytesOf(content(), from, PIECE_BYTES_MAX);
  const piece = fitting(call, from + read.length >= bytes ? read : withoutTornCharacter(read));
  const end = from + piece.length;
  const isLast = end >= bytes;
  return {
    bytes,
    ...readable(piece),
    ...(isLast ? {} : { next_offset: end, more: `${end} of ${bytes} bytes; ${readOn(end)}` }),
  };
}

/** As much of a piece as the answer can hold. */
function fitting({ answerTokens }: Call, piece: Uint8Array): Uint8Array {
  if (answerTokens === undefined) return piece;
  const room = answerTokens - AROUND_TOKENS;
  const content = readable(piece);
  if ('base64' in content) return piece.subarray(0, Math.floor((room / TOKENS_OF_BASE64 / 4) * 3));
  const { text } = new Room({ answerTokens: room }).takeText(content.text);
  return piece.subarray(0, Buffer.byteLength(text));
}

/** Tokens of a character of base64, which no model has words for. */
const TOKENS_OF_BASE64 = 0.6;

async function bytesOf(content: AsyncIterable<Uint8Array>, from: number, length: number) {
  const parts: Uint8Array[] = [];
  let at = 0;
  for await (const chunk of content) {
    const part = chunk.subarray(Math.max(0, from - at), Math.max(0, from + length - at));
    if (part.length > 0) parts.push(part);
    at += chunk.length;
    if (at >= from + length) break;
  }
  return concatBytes(...parts);
}

/** Without the bytes at its end that begin a character of UTF-8 and do not finish it. */
function withoutTornCharacter(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back < bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return bytes;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** Bytes as text where they are text, and to the last byte the same. */
function readable(bytes: Uint8Array): Readable {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
