/** Refusals as they cross the network. */
import { expect, it } from 'vitest';
import { decode, encode } from '../../../events/codec.ts';
import { MalformedError } from '../../../events/reader.ts';
import { refusalCodec } from '../../../events/refusal-codec.ts';
import { type Refusal, refuse } from '../../../events/refusals.ts';
import { hashOf } from '../../support/people.ts';

const id = hashOf('id');

/** One of each kind of payload; the table is total by type, so that the rest is the same code. */
const samples: Refusal[] = [
  refuse('amount_zero', {}),
  refuse('malformed', { what: 'a field: expected text' }),
  refuse('role_insufficient', { needed: 'admin', actual: 'none' }),
  refuse('balance_too_low', { account: id, balance: 2n ** 63n - 1n, needed: 2n ** 63n }),
  refuse('not_task_assignee', { task: 't', assignee: undefined }),
  refuse('lease_running', { task: 't', untilMs: 5 }),
  refuse('block_transaction_refused', { index: 3, txId: id, refusal: refuse('transfer_to_self', {}) }),
  refuse('block_transaction_refused', {
    index: 3,
    txId: undefined,
    refusal: refuse('signature_invalid', { author: id }),
  }),
];

it('go over the wire and come back', () => {
  for (const refusal of samples) expect(decode(refusalCodec, encode(refusalCodec, refusal))).toEqual(refusal);
});

it('nest no deeper than a transaction in a block, and know no other codes', () => {
  const nested = (depth: number): Refusal =>
    depth === 0
      ? refuse('amount_zero', {})
      : refuse('block_transaction_refused', { index: 0, txId: undefined, refusal: nested(depth - 1) });
  expect(decode(refusalCodec, encode(refusalCodec, nested(1)))).toEqual(nested(1));
  expect(() => decode(refusalCodec, encode(refusalCodec, nested(2)))).toThrow(MalformedError);
  expect(decode(refusalCodec, encode(refusalCodec, nested(1)))).toEqual(nested(1));
  const bytes = encode(refusalCodec, refuse('amount_zero', {}));
  bytes[bytes.indexOf('z'.charCodeAt(0))] = 'x'.charCodeAt(0);
  expect(() => decode(refusalCodec, bytes)).toThrow(/amount_xero/);
});
