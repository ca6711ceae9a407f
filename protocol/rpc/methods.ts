/**
 * `/lb/rpc/1`: what one node may ask another. One request and one answer per stream, each a frame.
 *
 *   request = [1, method, fields]          answer = [0, fields] | [1 + position of the error, message]
 *
 * Everything is decoded as strictly as a block: exact lengths, bounded lists, no trailing bytes.
 */
import { ADDRESS_BYTES_MAX } from '../../actors/invites.ts';
import { concatBytes, fromHex, type Hex32, utf8 } from '../../events/bytes.ts';
import type { Codec, Of } from '../../events/codec.ts';
import {
  amount,
  blob,
  boolean,
  bytesOf,
  id,
  list,
  oneOf,
  optional,
  record,
  text,
  timestamp,
  uint,
} from '../../events/fields.ts';
import {
  EXPERIENCE_BYTES_MAX,
  GROUP_NAME_CHARACTERS_MAX,
  OFFER_TITLE_CHARACTERS_MAX,
  TAG_CHARACTERS_MAX,
  TAGS_MAX,
  TRANSACTION_BYTES_MAX,
} from '../../events/limits.ts';
import { Reader } from '../../events/reader.ts';
import { refusalCodec } from '../../events/refusal-codec.ts';
import { Writer } from '../../events/writer.ts';
import { decodeGiven, encodeGiven } from '../answer.ts';
import { RpcError } from '../errors.ts';
import * as limits from '../limits.ts';
import { marketMethods } from './market-methods.ts';
import { method } from './method.ts';

export const RPC_PROTOCOL = '/lb/rpc/1';
const RPC_VERSION = 1;
/** More than the longest header. */
const HEADER_BYTES_MAX = 320;
/** A ruling: group, transaction, refusal. */
const RULING_BYTES_MAX = 8 * 1024;

const height = uint(2 ** 48 - 1);
const headerFields = { header: blob(HEADER_BYTES_MAX), signature: bytesOf(64) };
const hashes = list(id, { max: limits.ARTIFACTS_PER_REQUEST_MAX, min: 1 });

const identity = record({ key: id, signature: bytesOf(64) });
const availableGroup = record({
  groupId: id,
  name: text({ maxCharacters: GROUP_NAME_CHARACTERS_MAX }),
  height,
  isMember: boolean,
});
const submission = record({
  transaction: blob(TRANSACTION_BYTES_MAX),
  artifacts: list(blob(EXPERIENCE_BYTES_MAX), { max: 256 }),
});
const verdict = record({
  /** `unrouted`: the sealer could not be reached from here. */
  status: oneOf('sealed', 'refused', 'unrouted'),
  /** For `refused`: the sealer's ruling and signature. */
  ruling: optional(blob(RULING_BYTES_MAX)),
  signature: optional(bytesOf(64)),
});
const offer = record({
  offer: id,
  seller: id,
  title: text({ maxCharacters: OFFER_TITLE_CHARACTERS_MAX }),
  tags: list(text({ maxCharacters: TAG_CHARACTERS_MAX }), { max: TAGS_MAX }),
  price: amount,
  packageHash: id,
  expiresMs: optional(timestamp),
});
const hint = record({
  key: id,
  addresses: list(text({ maxBytes: ADDRESS_BYTES_MAX, min: 1 }), { max: 8 }),
});

const nothing = record({});

