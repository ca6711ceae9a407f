/**
 * Work to measure with: a chain of real, signed blocks over a mix of operations, made from a seed so that every
 * run measures the same bytes.
 *
 * The mix is what a busy group of agents does: transfers, claims with tags, tasks through their whole life, and
 * presence. Nobody's balance runs dry and nothing is refused, so that every operation costs its full price.
 */
import { createHash } from 'node:crypto';
import { nativeCrypto } from '../actors/chain/core.ts';
import { foundGroup } from '../actors/chain/found.ts';
import { ChainJudge, type FinalBlock } from '../actors/chain/judge.ts';
import { signTransaction } from '../actors/chain/sign.ts';
import { MemoryState } from '../actors/chain/state-cache.ts';
import { DEFAULT_POLICY } from '../actors/policy.ts';
import { sha256 } from '../crypto/hash.ts';
import { type Signer, signerFromSeed } from '../crypto/identity.ts';
import { Secret } from '../crypto/secret.ts';
import { type Hex32, toHex, utf8 } from '../events/bytes.ts';
import type { Operation } from '../events/registry.ts';
import { SpentSet } from '../machines/spent.ts';

const MEMBERS = 64;
const START_MS = 1_750_000_000_000;

export interface Workload {
  readonly groupId: Hex32;
  readonly blocks: readonly Uint8Array[];
  readonly transactions: number;
  readonly operations: number;
  readonly bytes: number;
}

export interface WorkloadShape {
  readonly transactions: number;
  readonly operationsPerTransaction: number;
  readonly transactionsPerBlock: number;
  /** `size` operations for a transaction; the mix, if not given. */
  operations?(size: number): Operation[];
}

export function benchSigner(name: string): Signer {
  return signerFromSeed(new Secret(createHash('sha256').update(`bench ${name}`).digest()));
}

export const benchGenesis: Extract<Operation, { type: 'genesis' }> = {
  type: 'genesis',
  rulesVersion: 1,
  name: 'bench',
  currency: 'LB',
  policy: { ...DEFAULT_POLICY, faucet_amount: 1_000_000_000n, transfer_fee_bps: 100 },
};

/** What the claims of the mix say, by their numbers. */
export function claimText(number: number): Uint8Array {
  return utf8(`claim ${number}`);
}

/** An endless, valid stream of operations for one author at a time. */
export class Mix {
  private readonly members: readonly Hex32[];
  private readonly kinds: 'all' | 'transfers';
  private count = 0;

  constructor(members: readonly Hex32[], kinds: 'all' | 'transfers' = 'all') {
    this.members = members;
    this.kinds = kinds;
  }

  /** `size` operations that `author` may do, whatever came before. A task lives through five of them. */
  next(author: Hex32, size: number): Operation[] {
    const operations: Operation[] = [];
    while (operations.length < size) {
      const number = this.count++;
      const kind = number % 8;
      if (kind < 4 || this.kinds === 'transfers') operations.push(this.transfer(author, number));
      else if (kind < 7) operations.push(this.claim(number));
      else if (size - operations.length >= 4) operations.push(...this.task(author, number));
      else operations.push(this.transfer(author, number));
    }
    return operations;
  }

  private transfer(author: Hex32, number: number): Operation {
    const to = this.members[number % this.members.length]!;
    const other = this.members[(number + 1) % this.members.length]!;
    return { type: 'transfer', to: to === author ? other : to, amount: 100n, feeMax: undefined };
  }

  private claim(number: number): Operation {
    const artifact = toHex(sha256(claimText(number)));
    return { type: 'claim', artifact, parent: undefined, evidence: [], tags: ['bench', 'claim'] };
  }

  private task(author: Hex32, number: number): Operation[] {
    const task = `task-${number}`;
    const create: Operation = {
      type: 'task_create',
      task,
      title: `Task ${number}`,
      description: 'Measure it.',
      assignee: author,
      dueMs: undefined,
      reward: undefined,
      rewardFrom: undefined,
      leaseMs: undefined,
      tags: [],
    };
    return [
      create,
      { type: 'task_start', task, attempt: 1 },
      { type: 'task_progress', task, attempt: 1, note: 'half way' },
      { type: 'task_complete', task, attempt: 1, result: undefined },
    ];
  }
}

/** Builds a chain of that shape and hands out each sealed block. */
export function buildChain(shape: WorkloadShape, onBlock: (final: FinalBlock) => void): Hex32 {
  const founder = benchSigner('founder');
  const genesis = foundGroup(founder, benchGenesis, START_MS);
  if ('code' in genesis) throw new Error(genesis.code);
  onBlock(genesis);
  const groupId = genesis.blockId;
  const state = new MemoryState();
  state.apply(genesis.judged.writes);
  const judge = new ChainJudge({
    groupId,
    tip: genesis.tip,
    base: state,
    crypto: nativeCrypto,
    spent: new SpentSet(sha256),
  });
  const signers = Array.from({ length: MEMBERS }, (_, index) => benchSigner(`member ${index}`));
  const seal = (requests: readonly { signer: Signer; operations: readonly Operation[] }[]): void => {
    judge.openBlock(START_MS);
    for (const { signer, operations } of requests) {
      const signed = signTransaction(signer, { groupId, operations, tsMs: START_MS });
      if ('code' in signed) throw new Error(signed.code);
      const refusal = judge.add(signed);
      if (refusal !== undefined) throw new Error(refusal.code);
    }
    const final = judge.sealBlock(founder)!;
    state.apply(final.judged.writes);
    onBlock(final);
  };
  seal(
    signers.map(({ publicKey }) => ({
      signer: founder,
      operations: [{ type: 'member_add', member: publicKey, role: 'member' }],
    })),
  );
  const mix = new Mix(signers.map(({ publicKey }) => publicKey));
  for (let done = 0; done < shape.transactions; done += shape.transactionsPerBlock) {
    const count = Math.min(shape.transactionsPerBlock, shape.transactions - done);
    seal(
      Array.from({ length: count }, (_, at) => {
        const signer = signers[(done + at) % MEMBERS]!;
        const size = shape.operationsPerTransaction;
        return { signer, operations: shape.operations?.(size) ?? mix.next(signer.publicKey, size) };
      }),
    );
  }
  return groupId;
}

/** A whole chain in memory. */
export function buildWorkload(shape: WorkloadShape): Workload {
  const blocks: Uint8Array[] = [];
  let transactions = 0;
  let operations = 0;
  let bytes = 0;
  const groupId = buildChain(shape, (final) => {
    blocks.push(final.bytes.slice());
    transactions += final.judged.accepted.length;
    operations += final.judged.operationCount;
    bytes += final.bytes.length;
  });
  return { groupId, blocks, transactions, operations, bytes };
}
