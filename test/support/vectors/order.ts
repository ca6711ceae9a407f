/**
 * Vectors of the order of checks. Each has every defect from one check on, so the refusal that is given shows that
 * this check is made before all that follow it.
 */
import type { BlockHeader } from '../../../events/block.ts';
import { type Hex32, toHex, ZERO_ID } from '../../../events/bytes.ts';
import { TRANSACTION_AGE_MS_MAX } from '../../../events/limits.ts';
import type { Operation } from '../../../events/registry.ts';
import type { TransactionPayload } from '../../../events/transaction.ts';
import { forgeBlock, spoil } from '../blocks.ts';
import { genesis, memberAdd, mint, profileSet } from '../operations.ts';
import { alice, founder, hashOf, stranger } from '../people.ts';
import { by, given, joined, later, opened } from '../rules.ts';
import { World } from '../world.ts';
import type { Entry, VectorFile } from './entries.ts';

interface Defect {
  readonly code: string;
  readonly header?: Partial<BlockHeader>;
  readonly spoilsSeal?: boolean;
  readonly isRefused?: boolean;
  /** The group that is asked for. */
  readonly asked?: Hex32;
}

const seal: Defect = { code: 'block_signature_invalid', spoilsSeal: true };
const roots: Defect[] = [
  { code: 'block_transaction_count', header: { txCount: 9 } },
  { code: 'block_history_root_mismatch', header: { historyRoot: hashOf('another') } },
  seal,
  { code: 'block_transaction_root_mismatch', header: { txRoot: hashOf('another') } },
];
const contents: Defect[] = [
  { code: 'block_transaction_refused', isRefused: true },
  { code: 'block_effects_mismatch', header: { effectsHash: hashOf('another') } },
];
const ABOVE: Defect[] = [
  { code: 'block_wrong_group', header: { groupId: hashOf('another') } },
  { code: 'block_height_gap', header: { height: 7 } },
  { code: 'block_previous_mismatch', header: { prev: hashOf('another') } },
  { code: 'block_time_backwards', header: { tsMs: 0 } },
  { code: 'block_wrong_sealer', header: { sealer: alice.publicKey } },
  ...roots,
  ...contents,
];
const FIRST: Defect[] = [
  { code: 'block_wrong_group', header: { groupId: hashOf('another') } },
  { code: 'block_previous_mismatch', header: { prev: hashOf('another') } },
  ...roots,
  { code: 'block_wrong_sealer', header: { sealer: alice.publicKey } },
  { code: 'block_wrong_group', asked: hashOf('asked for') },
  ...contents,
];

/** A block with all of these defects; its sealer signs it in any case, so that no other one comes in. */
function blockWith(world: World, defects: readonly Defect[], transactions: [Uint8Array, Uint8Array]) {
  const header = Object.assign({}, ...defects.map((one) => one.header)) as Partial<BlockHeader>;
  return forgeBlock(world, {
    header,
    signer: header.sealer === alice.publicKey ? alice : founder,
    spoilSeal: defects.includes(seal) ? 1 : 0,
    transactions: [transactions[defects.some(({ isRefused }) => isRefused) ? 1 : 0]],
  });
}

function blocksAbove(): Entry[] {
  const { world } = given(opened(), joined(alice));
  const setup = world.chain.blocks.map(toHex);
  const transactions: [Uint8Array, Uint8Array] = [
    world.transaction(founder, [profileSet('x')]).bytes,
    world.transaction(stranger, [profileSet('x')]).bytes,
  ];
  const entries = ABOVE.map(({ code }, at): Entry => {
    const block = toHex(blockWith(world, ABOVE.slice(at), transactions));
    const comment = `a block at height 2 with the defects of ${code} and of all later checks`;
    return { name: `block ${at + 1}: ${code}`, comment, groupId: world.groupId, setup, block, code };
  });
  const again = 'block 0 once more, above height 0: its own height says what its groupId must be';
  return [
    ...entries,
    {
      name: 'block 0 again',
      comment: again,
      groupId: world.groupId,
      setup,
      block: setup[0]!,
      code: 'block_height_gap',
    },
    {
      name: 'zero is asked for',
      comment: 'block 0 of a group, where the group of 32 zero bytes is asked for',
      groupId: ZERO_ID,
      setup: [],
      block: setup[0]!,
      code: 'block_wrong_group',
    },
  ];
}

