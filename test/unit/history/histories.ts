/**
 * Small worlds for the tests of history: a real store, a real chain, and members who claim, pay and work at random
 * from a seed. And damage: the bytes of a closed store, changed behind its back.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Bus } from '../../../actors/bus.ts';
import { GroupChain } from '../../../actors/chain/chain.ts';
import { foundGroup, storeFounding } from '../../../actors/chain/found.ts';
import { signTransaction } from '../../../actors/chain/sign.ts';
import { WatchedClock } from '../../../actors/clock.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { InlineVerifier } from '../../../crypto/inline-verifier.ts';
import {
  BLOCK_PREFIX,
  type BlockHeader,
  decodeBlock,
  encodeBlock,
  encodeHeader,
} from '../../../events/block.ts';
import { type Hex32, toHex, utf8 } from '../../../events/bytes.ts';
import { encodeClaim } from '../../../events/claim-artifact.ts';
import type { Outcome } from '../../../events/receipt.ts';
import type { Operation } from '../../../events/registry.ts';
import { openEnvironment } from '../../../storage/environment.ts';
import { openStore, type Store } from '../../../storage/store.ts';
import { type Person, person } from '../../support/people.ts';
import { type SealedTables, sealedTables } from '../../support/sealed-tables.ts';

const START_MS = 1_700_000_000_000;
export const verifier = new InlineVerifier();
export const people: readonly Person[] = ['ada', 'ben', 'cleo', 'dan'].map(person);
export const outsider = person('outsider');

/** Numbers from a seed (mulberry32), so that a failing history can be made again. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A folder that goes when the tests of this file are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'history-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const genesis: Extract<Operation, { type: 'genesis' }> = {
  type: 'genesis',
  rulesVersion: 1,
  name: 'history',
  currency: 'LB',
  policy: {
    faucet_amount: 1_000n,
    claim_reward_amount: 3n,
    transfer_fee_bps: 100,
    max_total_supply: undefined,
    max_account_balance: undefined,
    grant_window_ms: 60_000,
    dispute_window_ms: 60_000,
    discoverable: false,
  },
};

interface Drawn {
  readonly operations: readonly Operation[];
  readonly artifacts: readonly Uint8Array[];
}

/** Draws what somebody does next; the rules accept it whoever has done what before. */
class Draw {
  readonly #random: (below: number) => number;
  readonly #claims: Hex32[] = [];
  #count = 0;

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  transaction(author: Person): Drawn {
    const drawn = Array.from({ length: 1 + this.#random(4) }, () => this.#one(author));
    return {
      operations: drawn.flatMap(({ operations }) => operations),
      artifacts: drawn.flatMap(({ artifacts }) => artifacts),
    };
  }

  #one(author: Person): Drawn {
    const number = ++this.#count;
    switch (this.#random(5)) {
      case 0:
        return this.#claim(number);
      case 1:
        return this.#experience(number);
      case 2:
        return this.#transfer(author);
      case 3:
        return just({ type: 'presence', status: 'busy', metadata: `{"n":${number}}` });
      default:
        return this.#task(author, `task ${number} 天𝄞`);
    }
  }

  #claim(number: number): Drawn {
    const evidence = this.#claims.slice(-2);
    const tags = ['météo'];
    const bytes = encodeClaim({
      text: `claim ${number}`,
      tags,
      createdMs: number,
      parent: undefined,
      evidence,
    });
    const hash = sha256(bytes);
    const operation: Operation = {
      type: 'claim',
      artifact: toHex(hash),
      parent: undefined,
      evidence,
      tags,
    };
    this.#claims.push(operation.artifact);
    return { operations: [operation], artifacts: [bytes] };
  }

