/** The log itself: its events, blocks and transactions, whether it holds, and proofs for strangers. */

import { NotFoundError, UsageError } from '../../actors/errors.ts';
import type { StreamOptions } from '../../actors/event-stream.ts';
import type { Group } from '../../actors/group.ts';
import { describeFinding } from '../../actors/history/findings.ts';
import { sha256 } from '../../crypto/hash.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { verifyProof } from '../../events/proof.ts';
import { LOG_KIND_LIST, type LogKind } from '../cli/events.ts';
import { toWire } from '../cli/json.ts';
import { contentOf } from './block-pages.ts';
import { cursor, groupId, groupOf, idOf, limit } from './call.ts';
import { assertWanted } from './cancelled.ts';
import { notice, noticeFor } from './claims.ts';
import { storedEvents } from './feed.ts';
import { CURSOR_CHARACTERS_MAX, PROOF_CHARACTERS_MAX } from './limits.ts';
import { type Call, define, type Operation } from './operation.ts';
import { Places } from './places.ts';
import { Room } from './room.ts';
import {
  flag,
  free,
  input,
  integer,
  list,
  longText,
  number,
  optional,
  output,
  pointOut,
  text,
  words,
} from './schema.ts';

const listEvents = define({
  name: 'list_events',
  title: 'Read the log',
  description: 'Events of a group in the order of its log, from the cursor on or from the beginning.',
  toolset: 'audit',
  effect: 'reads',
  input: input({
    group_id: groupId,
    kinds: optional(list(words(LOG_KIND_LIST))),
    cursor: optional(longText(CURSOR_CHARACTERS_MAX, 'cursor of the result before')),
    limit: limit(50),
  }),
  output: output({ events: list(free()), cursor: text(), notice }),
  async run(call, { group_id, kinds, cursor, limit = 50 }) {
    const group = groupOf(call, group_id);
    const places = cursor === undefined ? Places.atStart() : Places.fromText(cursor);
    const wanted: StreamOptions['kinds'] = kinds as readonly LogKind[] | undefined;
    const events: Record<string, unknown>[] = [];
    const options = { signal: call.signal, ...(wanted === undefined ? {} : { kinds: wanted }) };
    const room = new Room(call);
    for await (const event of storedEvents([group], places, options)) {
      const taken = room.take(toWire(event) as Record<string, unknown>);
      if (taken === undefined) {
        // There is no room for it: it is the first one of the next answer.
        places.set(group.groupId, { height: event.height, index: event.index });
        break;
      }
      events.push(taken);
      if (events.length >= limit) break;
    }
    return { events, cursor: places.toText(), ...noticeFor([{ is_own: events.length === 0 }]) };
  },
});

const getBlock = define({
  name: 'get_block',
  title: 'Read a block',
  description: 'A sealed block: header, transactions, and what they brought about.',
  toolset: 'audit',
  effect: 'reads',
  input: input({
    group_id: groupId,
    height: integer(0, Number.MAX_SAFE_INTEGER, { description: 'its place in the chain, from 0' }),
    cursor,
  }),
  output: output({
    block_id: text(),
    header: free(),
    transactions: list(free()),
    next_cursor: optional(text()),
    notice,
  }),
  run(call, { group_id, height, cursor }) {
    const read = groupOf(call, group_id).block(height);
    return {
      block_id: read.blockId,
      header: toWire(read.block.header) as Record<string, unknown>,
      ...contentOf(call, read, cursor),
      ...noticeFor([{ is_own: false }]),
    };
  },
});

const getTransaction = define({
  name: 'get_transaction',
  title: 'Find a transaction',
  description: 'Where a transaction was sealed.',
  toolset: 'audit',
  effect: 'reads',
  input: input({ group_id: groupId, tx_id: idOf('a transaction') }),
  output: output({ tx_id: text(), height: number(), index: number(), block_id: text(), ts_ms: pointOut() }),
  run(call, { group_id, tx_id }) {
    const group = groupOf(call, group_id);
    const { txId, location } = group.findTransaction(tx_id.toLowerCase());
    const { blockId, block } = group.block(location.height);
    return {
      tx_id: txId,
      height: location.height,
      index: location.index,
      block_id: blockId,
      ts_ms: block.header.tsMs,
    };
  },
});

