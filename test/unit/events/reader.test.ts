/** The reader takes the shortest form of what it is asked for, and nothing else. */
import { describe, expect, it } from 'vitest';
import { decodeBlock, encodeBlock } from '../../../events/block.ts';
import { fromHex, toHex } from '../../../events/bytes.ts';
import { decode, encode } from '../../../events/codec.ts';
import {
  amount,
  boolean,
  bytesOf,
  id,
  list,
  MAX_TOKEN,
  milliseconds,
  oneOf,
  optional,
  text,
  timestamp,
  uint,
} from '../../../events/fields.ts';
import { BLOCK_BYTES_MAX, TIME_MS_MAX, TRANSACTION_BYTES_MAX } from '../../../events/limits.ts';
import { MalformedError, Reader } from '../../../events/reader.ts';
import { checkOperations, OPERATIONS, RETIRED_OPERATION_CODES } from '../../../events/registry.ts';
import { decodeTransaction } from '../../../events/transaction.ts';
import { mint, profileSet, taskCreate } from '../../support/operations.ts';
import { alice, hashOf } from '../../support/people.ts';

const bytes = (hex: string) => fromHex(hex.replaceAll(' ', ''));
const refuses = (codec: Parameters<typeof decode>[0], ...hexes: string[]) => {
  for (const hex of hexes) expect(() => decode(codec, bytes(hex)), hex.slice(0, 40)).toThrow(MalformedError);
};

describe('integers', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'cf0000000100000000'],
    [Number.MAX_SAFE_INTEGER, 'cf001fffffffffffff'],
  ])('%d is %s and nothing else', (value, hex) => {
    expect(toHex(encode(milliseconds, value))).toBe(hex);
    expect(decode(milliseconds, bytes(hex))).toBe(value);
    expect(toHex(encode(amount, BigInt(value)))).toBe(hex);
    expect(decode(amount, bytes(hex))).toBe(BigInt(value));
    const wide = value.toString(16).padStart(16, '0');
    const forms = [
      ['cc', 2],
      ['cd', 4],
      ['ce', 8],
      ['cf', 16],
      ['d0', 2],
      ['d1', 4],
      ['d2', 8],
      ['d3', 16],
    ] as const;
    for (const [tag, digits] of forms) {
      if (wide.slice(0, 16 - digits).replaceAll('0', '') !== '') continue;
      const form = tag + wide.slice(16 - digits);
      if (form !== hex) refuses(milliseconds, form);
      if (form !== hex) refuses(amount, form);
    }
  });

  it('have no sign, no fraction and no end beyond their bound', () => {
    refuses(
      milliseconds,
      'ff',
      'e0',
      'cb3ff0000000000000',
      'ca3f800000',
      'cf0020000000000000',
      'cfffffffffffffffff',
    );
    refuses(amount, 'ff', 'd3ffffffffffffffff', 'cf8000000000000000');
    expect(decode(amount, bytes('cf7fffffffffffffff'))).toBe(MAX_TOKEN);
    refuses(uint(200), 'ccc9', 'cd0100');
    expect(decode(timestamp, encode(milliseconds, TIME_MS_MAX))).toBe(TIME_MS_MAX);
    expect(() => decode(timestamp, encode(milliseconds, TIME_MS_MAX + 1))).toThrow(MalformedError);
  });
});