function firstBlocks(): Entry[] {
  const world = new World();
  const asked = hashOf('asked for');
  const transactions: [Uint8Array, Uint8Array] = [
    world.transaction(founder, [genesis()]).bytes,
    world.transaction(founder, [genesis({ grant_window_ms: 1 })]).bytes,
  ];
  return FIRST.map(({ code }, at): Entry => {
    const left = FIRST.slice(at);
    const block = toHex(blockWith(world, left, transactions));
    const comment = `a block 0 with the defects of ${code} and of all later checks`;
    // Where the id is no defect, any group is asked for that the block makes.
    const groupId = left.some((one) => one.asked !== undefined) ? asked : null;
    return { name: `block 0, ${at + 1}: ${code}`, comment, groupId, setup: [], block, code };
  });
}

interface TransactionDefect {
  readonly code: string;
  readonly payload?: Partial<TransactionPayload>;
  readonly operations?: readonly Operation[];
}

function transactions(): Entry[] {
  const { world } = given(
    opened(),
    by(founder, profileSet('one')),
    joined(alice),
    later(TRANSACTION_AGE_MS_MAX + 1),
  );
  const setup = world.chain.blocks.map(toHex);
  const sealed = world.chain.finals[1]!.judged.accepted[0]!.txId;
  const tooOld = world.nowMs - TRANSACTION_AGE_MS_MAX - 1;
  const defects: TransactionDefect[] = [
    { code: 'wrong_group', payload: { groupId: hashOf('another') } },
    { code: 'transaction_expired', payload: { tsMs: tooOld } },
    { code: 'transaction_replaced', payload: { replaces: sealed } },
    { code: 'signature_invalid' },
    { code: 'genesis_misplaced', operations: [genesis()] },
    { code: 'role_insufficient', operations: [memberAdd(stranger), mint(alice, 0n)] },
  ];
  const entries = defects.map(({ code }, at): Entry => {
    const left = defects.slice(at);
    const payload = Object.assign({}, ...left.map((one) => one.payload)) as Partial<TransactionPayload>;
    const operations = left.flatMap((one) => one.operations ?? []);
    const { bytes } = world.transaction(alice, operations, payload);
    const isForged = left.some((one) => one.code === 'signature_invalid');
    const comment = `a transaction with the defects of ${code} and of all later checks`;
    return {
      name: `transaction ${at + 1}: ${code}`,
      comment,
      setup,
      blockTimeMs: world.nowMs,
      transaction: toHex(isForged ? spoil(bytes, -1) : bytes),
      code,
    };
  });
  return [...entries, ...sealedAgain()];
}

/** What was sealed and comes again, with a signature that does not hold: the first has expired meanwhile. */
function sealedAgain(): Entry[] {
  const { world } = given(opened(), by(founder, profileSet('one')));
  const { bytes, txId } = world.chain.finals[1]!.judged.accepted[0]!;
  const again = world.transaction(founder, [profileSet('two')], { replaces: txId });
  const entry = (name: string, transaction: Uint8Array, blockTimeMs: number, code: string): Entry => ({
    name,
    comment: 'sealed or replaced before, and its signature does not hold',
    setup: world.chain.blocks.map(toHex),
    blockTimeMs,
    transaction: toHex(spoil(transaction, -1)),
    code,
  });
  const { nowMs } = world;
  return [
    entry(
      'transaction: expired before duplicate',
      bytes,
      nowMs + TRANSACTION_AGE_MS_MAX + 1,
      'transaction_expired',
    ),
    entry('transaction: duplicate before its signature', bytes, nowMs, 'transaction_duplicate'),
    entry('transaction: replaces before its signature', again.bytes, nowMs, 'transaction_replaced'),
  ];
}

export function orderVectors(): VectorFile {
  return {
    comment:
      'The order of checks: after the blocks of setup (all valid), the block, or the transaction in the next block with time blockTimeMs, has several defects and is refused with this code. groupId is the group that is asked for, or null.',
    entries: [...blocksAbove(), ...firstBlocks(), ...transactions()],
  };
}