const auditGroup = define({
  name: 'audit_group',
  title: 'Audit a group',
  description: 'Checks the whole history: signatures, rules, money, artifacts, stored state. May take long.',
  toolset: 'audit',
  effect: 'reads',
  input: input({ group_id: groupId }),
  output: output({ is_sound: flag(), finding: optional(text()), report: free() }),
  async run(call, { group_id }) {
    const group = groupOf(call, group_id);
    const result = await group.audit({ onProgress: watched(call, 'checked up to height') });
    return {
      is_sound: result.status === 'sound',
      ...(result.status === 'broken' ? { finding: describeFinding(result.finding) } : {}),
      report: toWire(result.report) as Record<string, unknown>,
    };
  },
});

const replayGroup = define({
  name: 'replay_group',
  title: 'Replay a group',
  description: 'Judges the whole history again from block 0 and compares the state. May take long.',
  toolset: 'audit',
  effect: 'reads',
  input: input({ group_id: groupId }),
  output: output({
    is_same: flag(),
    blocks: number(),
    transactions: number(),
    operations: number(),
    head: optional(text()),
  }),
  async run(call, { group_id }) {
    const group = groupOf(call, group_id);
    const result = await group.replay({ onProgress: watched(call, 'replayed up to height') });
    const { status, blocks, transactions, operations } = result;
    const head = result.status === 'ok' ? result.tip?.blockId : undefined;
    const counts = { is_same: status === 'ok', blocks, transactions, operations };
    return head === undefined ? counts : { ...counts, head };
  },
});

/** Tells how far it is, and ends long work when nobody waits for it any more. */
function watched(call: Call, message: string) {
  return ({ height, of }: { height: number; of: number }): void => {
    assertWanted(call.signal);
    call.progress(height + 1, of + 1, `${message} ${height}`);
  };
}

const proveTransaction = define({
  name: 'prove_transaction',
  title: 'Prove a transaction',
  description: 'A receipt that proves to a stranger that a transaction is in the history, in base64.',
  toolset: 'audit',
  effect: 'reads',
  input: input({
    group_id: groupId,
    tx_id: idOf('a transaction'),
    offset: optional(
      integer(0, Number.MAX_SAFE_INTEGER, { description: 'to read on: next_offset of the answer before' }),
    ),
  }),
  output: output({ tx_id: text(), proof: text(), next_offset: optional(number()) }),
  run(call, { group_id, tx_id, offset = 0 }) {
    const group = groupOf(call, group_id);
    const { txId } = group.findTransaction(tx_id.toLowerCase());
    const proof = Buffer.from(group.prove(txId)).toString('base64');
    const { text, ...next } = new Room(call).takeText(proof, offset);
    return { tx_id: txId, proof: text, ...next };
  },
});

const verifyProofOperation = define({
  name: 'verify_proof',
  title: 'Check a receipt',
  description:
    "Whether a proof holds; it is anchored if the group's founder sealed it, or its head is one of a group of this node.",
  toolset: 'audit',
  effect: 'reads',
  isNodeWide: false,
  input: input({ proof: longText(PROOF_CHARACTERS_MAX, 'in base64') }),
  output: output({
    is_valid: flag(),
    is_anchored: flag(),
    reason: optional(text()),
    facts: optional(free()),
  }),
  run(call, { proof }) {
    const bytes = new Uint8Array(Buffer.from(proof, 'base64'));
    if (bytes.length === 0) throw new UsageError('the proof is empty');
    const verdict = verifyProof(bytes, { sha256, verifySignature });
    if (verdict.status === 'invalid') return { is_valid: false, is_anchored: false, reason: verdict.reason };
    const { facts } = verdict;
    return {
      is_valid: true,
      is_anchored:
        verdict.status === 'valid' || isOurs(call, facts.groupId, facts.head.height, facts.head.blockId),
      facts: toWire(facts) as Record<string, unknown>,
    };
  },
});

function isOurs({ node }: Call, groupId: string, height: number, blockId: string): boolean {
  if (!node.groupIds().includes(groupId)) return false;
  const group: Group = node.group(groupId);
  try {
    return group.block(height).blockId === blockId;
  } catch (error) {
    if (error instanceof UsageError || error instanceof NotFoundError) return false;
    throw error;
  }
}

export const historyDesk: readonly Operation[] = [
  listEvents,
  getBlock,
  getTransaction,
  auditGroup,
  replayGroup,
  proveTransaction,
  verifyProofOperation,
];