describe('text', () => {
  const any = text({ maxBytes: 70_000 });
  const three = text({ maxCharacters: 3, min: 1 });

  it.each([
    ['', 'a0'],
    ['a'.repeat(31), `bf${'61'.repeat(31)}`],
    ['a'.repeat(32), `d920${'61'.repeat(32)}`],
    ['é'.repeat(16), `d920${'c3a9'.repeat(16)}`],
    ['a'.repeat(255), `d9ff${'61'.repeat(255)}`],
    ['a'.repeat(256), `da0100${'61'.repeat(256)}`],
    ['a'.repeat(65_535), `daffff${'61'.repeat(65_535)}`],
    ['a'.repeat(65_536), `db00010000${'61'.repeat(65_536)}`],
  ])('has its shortest header (%#)', (value, hex) => {
    expect(toHex(encode(any, value))).toBe(hex);
    expect(decode(any, bytes(hex))).toBe(value);
  });

  it('has no longer header', () => {
    refuses(any, 'd900', `d91f${'61'.repeat(31)}`, 'da0001 61', `da00ff${'61'.repeat(255)}`, 'db00000001 61');
  });

  it('keeps a byte order mark', () => {
    expect(decode(any, bytes('a4efbbbf61'))).toBe('\ufeffa');
    expect(toHex(encode(any, '\ufeffa'))).toBe('a4efbbbf61');
  });

  it('is valid UTF-8 without NUL', () => {
    refuses(
      any,
      'a100',
      'a3610061',
      'a180',
      'a1ff',
      'a2c0af',
      'a3eda080',
      'a3edbfbf',
      'a4f4908080',
      'a2e282',
    );
    expect(decode(any, bytes('a3ee8080'))).toBe('\ue000');
    expect(decode(any, bytes('a4f48fbfbf'))).toBe('\u{10ffff}');
  });

  it('counts characters, not code units', () => {
    expect(decode(three, encode(any, '😀😀😀'))).toBe('😀😀😀');
    expect(() => decode(three, encode(any, '😀😀😀😀'))).toThrow(MalformedError);
    expect(() => decode(three, encode(any, 'aaaa'))).toThrow(MalformedError);
    refuses(three, 'a0');
  });

  it('from outside is checked alike', () => {
    for (const value of ['', 'aaaa', '😀😀😀😀', 'a\0', '\ud800', 'a\udc00', 7, null, undefined])
      expect(() => three.check(value, 'it'), String(value)).toThrow(MalformedError);
    for (const value of ['a', 'é字😀', '\ufeff']) three.check(value, 'it');
    const tight = text({ maxBytes: 4 });
    tight.check('😀', 'it');
    expect(() => tight.check('😀a', 'it')).toThrow(MalformedError);
    expect(() => tight.check('字字', 'it')).toThrow(MalformedError);
  });
});

describe('bytes, ids, booleans, words, nothing', () => {
  it('bytes have exactly their length and their shortest header', () => {
    expect(decode(bytesOf(2), bytes('c4020102'))).toEqual(Uint8Array.of(1, 2));
    refuses(
      bytesOf(2),
      'c40101',
      'c403010203',
      'c500020102',
      'c6000000020102',
      'a20102',
      '920102',
      'd5010102',
      'c402',
    );
    const long = new Uint8Array(256).fill(7);
    expect(toHex(encode(bytesOf(256), long)).slice(0, 6)).toBe('c50100');
    expect(toHex(encode(bytesOf(65_536), new Uint8Array(65_536))).slice(0, 10)).toBe('c600010000');
  });

  it('an id is 32 bytes', () => {
    const hex = hashOf('x');
    expect(decode(id, bytes(`c420${hex}`))).toBe(hex);
    refuses(id, `c41f${hex.slice(2)}`, `c421${hex}00`, `c50020${hex}`, `d920${'61'.repeat(32)}`, 'c0');
    for (const value of [hex.toUpperCase(), hex.slice(1), `${hex}0`, `0x${hex.slice(2)}`, 1n])
      expect(() => id.check(value, 'it')).toThrow(MalformedError);
  });

  it('a boolean is no number', () => {
    refuses(boolean, '00', '01', 'c0', 'a0', '');
  });

  it('a word is its position', () => {
    refuses(oneOf('a', 'b'), '02', 'a161', 'c0');
    expect(decode(oneOf('a', 'b'), bytes('01'))).toBe('b');
  });

  it('nothing is nil', () => {
    expect(decode(optional(boolean), bytes('c0'))).toBeUndefined();
    refuses(optional(boolean), 'c0c0', '00', '');
  });
});

