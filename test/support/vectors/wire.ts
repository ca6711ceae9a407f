/**
 * Vectors of what nodes tell each other: the payloads of refusals as a ruling carries them, and records at their
 * bounds, each with whether a decoder takes it. Signatures are not looked at here and are zeros.
 */
import { statementCodec } from '../../../actors/checkpoint/format.ts';
import { decodeAnnouncement } from '../../../events/announcement.ts';
import { decodeBeat } from '../../../events/beat.ts';
import { fromHex, toHex } from '../../../events/bytes.ts';
import { decode, encode } from '../../../events/codec.ts';
import { TIME_MS_MAX } from '../../../events/limits.ts';
import { refusalCodec } from '../../../events/refusal-codec.ts';
import type { Refusal, RefusalCode } from '../../../events/refusals.ts';
import { Writer } from '../../../events/writer.ts';
import { rulingCodec } from '../../../protocol/rpc/methods.ts';
import { toJson } from '../field-json.ts';
import { SCENARIOS } from '../refusals/all.ts';
import type { Scenario } from '../refusals/scenario.ts';
import { World } from '../world.ts';
import type { Entry, VectorFile } from './entries.ts';
import { WITHOUT_VECTOR } from './refusals.ts';

export function payloadVectors(): VectorFile {
  const entries = (Object.entries(SCENARIOS) as [RefusalCode, Scenario][]).flatMap(
    ([code, { given, payload }]): Entry[] => {
      if (payload === undefined || WITHOUT_VECTOR.includes(code)) return [];
      const world = new World();
      for (const step of given) step(world);
      const fields = typeof payload === 'function' ? payload(world) : payload;
      const hex = toHex(encode(refusalCodec, { code, ...fields } as Refusal));
      return [{ name: code, comment: 'of the refusal of this name', fields: toJson(fields), hex }];
    },
  );
  return {
    comment:
      'The payloads of the refusals in refusals.json, and each refusal as it stands in a ruling: [code, [fields]].',
    entries,
  };
}

type Value = number | bigint | string | Uint8Array | readonly Value[];

/** A record from plain values, right or wrong: numbers are uints, lists are arrays. */
function raw(value: Value): Uint8Array {
  const writer = new Writer(2_048);
  const write = (one: Value): void => {
    if (typeof one === 'number') writer.uint(one);
    else if (typeof one === 'bigint') writer.bigUint(one);
    else if (typeof one === 'string') writer.text(one);
    else if (one instanceof Uint8Array) writer.bin(one);
    else {
      writer.arrayHeader(one.length);
      for (const entry of one) write(entry);
    }
  };
  write(value);
  return writer.finish().slice();
}

const ID = new Uint8Array(32).fill(7);
const SIGNATURE = new Uint8Array(64);

const DECODERS = {
  ruling: (bytes: Uint8Array) => decode(rulingCodec, bytes),
  announcement: decodeAnnouncement,
  beat: decodeBeat,
  statement: (bytes: Uint8Array) => decode(statementCodec, bytes),
} as const;
export type WireKind = keyof typeof DECODERS;

/** Whether a decoder takes these bytes. */
export function takes(kind: WireKind, hex: string): boolean {
  try {
    DECODERS[kind](fromHex(hex));
    return true;
  } catch {
    return false;
  }
}

const ruling = (code: string, fields: Value): Value => [ID, ID, 0, [code, fields]];
const REFUSED_BLOCK = 'block_transaction_refused';

const RULINGS: Record<string, [taken: boolean, record: Value]> = {
  'no fields': [true, ruling('amount_zero', [])],
  'a code that is not known': [false, ruling('nothing_of_the_kind', [])],
  'a field too many': [false, ruling('amount_zero', [0])],
  'no payload': [false, [ID, ID, 0, ['amount_zero']]],
  'the last point in time': [true, [ID, ID, TIME_MS_MAX, ['amount_zero', []]]],
  'a time after it': [false, [ID, ID, TIME_MS_MAX + 1, ['amount_zero', []]]],
  'the greatest amount': [true, ruling('price_mismatch', [0, 2n ** 64n - 2n])],
  'a greater amount': [false, ruling('price_mismatch', [0, 2n ** 64n - 1n])],
  'the greatest uint': [true, ruling('time_changed', [0, Number.MAX_SAFE_INTEGER])],
  'a greater uint': [false, ruling('time_changed', [0, 2n ** 53n])],
  'the longest text': [true, ruling('task_unknown', ['x'.repeat(4_096)])],
  'a longer text': [false, ruling('task_unknown', ['x'.repeat(4_097)])],
  'role none as actual': [true, ruling('role_insufficient', [0, 3])],
  'role none as needed': [false, ruling('role_insufficient', [3, 0])],
  'role none elsewhere': [false, ruling('role_unchanged', [ID, 3])],
  'a refused transaction': [true, ruling(REFUSED_BLOCK, [0, ID, ['amount_zero', []]])],
  'a refused block in a refused block': [
    false,
    ruling(REFUSED_BLOCK, [0, ID, [REFUSED_BLOCK, [0, ID, ['amount_zero', []]]]]),
  ],
};

