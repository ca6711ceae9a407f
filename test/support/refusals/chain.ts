/** What is refused before any rule of a domain looks: blocks, and transactions as such. */

import { admitArtifacts } from '../../../actors/chain/attachments.ts';
import { decodeBlock, decodeHeader } from '../../../events/block.ts';
import { ZERO_ID } from '../../../events/bytes.ts';
import {
  BLOCK_LEAD_MS_MAX,
  BLOCK_WEIGHT_MAX,
  ITEM_WEIGHT,
  PROOF_WEIGHT,
  TRANSACTION_AGE_MS_MAX,
  TRANSACTION_BYTES_MAX,
  TRANSACTION_LEAD_MS_MAX,
  TRANSACTION_WEIGHT_MAX,
} from '../../../events/limits.ts';
import type { Operation } from '../../../events/registry.ts';
import type { VerifiedTransaction } from '../../../events/transaction.ts';
import { isFromFuture } from '../../../machines/chain.ts';
import { unknownAuthor } from '../../../machines/group.ts';
import { forgeBlock, spoil } from '../blocks.ts';
import {
  experience,
  genesis,
  inviteAccept,
  inviteCreate,
  memberRemove,
  profileSet,
  sealerAccept,
  sealerSet,
} from '../operations.ts';
import { alice, founder, hashOf, person, stranger } from '../people.ts';
import { by, joined, opened } from '../rules.ts';
import { START_MS, type World } from '../world.ts';
import { block, local, operations, type SomeScenarios, transaction } from './scenario.ts';

const wrong = hashOf('wrong');
const made = new WeakMap<World, VerifiedTransaction>();
/** A transaction that the founder may make: the same one whenever it is asked for. */
function profile(world: World): VerifiedTransaction {
  const transaction = made.get(world) ?? world.transaction(founder, [profileSet('someone')]);
  made.set(world, transaction);
  return transaction;
}
const invite = person('invite');
/** A stranger joins and leaves so many times: each coming costs a proof. */
const comeAndGo = (world: World, times: number): Operation[] =>
  Array.from({ length: times }, () => [
    inviteAccept(invite, stranger, world.groupId),
    memberRemove(stranger),
  ]).flat();
const headerOf = (bytes: Uint8Array) => decodeHeader(decodeBlock(bytes).headerBytes);
const right = (world: World) => headerOf(forgeBlock(world, { transactions: [profile(world).bytes] }));

export const blockScenarios = {
  block_malformed: block([opened()], (world) => forgeBlock(world).subarray(0, -1)),
  block_wrong_group: block(
    [opened()],
    (world) => forgeBlock(world, { header: { groupId: wrong } }),
    (world) => ({ expected: world.groupId, actual: wrong }),
  ),
  block_height_gap: block([opened()], (world) => forgeBlock(world, { header: { height: 2 } }), {
    expected: 1,
    actual: 2,
  }),
  block_previous_mismatch: block(
    [opened()],
    (world) => forgeBlock(world, { header: { prev: wrong } }),
    (world) => ({ expected: world.groupId, actual: wrong }),
  ),
  block_time_backwards: block([opened()], (world) => forgeBlock(world, { header: { tsMs: START_MS - 1 } }), {
    previousMs: START_MS,
    tsMs: START_MS - 1,
  }),
  block_from_future: local(
    [opened()],
    (world) => isFromFuture(right(world), world.nowMs - BLOCK_LEAD_MS_MAX - 1),
    { tsMs: START_MS, latestMs: START_MS - 1 },
  ),
  block_wrong_sealer: block(
    [opened(), joined(alice, { role: 'admin' }), by(founder, sealerSet(alice)), by(alice, sealerAccept)],
    (world) => forgeBlock(world, { signer: founder }),
    { sealer: founder.publicKey },
  ),
  block_transaction_count: block([opened()], (world) => forgeBlock(world, { header: { txCount: 2 } }), {
    declared: 2,
    actual: 1,
  }),
  block_history_root_mismatch: block(
    [opened()],
    (world) => forgeBlock(world, { header: { historyRoot: wrong } }),
    (world) => ({ expected: right(world).historyRoot, actual: wrong }),
  ),
  block_signature_invalid: block([opened()], (world) => forgeBlock(world, { spoilSeal: 1 }), {
    sealer: founder.publicKey,
  }),
  block_transaction_root_mismatch: block(
    [opened()],
    (world) => forgeBlock(world, { transactions: [profile(world).bytes], header: { txRoot: wrong } }),
    (world) => ({ expected: right(world).txRoot, actual: wrong }),
  ),
  block_transaction_refused: block(
    [opened(), by(founder, profileSet('someone'))],
    (world) => forgeBlock(world, { transactions: [profile(world).bytes] }),
    (world) => ({ index: 0, txId: profile(world).txId, refusal: { code: 'profile_unchanged' } }),
  ),
  block_too_heavy: block(
    [opened(), by(founder, inviteCreate(invite, { maxUses: 1_000 }))],
    (world) =>
      forgeBlock(world, {
        transactions: Array.from(
          { length: 9 },
          () => world.transaction(stranger, comeAndGo(world, 31)).bytes,
        ),
      }),
    // Nine times 62 operations, 62 effects and 2 keys, whose entries have 2,202 bytes together.
    { weight: 9 * (31 * PROOF_WEIGHT + ITEM_WEIGHT * (62 + 62 + 2)) + 2_202, weightMax: BLOCK_WEIGHT_MAX },
  ),
  block_effects_mismatch: block(
    [opened()],
    (world) => forgeBlock(world, { header: { effectsHash: wrong } }),
    (world) => ({ expected: right(world).effectsHash, actual: wrong }),
  ),
} satisfies SomeScenarios;

