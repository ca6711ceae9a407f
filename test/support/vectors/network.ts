/** Vectors of what nodes hash, sign and send to each other. */
import {
  CHECKPOINT_PREFIX,
  type SpentEntry,
  SpentHash,
  StateHash,
  statementCodec,
} from '../../../actors/checkpoint/format.ts';
import { concatBytes, toHex } from '../../../events/bytes.ts';
import { encode } from '../../../events/codec.ts';
import { refuse } from '../../../events/refusals.ts';
import {
  encodeRequest,
  INTRODUCTION_PREFIX,
  introductionMessage,
  RULING_PREFIX,
  rulingCodec,
} from '../../../protocol/rpc/methods.ts';
import { topicOf } from '../../../protocol/topic.ts';
import { toJson } from '../field-json.ts';
import { scriptedHistory } from '../history.ts';
import { alice, bob, founder, hashOf, type Person } from '../people.ts';
import { START_MS } from '../world.ts';
import type { Entry, VectorFile } from './entries.ts';

/** A message that somebody signs over a prefix. */
function signedEntry(parts: {
  readonly name: string;
  readonly comment: string;
  readonly signer: Person;
  readonly prefix: Uint8Array;
  readonly message: Uint8Array;
  readonly fields: object;
}): Entry {
  const { name, comment, signer, prefix, message, fields } = parts;
  return {
    name,
    comment,
    fields: toJson(fields),
    signer: signer.publicKey,
    signed: toHex(concatBytes(prefix, message)),
    message: toHex(message),
    signature: toHex(signer.sign(prefix, message)),
  };
}

function introduction(): Entry {
  const fields = { from: alice.publicKey, to: bob.publicKey };
  return signedEntry({
    name: 'introduction',
    comment: 'The founder shows the node `to` that the node `from` acts for them.',
    signer: founder,
    prefix: INTRODUCTION_PREFIX,
    message: introductionMessage(fields.from, fields.to),
    fields,
  });
}

function ruling(): Entry {
  const refusal = refuse('role_insufficient', { needed: 'admin', actual: 'member' });
  const fields = { groupId: hashOf('a group'), txId: hashOf('a transaction'), tsMs: START_MS, refusal };
  return signedEntry({
    name: 'ruling',
    comment: 'A sealer refuses a transaction: [groupId, txId, tsMs, [code, [fields]]].',
    signer: founder,
    prefix: RULING_PREFIX,
    message: encode(rulingCodec, fields),
    fields,
  });
}

function checkpoint(): Entry {
  const state: [string, Uint8Array][] = [
    ['balance/é', Uint8Array.of(0x91, 0x05)],
    ['group', Uint8Array.of(0x90)],
  ];
  const spent: SpentEntry[] = [
    { txId: hashOf('one'), height: 7, index: 0, replaced: false },
    { txId: hashOf('earlier'), height: 7, index: 0, replaced: true },
    { txId: hashOf('two'), height: 300, index: 258, replaced: false },
  ];
  const stateHash = new StateHash();
  for (const [key, value] of state) stateHash.add(key, value);
  const spentHash = new SpentHash();
  for (const entry of spent) spentHash.add(entry.txId, entry);
  const fields = {
    version: 1,
    groupId: hashOf('a group'),
    height: 300,
    blockId: hashOf('a block'),
    operations: 901,
    transactions: 305,
    stateHash: stateHash.digest(),
    recentHash: spentHash.digest(),
  };
  const entry = signedEntry({
    name: 'checkpoint',
    comment: 'The statement over this state and these spent ids.',
    signer: founder,
    prefix: CHECKPOINT_PREFIX,
    message: encode(statementCodec, fields),
    fields,
  });
  return { ...entry, state: toJson(state.map(([key, value]) => [key, toHex(value)])), spent: toJson(spent) };
}

function topic(): Entry {
  const [founding] = scriptedHistory().chain.blocks;
  const { topic: name, key } = topicOf(founding!);
  return {
    name: 'topic',
    comment: 'The topic and the key of a group, from all bytes of its block 0.',
    block: toHex(founding!),
    topic: name,
    key: toHex(key),
  };
}

function requests(): Entry[] {
  const groupId = hashOf('a group');
  const hashes = [hashOf('one'), hashOf('two')];
  const transaction = Uint8Array.of(0x92, 0xc4, 0x00, 0xc4, 0x00);
  const entry = (name: string, fields: object, request: Uint8Array): Entry => ({
    name: `request ${name}`,
    comment: '[1, method, fields]',
    fields: toJson(fields),
    hex: toHex(request),
  });
  const headOf = { groupId, height: undefined };
  const submit = { groupId, isRelayed: true, submissions: [{ transaction, artifacts: [Uint8Array.of(1)] }] };
  return [
    entry('ping', {}, encodeRequest('ping', {})),
    entry('group_head', headOf, encodeRequest('group_head', headOf)),
    entry('cas_get', { groupId, hashes }, encodeRequest('cas_get', { groupId, hashes })),
    entry('tx_submit', submit, encodeRequest('tx_submit', submit)),
  ];
}

export function networkVectors(): VectorFile {
  return {
    comment:
      'What nodes hash, sign and send. `signed` is what the signature is over: the prefix and the message. Bytes are hex, a field that is absent is null.',
    entries: [introduction(), ruling(), checkpoint(), topic(), ...requests()],
  };
}