interface Announced {
  version?: number;
  title?: string;
  tags?: string[];
  price?: number | bigint;
  expiresMs?: number;
  addresses?: string[];
}
const announcement = ({
  version = 1,
  title = 'title',
  tags = [],
  price = 1,
  expiresMs = 2,
  addresses = [],
}: Announced): Value => [
  raw([version, ID, ID, ID, title, tags, price, ID, 1, expiresMs, ID, addresses]),
  SIGNATURE,
];
const LONG = 'z'.repeat(255);

const ANNOUNCEMENTS: Record<string, [taken: boolean, record: Value]> = {
  plain: [true, announcement({})],
  'version 0': [false, announcement({ version: 0 })],
  'version 2': [false, announcement({ version: 2 })],
  'no title': [false, announcement({ title: '' })],
  'a title of 256 characters': [true, announcement({ title: 'é'.repeat(256) })],
  'a title of 257 characters': [false, announcement({ title: 'é'.repeat(257) })],
  'an empty tag, and one twice': [true, announcement({ tags: ['', 'a', 'a'] })],
  'a tag of 64 characters': [true, announcement({ tags: ['é'.repeat(64)] })],
  'a tag of 65 characters': [false, announcement({ tags: ['é'.repeat(65)] })],
  '20 tags': [true, announcement({ tags: Array(20).fill('a') })],
  '21 tags': [false, announcement({ tags: Array(21).fill('a') })],
  'the greatest price': [true, announcement({ price: 2n ** 63n - 1n })],
  'a greater price': [false, announcement({ price: 2n ** 63n })],
  'the last point in time': [true, announcement({ expiresMs: TIME_MS_MAX })],
  'a time after it': [false, announcement({ expiresMs: TIME_MS_MAX + 1 })],
  'an address of 255 bytes': [true, announcement({ addresses: [LONG] })],
  'an address of 256 bytes': [false, announcement({ addresses: [`${LONG}z`] })],
  'an empty address': [false, announcement({ addresses: [''] })],
  '4 addresses': [true, announcement({ addresses: Array(4).fill('a') })],
  '5 addresses': [false, announcement({ addresses: Array(5).fill('a') })],
};

const beat = (version: number, tsMs: number): Value => [raw([version, ID, ID, tsMs]), SIGNATURE];
const BEATS: Record<string, [taken: boolean, record: Value]> = {
  plain: [true, beat(1, 1)],
  'version 0': [false, beat(0, 1)],
  'version 2': [false, beat(2, 1)],
  'the last point in time': [true, beat(1, TIME_MS_MAX)],
  'a time after it': [false, beat(1, TIME_MS_MAX + 1)],
};

const statement = (version: number, height: number, operations: number | bigint): Value => [
  version,
  ID,
  height,
  ID,
  operations,
  1,
  ID,
  ID,
];
const STATEMENTS: Record<string, [taken: boolean, record: Value]> = {
  plain: [true, statement(1, 1, 1)],
  'version 0': [false, statement(0, 1, 1)],
  'version 2': [false, statement(2, 1, 1)],
  'the greatest height': [true, statement(1, 2 ** 48 - 1, 1)],
  'a greater height': [false, statement(1, 2 ** 48, 1)],
  'the greatest number of operations': [true, statement(1, 1, Number.MAX_SAFE_INTEGER)],
  'a greater number of operations': [false, statement(1, 1, 2n ** 53n)],
};

export function wireVectors(): VectorFile {
  const all = { ruling: RULINGS, announcement: ANNOUNCEMENTS, beat: BEATS, statement: STATEMENTS };
  return {
    comment:
      'Records that nodes send each other, at their bounds, each with whether a decoder takes it. Signatures are zeros: they are checked afterwards.',
    entries: Object.entries(all).flatMap(([kind, records]) =>
      Object.entries(records).map(([name, [taken, record]]) => ({
        name: `${kind}: ${name}`,
        comment: taken ? 'taken' : 'refused',
        kind,
        bytes: toHex(raw(record)),
        verdict: taken ? 'taken' : 'refused',
      })),
    ),
  };
}
