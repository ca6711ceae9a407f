/** Vectors of bytes that are no record: each breaks the one encoding in one place, and is signed all the same. */
import { concatBytes, fromHex, toHex, utf8 } from '../../../events/bytes.ts';
import { encodeTransaction, TRANSACTION_PREFIX } from '../../../events/transaction.ts';
import { forgeBlock } from '../blocks.ts';
import { encodeOperation, mint, presence, profileSet, taskCreate } from '../operations.ts';
import { alice, founder } from '../people.ts';
import { by, given, opened } from '../rules.ts';
import type { Entry, VectorFile } from './entries.ts';

const hex = (...parts: readonly (string | Uint8Array)[]): Uint8Array =>
  concatBytes(...parts.map((part) => (typeof part === 'string' ? fromHex(part.replaceAll(' ', '')) : part)));

const id = (byte: string) => `c420${byte.repeat(32)}`;
/** The parts of a payload that is right: version, group, author, nonce, time, replaces, operations. */
const PARTS = {
  head: '97',
  version: '01',
  groupId: id('11'),
  author: `c420${alice.publicKey}`,
  nonce: `c410${'22'.repeat(16)}`,
  tsMs: 'cf0000019b76daa800',
  replaces: 'c0',
  operations: hex('91', encodeOperation(profileSet('x'))) as string | Uint8Array,
};

/** A transaction whose payload has some parts replaced. */
function payloadWith(parts: Partial<Record<keyof typeof PARTS, string | Uint8Array>>): Uint8Array {
  const payload = hex(...Object.values({ ...PARTS, ...parts }));
  return encodeTransaction(payload, alice.sign(TRANSACTION_PREFIX, payload));
}
const withOperation = (...bytes: readonly (string | Uint8Array)[]) =>
  payloadWith({ operations: hex('91', ...bytes) });

/** `profile_set` with these bytes as the name. */
const named = (...name: readonly (string | Uint8Array)[]) => withOperation('920f', ...name);
/** `mint` to Alice of these bytes as the amount. */
const minting = (amount: string) => withOperation(`9314c420${alice.publicKey}`, amount);

const right = payloadWith({});
const payloadOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(3, bytes.length - 66);
const signatureOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(bytes.length - 64);
const framed = (...parts: readonly (string | Uint8Array)[]) => hex(...parts);

