/**
 * JSON as it comes in, for every protocol that this server speaks. What a text of so many bytes costs to parse, to
 * check and to answer depends on how many values it has, so those are counted in one pass over the bytes, before
 * anything is made of them: megabytes of names that nobody asked for must not stop the node.
 */
import { isUtf8 } from 'node:buffer';

/** Values of one body: an operation takes some hundreds, data for an agent some thousands. */
const VALUES_MAX = 20_000;
/** Whatever looks at a value may recurse. */
const DEPTH_MAX = 64;

export type BodyErrorCode = 'not_text' | 'not_json' | 'too_many_values' | 'too_deep';

export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly code: BodyErrorCode;

  constructor(code: BodyErrorCode) {
    super(MESSAGES[code]);
    this.code = code;
  }
}

const MESSAGES: Readonly<Record<BodyErrorCode, string>> = {
  not_text: 'the body is not UTF-8',
  not_json: 'the body is not JSON',
  too_many_values: `the body has more than ${VALUES_MAX} values`,
  too_deep: `the body is nested more than ${DEPTH_MAX} deep`,
};

/** The value of a body. @throws BodyError */
export function readJson(body: Uint8Array): unknown {
  if (!isUtf8(body)) throw new BodyError('not_text');
  countValues(body);
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch {
    // The parser's own words quote the body.
    throw new BodyError('not_json');
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/** Whether it is JSON is the parser's to say; of JSON this counts right. @throws BodyError */
function countValues(body: Uint8Array): void {
  let values = 1;
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) {
      at++;
      while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
    } else if (byte === COMMA) {
      if (++values > VALUES_MAX) throw new BodyError('too_many_values');
      // Brackets and braces are the same but for one bit.
    } else if ((byte | 0x20) === OPENING) {
      if (++values > VALUES_MAX) throw new BodyError('too_many_values');
      if (++depth > DEPTH_MAX) throw new BodyError('too_deep');
    } else if ((byte | 0x20) === CLOSING) depth--;
  }
}