export const transactionScenarios = {
  transaction_too_large: transaction([opened()], () => new Uint8Array(TRANSACTION_BYTES_MAX + 1), {
    bytes: TRANSACTION_BYTES_MAX + 1,
    bytesMax: TRANSACTION_BYTES_MAX,
  }),
  malformed: transaction([opened()], (world) => profile(world).bytes.subarray(1)),
  wrong_group: transaction(
    [opened()],
    (world) => world.transaction(founder, [profileSet('n')], { groupId: ZERO_ID }).bytes,
    (world) => ({ expected: world.groupId, actual: ZERO_ID }),
  ),
  transaction_expired: transaction(
    [opened()],
    (world) =>
      world.transaction(founder, [profileSet('n')], { tsMs: START_MS - TRANSACTION_AGE_MS_MAX - 1 }).bytes,
    { tsMs: START_MS - TRANSACTION_AGE_MS_MAX - 1, earliestMs: START_MS - TRANSACTION_AGE_MS_MAX },
  ),
  transaction_from_future: transaction(
    [opened()],
    (world) =>
      world.transaction(founder, [profileSet('n')], { tsMs: START_MS + TRANSACTION_LEAD_MS_MAX + 1 }).bytes,
    { tsMs: START_MS + TRANSACTION_LEAD_MS_MAX + 1, latestMs: START_MS + TRANSACTION_LEAD_MS_MAX },
  ),
  transaction_duplicate: transaction(
    [opened(), by(founder, profileSet('one'))],
    (world) => world.chain.finals[1]!.judged.accepted[0]!.bytes,
    (world) => ({ txId: world.chain.finals[1]!.judged.accepted[0]!.txId }),
  ),
  transaction_replaced: transaction(
    [opened(), by(founder, profileSet('one'))],
    (world) => {
      const replaces = world.chain.finals[1]!.judged.accepted[0]!.txId;
      return world.transaction(founder, [profileSet('two')], { replaces }).bytes;
    },
    (world) => ({ txId: world.chain.finals[1]!.judged.accepted[0]!.txId }),
  ),
  author_unknown: local(
    [opened()],
    (world) => unknownAuthor(world.chain.state, stranger.publicKey, [profileSet('n')]),
    { author: stranger.publicKey },
  ),
  artifact_missing: local(
    [opened()],
    () => {
      const admitted = admitArtifacts([experience('never sent')], [], () => false);
      return 'code' in admitted ? admitted : undefined;
    },
    { artifact: hashOf('never sent') },
  ),
  signature_invalid: transaction([opened()], (world) => spoil(profile(world).bytes, -1), {
    author: founder.publicKey,
  }),
  transaction_too_heavy: transaction(
    [opened(), by(founder, inviteCreate(invite, { maxUses: 1_000 }))],
    (world) => world.transaction(stranger, comeAndGo(world, 32)).bytes,
    // Refused at the last coming: 63 operations, 63 effects and 2 keys beside the proofs.
    { weight: 32 * PROOF_WEIGHT + ITEM_WEIGHT * (63 + 63 + 2), weightMax: TRANSACTION_WEIGHT_MAX },
  ),
  genesis_misplaced: operations([opened()], founder, [genesis()], {}),
} satisfies SomeScenarios;