const TRANSACTIONS: [comment: string, bytes: Uint8Array][] = [
  ['nothing at all', new Uint8Array(0)],
  ['the last byte is missing', right.subarray(0, -1)],
  ['a byte follows', hex(right, '00')],
  ['an array of three', framed('93', right.subarray(1), 'c0')],
  ['a map', framed('81', right.subarray(1))],
  ['the outer array has a longer header than it needs', framed('dc0002', right.subarray(1))],
  [
    'the payload has a longer header than it needs',
    framed(
      '92c5',
      fromHex(payloadOf(right).length.toString(16).padStart(4, '0')),
      payloadOf(right),
      'c440',
      signatureOf(right),
    ),
  ],
  [
    'the payload is text',
    framed(
      '92d9',
      fromHex(payloadOf(right).length.toString(16)),
      payloadOf(right),
      'c440',
      signatureOf(right),
    ),
  ],
  [
    'the signature has 63 bytes',
    framed(right.subarray(0, right.length - 66), 'c43f', signatureOf(right).subarray(1)),
  ],
  [
    'the signature has 65 bytes',
    framed(right.subarray(0, right.length - 66), 'c441', signatureOf(right), '00'),
  ],
  ['version 0', payloadWith({ version: '00' })],
  ['version 2', payloadWith({ version: '02' })],
  ['version 1 in two bytes', payloadWith({ version: 'cc01' })],
  ['version -1', payloadWith({ version: 'ff' })],
  ['an array of six', payloadWith({ head: '96', replaces: '' })],
  ['an array of eight', payloadWith({ head: '98', operations: hex(PARTS.operations, 'c0') })],
  ['a group of 31 bytes', payloadWith({ groupId: `c41f${'11'.repeat(31)}` })],
  ['a group of 33 bytes', payloadWith({ groupId: `c421${'11'.repeat(33)}` })],
  ['a group as text', payloadWith({ groupId: `d920${'61'.repeat(32)}` })],
  ['no group', payloadWith({ groupId: 'c0' })],
  ['an author with a longer header than it needs', payloadWith({ author: `c50020${alice.publicKey}` })],
  ['a nonce of 15 bytes', payloadWith({ nonce: `c40f${'22'.repeat(15)}` })],
  ['a time as a float', payloadWith({ tsMs: 'cb4279b76da1000000' })],
  ['a time below zero', payloadWith({ tsMs: 'd3ffffffffffffffff' })],
  ['a time as signed integer', payloadWith({ tsMs: 'd30000019b76daa800' })],
  ['a small time in eight bytes', payloadWith({ tsMs: 'cf0000000000000001' })],
  ['a small time in four bytes', payloadWith({ tsMs: 'ce0000ffff' })],
  ['a small time in two bytes', payloadWith({ tsMs: 'cd00ff' })],
  ['a time after the last one', payloadWith({ tsMs: 'cf001eb208c2dc0001' })],
  ['a time of 2^64-1', payloadWith({ tsMs: 'cfffffffffffffffff' })],
  ['a time as timestamp extension', payloadWith({ tsMs: 'd6ff695d7e00' })],
  ['replaces false', payloadWith({ replaces: 'c2' })],
  ['replaces 16 bytes', payloadWith({ replaces: `c410${'33'.repeat(16)}` })],
  ['no operations', payloadWith({ operations: '90' })],
  ['operations are nil', payloadWith({ operations: 'c0' })],
  [
    '257 operations',
    payloadWith({
      operations: hex('dc0101', ...Array.from({ length: 257 }, () => encodeOperation(profileSet('x')))),
    }),
  ],
  [
    'operations with a longer header than needed',
    payloadWith({ operations: hex('dc0001', encodeOperation(profileSet('x'))) }),
  ],
  ['four billion operations are announced', payloadWith({ operations: 'ddffffffff' })],
  ['an operation that is no array', withOperation('0f')],
  ['an operation without a code', withOperation('90')],
  ['an operation with an unknown code', withOperation('92 7f a178')],
  ['an operation with a code that does not exist between two that do', withOperation('92 03 a178')],
  ['an operation with its name as code', withOperation('92', 'ab', utf8('profile_set'), 'a178')],
  ['an operation with a field too few', withOperation('91 0f')],
  ['an operation with a field too many', withOperation('93 0f a178 c0')],
  ['arrays a thousand deep', withOperation('91'.repeat(1_000), 'c0')],
  ['an empty name', named('a0')],
  ['a name of 129 characters', named('d981', '61'.repeat(129))],
  ['a name that is bytes', named('c40178')],
  ['a name that is nil', named('c0')],
  ['a name with NUL', named('a3610062')],
  ['a name with a longer header than it needs', named('d90178')],
  ['a name with a continuation byte alone', named('a180')],
  ['a name with an overlong encoding', named('a2c0af')],
  ['a name with an overlong NUL', named('a2c080')],
  ['a name with a lone surrogate', named('a3eda080')],
  ['a name with a surrogate pair in six bytes', named('a6eda080edb080')],
  ['a name beyond U+10FFFF', named('a4f4908080')],
  ['a name cut within a character', named('a2e282')],
  ['a long name with bytes that are no UTF-8', named('d928', '61'.repeat(39), 'ff')],
  ['an amount of 2^63', minting('cf8000000000000000')],
  ['an amount below zero', minting('ff')],
  ['an amount as a float', minting('cb3ff0000000000000')],
  ['an amount as text', minting('a131')],
  ['an amount as bytes', minting('c40101')],
  ['a small amount in eight bytes', minting('cf00000000ffffffff')],
  ['an amount of 127 in two bytes', minting('cc7f')],
  ['an amount as an extension', minting('d40001')],
  ['a boolean as an amount', minting('c3')],
  ['a status that does not exist', withOperation('93 32 04 c0')],
  ['a status as text', withOperation('93 32 a6', utf8('active'), 'c0')],
  ['metadata of more than 4 KiB', withOperation('93 32 00 da1001', '61'.repeat(4_097))],
  [
    'two tags that are the same',
    withOperation(encodeOperation(taskCreate('t')).subarray(0, -1), '92 a178 a178'),
  ],
  [
    '21 tags',
    withOperation(
      encodeOperation(taskCreate('t')).subarray(0, -1),
      'dc0015',
      ...Array.from({ length: 21 }, (_, at) => `a1${(0x61 + at).toString(16)}`),
    ),
  ],
  ['an empty tag', withOperation(encodeOperation(taskCreate('t')).subarray(0, -1), '91 a0')],
];

function blocks(): [string, Uint8Array][] {
  const { world } = given(opened(), by(founder, mint(alice, 1n), presence()));
  const block = forgeBlock(world);
  // What stands behind the header, whose length is the third byte.
  const behind = block.subarray(3 + block[2]!);
  return [
    ['nothing at all', new Uint8Array(0)],
    ['the last byte is missing', block.subarray(0, -1)],
    ['a byte follows', hex(block, '00')],
    ['an array of two', hex('92', block.subarray(1))],
    ['an array with a longer header than it needs', hex('dc0003', block.subarray(1))],
    ['no transactions', forgeBlock(world, { transactions: [] })],
    [
      'the header counts more transactions than a block may hold',
      forgeBlock(world, { header: { txCount: 4_097 } }),
    ],
    ['a time after the last one', forgeBlock(world, { header: { tsMs: 8_640_000_000_000_001 } })],
    ['a header of one byte', hex('93 c4 01 00', behind)],
    [
      'a transaction that is nil',
      hex(
        block.subarray(
          0,
          block.length - 1 - world.transaction(founder, [profileSet('someone')]).bytes.length - 2,
        ),
        '91c0',
      ),
    ],
  ];
}

export function malformedVectors(): VectorFile {
  const entry =
    (kind: 'transaction' | 'block') =>
    ([comment, bytes]: readonly [string, Uint8Array]): Entry => ({
      name: `${kind}: ${comment}`,
      comment: `Refused: ${comment}.`,
      kind,
      bytes: toHex(bytes),
      verdict: 'refused',
    });
  return {
    comment:
      'Bytes that are not a transaction, or not a block, in its one encoding. Every one is refused by decoding alone.',
    entries: [...TRANSACTIONS.map(entry('transaction')), ...blocks().map(entry('block'))],
  };
}

/** The transaction that all of them differ from in one place: it decodes. */
export const WELL_FORMED = right;