describe('lists', () => {
  const short = list(uint(1_000), { max: 20, min: 1, unique: true });

  it('have their shortest header, bounded length and entries that differ', () => {
    expect(decode(short, bytes('9101'))).toEqual([1]);
    refuses(short, '90', 'dc000101', 'dd0000000101', '920101', `dc0015${'01'.repeat(21)}`, '8101', '9201');
    expect(
      toHex(
        encode(
          short,
          Array.from({ length: 16 }, (_, at) => at),
        ),
      ).slice(0, 6),
    ).toBe('dc0010');
  });

  it('that announce more than they are cost nothing', () => {
    refuses(short, 'ddffffffff', 'dcffff');
    refuses(list(uint(9), { max: 2 ** 32 }), 'ddffffffff');
  });

  it('however deep, do not run over', () => {
    const deep = `${'91'.repeat(100_000)}00`;
    refuses(short, deep);
    expect(() => decodeTransaction(bytes(deep))).toThrow(MalformedError);
    expect(() => decodeBlock(bytes(deep))).toThrow(MalformedError);
  });
});

describe('sizes', () => {
  it('a transaction of more than 128 KiB and a block of more than 4 MiB are not looked at', () => {
    expect(() => decodeTransaction(new Uint8Array(TRANSACTION_BYTES_MAX + 1))).toThrow(/at most/);
    expect(() => decodeBlock(new Uint8Array(BLOCK_BYTES_MAX + 1))).toThrow(/at most/);
    expect(() =>
      decodeBlock(
        encodeBlock(new Uint8Array(9), new Uint8Array(64), [new Uint8Array(TRANSACTION_BYTES_MAX + 1)]),
      ),
    ).toThrow(MalformedError);
  });

  it('an error says where', () => {
    const reader = new Reader(bytes('9300'));
    reader.expectArray(3);
    reader.uint(9);
    expect(() => reader.uint(9)).toThrow('the record ends early at byte 2');
  });
});

describe('what the API is given', () => {
  it('is checked field by field, and the field is named', () => {
    const bad = (operation: object) => () => checkOperations([operation as never]);
    expect(bad({ ...taskCreate('t'), title: '' })).toThrow(/title/);
    expect(bad({ ...taskCreate('t'), reward: 5 })).toThrow(/reward/);
    expect(bad({ ...taskCreate('t'), leaseMs: 1.5 })).toThrow(/leaseMs/);
    expect(bad({ ...taskCreate('t'), tags: ['a', 'a'] })).toThrow(/tags/);
    expect(bad({ ...taskCreate('t'), tags: 'a' })).toThrow(/tags/);
    expect(bad({ ...mint(alice, 1n), to: 'alice' })).toThrow(/to/);
    expect(bad({ ...mint(alice, -1n) })).toThrow(/amount/);
    expect(bad({ type: 'toString' })).toThrow(/operation/);
    expect(bad({})).toThrow(/operation/);
    expect(() => checkOperations([])).toThrow(/1 to 256/);
    expect(() => checkOperations(Array.from({ length: 257 }, () => profileSet('x')))).toThrow(/1 to 256/);
  });
});

describe('the registry', () => {
  it('gives every code once, and none that was retired', () => {
    const codes = Object.values(OPERATIONS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.filter((code) => RETIRED_OPERATION_CODES.includes(code))).toEqual([]);
  });

  it('keeps the codes that the protocol has given out', () => {
    expect(Object.fromEntries(Object.entries(OPERATIONS).map(([type, { code }]) => [type, code]))).toEqual({
      genesis: 0,
      rules_upgrade: 1,
      time_correct: 3,
      policy_update: 2,
      member_add: 10,
      member_remove: 11,
      invite_create: 12,
      invite_accept: 13,
      invite_revoke: 14,
      profile_set: 15,
      sealer_set: 16,
      sealer_accept: 17,
      mint: 20,
      transfer: 21,
      treasury_spend: 22,
      claim: 30,
      retract: 31,
      reinstate: 32,
      experience: 33,
      task_create: 40,
      task_assign: 41,
      task_start: 42,
      task_progress: 43,
      task_complete: 44,
      task_fail: 45,
      task_release: 46,
      task_cancel: 47,
      presence: 50,
      offer_create: 60,
      offer_revoke: 61,
      purchase: 62,
      grant: 63,
      purchase_accept: 64,
      purchase_settle: 65,
      purchase_refund: 66,
      purchase_dispute: 67,
    });
  });
});