  #experience(number: number): Drawn {
    const bytes = utf8(`experience ${number}`);
    const hash = sha256(bytes);
    return { operations: [{ type: 'experience', artifact: toHex(hash) }], artifacts: [bytes] };
  }

  #transfer(author: Person): Drawn {
    const others = people.filter((one) => one !== author);
    const to = others[this.#random(others.length)]!.publicKey;
    return just({ type: 'transfer', to, amount: BigInt(1 + this.#random(5)), feeMax: undefined });
  }

  #task(author: Person, task: string): Drawn {
    const create: Operation = {
      type: 'task_create',
      task,
      title: `Do ${task}`,
      description: undefined,
      assignee: author.publicKey,
      dueMs: undefined,
      reward: this.#random(2) === 0 ? undefined : 2n,
      rewardFrom: undefined,
      leaseMs: undefined,
      tags: [],
    };
    const start: Operation = { type: 'task_start', task, attempt: 1 };
    const complete: Operation = { type: 'task_complete', task, attempt: 1, result: undefined };
    return just(create, ...[start, complete].slice(0, this.#random(3)));
  }
}

const just = (...operations: Operation[]): Drawn => ({ operations, artifacts: [] });

/** A state as text, ascending by key: equal for equal states. */
export type Dump = readonly (readonly [key: string, value: string])[];

export function dump(entries: Iterable<readonly [key: string, value: Uint8Array]>): Dump {
  return [...entries]
    .map(([key, value]) => [key, toHex(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A store on disk with one group in it. */
export interface World {
  readonly dir: string;
  readonly store: Store;
  readonly groupId: Hex32;
  readonly outcomes: readonly Outcome[];
  /** The live state after each round, as it lay on disk, by height. */
  readonly states: ReadonlyMap<number, Dump>;
}

/** Makes a group in a new store by a real chain: `rounds` times a few transactions at once. */
export async function makeWorld(dir: string, seed: number, rounds: number): Promise<World> {
  const store = openStore(dir, { durability: 'commit' });
  let nowMs = START_MS;
  const clock = new WatchedClock({ nowMs: () => nowMs, monotonicMs: () => nowMs });
  const founding = foundGroup(people[0]!, genesis, nowMs);
  if ('code' in founding) throw new Error(founding.code);
  const groupId = founding.blockId;
  const group = await store.addGroup(groupId, 'history', nowMs);
  await storeFounding(group, founding);
  const signerOf = (publicKey: Hex32) => people.find((one) => one.publicKey === publicKey);
  const chain = new GroupChain(groupId, {
    store: group,
    verifier,
    clock,
    bus: new Bus(),
    lingerMs: 2,
    signerOf,
  });
  const join = people.slice(1).map(({ publicKey }): Operation => {
    return { type: 'member_add', member: publicKey, role: 'member' };
  });
  const outcomes = [await chain.submit(people[0]!, join)];
  const states = new Map<number, Dump>();
  const random = randomFrom(seed);
  const draw = new Draw(random);
  for (let round = 0; round < rounds; round++) {
    nowMs += 1_000;
    const submitted = Array.from({ length: 1 + random(4) }, () => {
      const author = people[random(people.length)]!;
      const { operations, artifacts } = draw.transaction(author);
      return chain.submit(author, operations, artifacts);
    });
    outcomes.push(...(await Promise.all(submitted)));
    states.set(group.head()!.height, dump(group.stateRange('')));
  }
  const replaces = toHex(sha256(utf8('an earlier transaction')));
  const operations: Operation[] = [{ type: 'mint', to: people[1]!.publicKey, amount: 7n }];
  const signed = signTransaction(people[0]!, { groupId, operations, tsMs: nowMs, replaces });
  if ('code' in signed) throw new Error(signed.code);
  outcomes.push(await chain.submitSigned(signed.bytes));
  await chain.close();
  const refused = outcomes.find(({ status }) => status === 'refused');
  if (refused !== undefined) throw new Error(JSON.stringify(refused));
  return { dir, store, groupId, outcomes, states };
}

/** The number of the only group of a store in its keys. */
export const GROUP_NUMBER = 1;

/** Changes the bytes of a closed store behind its back. */
export async function changeFiles(dir: string, change: (tables: SealedTables) => void): Promise<void> {
  const environment = openEnvironment({ dir, mapSize: 2 ** 30, durability: 'commit' });
  environment.root.transactionSync(() => change(sealedTables(environment)));
  await environment.root.close();
}

/** A copy of a closed store, changed and opened; it closes when `use` is done. */
export async function withDamage<T>(
  dir: string,
  change: (tables: SealedTables) => void,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const copy = mkdtempSync(`${dir}-damaged-`);
  cpSync(dir, copy, { recursive: true });
  await changeFiles(copy, change);
  const store = openStore(copy, { durability: 'commit' });
  try {
    return await use(store);
  } finally {
    await store.close();
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The same bytes with one bit turned. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** A block with parts of its header changed and sealed anew, as a lying sealer would. */
export function resealed(bytes: Uint8Array, sealer: Person, change: Partial<BlockHeader>): Uint8Array {
  const { header, transactions } = decodeBlock(bytes);
  const headerBytes = encodeHeader({ ...header, sealer: sealer.publicKey, ...change });
  return encodeBlock(headerBytes, sealer.sign(BLOCK_PREFIX, headerBytes), transactions);
}