/** Every method with what it is asked and what it answers. Codes are never reused. */
export const METHODS = {
  ping: method(1, nothing, record({ nowMs: timestamp })),
  health: method(
    2,
    nothing,
    record({ isReady: boolean, groups: uint(2 ** 32 - 1), peers: uint(2 ** 32 - 1) }),
  ),
  node_info: method(3, nothing, record({ software: text({ maxBytes: 128 }), key: id, nowMs: timestamp })),
  /** Shows that the caller also holds other keys; for this connection's two ends only. */
  introduce: method(
    4,
    record({ identities: list(identity, { max: limits.IDENTITIES_PER_PEER_MAX }) }),
    nothing,
  ),
  group_list_available: method(
    5,
    record({ after: optional(id) }),
    record({ groups: list(availableGroup, { max: limits.GROUPS_PER_PAGE_MAX }), next: optional(id) }),
  ),
  /** The head, or the block at a height: its header and its seal. */
  group_head: method(6, record({ groupId: id, height: optional(height) }), record(headerFields)),
  tx_submit: method(
    7,
    record({
      groupId: id,
      /** Whether this comes from a third node already: it is not handed on again. */
      isRelayed: boolean,
      submissions: list(submission, { max: limits.TRANSACTIONS_PER_REQUEST_MAX, min: 1 }),
    }),
    record({ verdicts: list(verdict, { max: limits.TRANSACTIONS_PER_REQUEST_MAX }) }),
  ),
  tx_status: method(
    8,
    record({ groupId: id, txIds: list(id, { max: 256 }) }),
    record({ statuses: list(oneOf('unknown', 'sealed', 'replaced'), { max: 256 }) }),
  ),
  cas_have: method(
    9,
    record({ groupId: optional(id), hashes }),
    record({ present: list(boolean, { max: limits.ARTIFACTS_PER_REQUEST_MAX }) }),
  ),
  /** Artifacts in the order asked, as many as fit; nil for those that are not there. */
  cas_get: method(
    10,
    record({ groupId: optional(id), hashes }),
    record({
      artifacts: list(optional(blob(limits.RESPONSE_BYTES_MAX)), { max: limits.ARTIFACTS_PER_REQUEST_MAX }),
    }),
  ),
  market_list_offers: method(
    11,
    record({ groupId: id, after: optional(id) }),
    record({ offers: list(offer, { max: limits.OFFERS_PER_PAGE_MAX }), next: optional(id) }),
  ),
  sync_status: method(
    12,
    record({ groupId: id }),
    record({ height, isSealer: boolean, artifactsMissing: height }),
  ),
  peer_exchange: method(
    13,
    record({ groupId: id }),
    record({ peers: list(hint, { max: limits.PEERS_PER_ANSWER_MAX }) }),
  ),
  ...marketMethods,
} as const;

export type MethodName = keyof typeof METHODS;
export type RequestOf<M extends MethodName> = Of<(typeof METHODS)[M]['request']>;
export type AnswerOf<M extends MethodName> = Of<(typeof METHODS)[M]['answer']>;
export type Verdict = Of<typeof verdict>;
export type Submission = Of<typeof submission>;

const nameByCode = new Map(Object.entries(METHODS).map(([name, { code }]) => [code, name as MethodName]));

export function encodeRequest<M extends MethodName>(name: M, request: RequestOf<M>): Uint8Array {
  const { code, request: codec } = METHODS[name];
  const writer = new Writer(256);
  writer.arrayHeader(3);
  writer.uint(RPC_VERSION);
  writer.uint(code);
  (codec as Codec<unknown>).write(writer, request);
  return writer.finish();
}

/** @throws RpcError for a method that this version does not have, MalformedError on anything but a request */
export function decodeRequest(bytes: Uint8Array): { name: MethodName; request: unknown } {
  const reader = new Reader(bytes);
  reader.expectArray(3);
  if (reader.uint(0xff) !== RPC_VERSION) throw new RpcError('bad_request', 'this node speaks version 1');
  const name = nameByCode.get(reader.uint(0xffff));
  // A newer node is not at fault for knowing more.
  if (name === undefined) throw new RpcError('bad_request', 'there is no such method');
  const request = (METHODS[name].request as Codec<unknown>).read(reader);
  reader.done();
  return { name, request };
}

export function encodeAnswer<M extends MethodName>(name: M, answer: AnswerOf<M>): Uint8Array {
  return encodeGiven(METHODS[name].answer as Codec<unknown>, answer);
}

/** @throws RpcError where the peer answered with an error, MalformedError on anything but an answer */
export function decodeAnswer<M extends MethodName>(name: M, bytes: Uint8Array): AnswerOf<M> {
  return decodeGiven(METHODS[name].answer as Codec<unknown>, bytes) as AnswerOf<M>;
}

/** What an identity signs (over from || to) to show `to` that the node `from` acts for it; worth nothing elsewhere. */
export const INTRODUCTION_PREFIX = utf8('lb/peer/1\0');

export function introductionMessage(from: Hex32, to: Hex32): Uint8Array {
  return concatBytes(fromHex(from), fromHex(to));
}

/** What a sealer signs to refuse, so that a third node can carry the sealer's word. */
export const RULING_PREFIX = utf8('lb/ruling/1\0');
export const rulingCodec = record({ groupId: id, txId: id, tsMs: timestamp, refusal: refusalCodec });
