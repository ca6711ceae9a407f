/**
 * A chain in memory that blocks are sealed on one after the other, as full as the limits let them be: the ground that
 * the heaviest blocks are built on.
 */
import { nativeCrypto } from '../../actors/chain/core.ts';
import { foundGroup } from '../../actors/chain/found.ts';
import { type BlockSigner, ChainJudge, type FinalBlock } from '../../actors/chain/judge.ts';
import { signTransaction } from '../../actors/chain/sign.ts';
import { MemoryState } from '../../actors/chain/state-cache.ts';
import type { Signer } from '../../crypto/identity.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Operation } from '../../events/registry.ts';
import { SpentSet } from '../../machines/spent.ts';
import { benchGenesis, benchSigner } from '../workload.ts';

const START_MS = 1_750_000_000_000;

/** What one author does in one transaction. */
export interface Request {
  readonly author: BlockSigner;
  readonly operations: readonly Operation[];
}

export class Ground {
  readonly founder = benchSigner('founder');
  readonly members: readonly Signer[];
  readonly groupId: Hex32;
  readonly blocks: Uint8Array[] = [];
  readonly #state = new MemoryState();
  readonly #judge: ChainJudge;
  nowMs = START_MS;

  constructor(members: number) {
    const genesis = foundGroup(this.founder, benchGenesis, START_MS);
    if ('code' in genesis) throw new Error(genesis.code);
    this.groupId = genesis.blockId;
    this.#judge = new ChainJudge({
      groupId: this.groupId,
      tip: genesis.tip,
      base: this.#state,
      crypto: nativeCrypto,
      spent: new SpentSet(nativeCrypto.sha256),
    });
    this.#keep(genesis);
    this.members = Array.from({ length: members }, (_, at) => benchSigner(`member ${at}`));
    this.all(
      this.members.map(({ publicKey }) => ({ type: 'member_add', member: publicKey, role: 'member' })),
      this.founder,
    );
  }

  #keep(final: FinalBlock): FinalBlock {
    this.#state.apply(final.judged.writes);
    this.blocks.push(final.bytes.slice());
    return final;
  }

  /** Seals the operations of one author, `per` to a transaction, in as many blocks as they take. */
  all(operations: readonly Operation[], author: BlockSigner, per = 32): FinalBlock[] {
    return this.seal(requestsOf(operations, author, per));
  }

  /** Seals requests in as many blocks as they take. */
  seal(requests: Iterable<Request>): FinalBlock[] {
    const finals: FinalBlock[] = [];
    const waiting = requests[Symbol.iterator]();
    let next = waiting.next();
    while (!next.done) {
      this.#judge.openBlock(this.nowMs);
      while (!next.done && this.#takes(next.value)) next = waiting.next();
      finals.push(this.#keep(this.#judge.sealBlock(this.founder)!));
    }
    return finals;
  }

  /** One block with as many of the requests as fit. */
  fill(requests: Iterable<Request>): FinalBlock {
    this.#judge.openBlock(this.nowMs);
    for (const request of requests) if (!this.#takes(request)) break;
    return this.#keep(this.#judge.sealBlock(this.founder)!);
  }

  #takes({ author, operations }: Request): boolean {
    const signed = signTransaction(author, { groupId: this.groupId, operations, tsMs: this.nowMs });
    if ('code' in signed) throw new Error(JSON.stringify(signed));
    if (!this.#judge.hasRoomFor(signed.bytes.length)) return false;
    const refusal = this.#judge.add(signed);
    if (refusal !== undefined && refusal.code !== 'block_too_heavy')
      throw new Error(
        JSON.stringify(refusal, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
      );
    return refusal === undefined;
  }
}

/** The operations of one author, `per` to a transaction. */
export function* requestsOf(
  operations: Iterable<Operation>,
  author: BlockSigner,
  per: number,
): Generator<Request> {
  let batch: Operation[] = [];
  for (const operation of operations) {
    batch.push(operation);
    if (batch.length < per) continue;
    yield { author, operations: batch };
    batch = [];
  }
  if (batch.length > 0) yield { author, operations: batch };
}
