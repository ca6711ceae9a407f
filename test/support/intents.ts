/**
 * Random histories, valid and not. A plan is plain numbers, so that it shrinks; what they mean is worked out
 * against the world as it stands, so that most of what is tried makes sense and some of it does not.
 */
import fc from 'fast-check';
import type { Operation } from '../../events/registry.ts';
import type { VerifiedTransaction } from '../../events/transaction.ts';
import { marketIntents } from './intents-market.ts';
import { workIntents } from './intents-work.ts';
import {
  claim,
  experience,
  genesis,
  inviteAccept,
  inviteCreate,
  inviteRevoke,
  memberAdd,
  memberRemove,
  mint,
  policyUpdate,
  presence,
  profileSet,
  reinstate,
  retract,
  sealerAccept,
  sealerSet,
  transfer,
  treasurySpend,
} from './operations.ts';
import { founder, type Person, person } from './people.ts';
import { World } from './world.ts';

/** Four numbers: what to do, who does it, and two more for the rest. */
export type Draw = readonly [what: number, who: number, first: number, second: number];

export interface Plan {
  readonly blocks: readonly {
    readonly passMs: number;
    readonly transactions: readonly { readonly draws: readonly Draw[]; readonly replaces: number }[];
  }[];
}

export const PEOPLE: readonly Person[] = ['founder', 'ada', 'ben', 'cleo', 'dan', 'eve', 'outsider'].map(
  person,
);
const INVITES: readonly Person[] = ['invite 1', 'invite 2'].map(person);
const ROLES = ['viewer', 'member', 'member', 'admin'] as const;

export const pick = <T>(list: readonly T[], draw: number): T => list[draw % list.length]!;
/** An amount that is mostly payable, sometimes nothing, sometimes far too much. */
export const amountOf = (draw: number): bigint => (draw % 11 === 0 ? 10n ** 15n : BigInt(draw % 90));

/** An operation, with the author who would have good reason to send it (three times in four they do). */
export interface Intent {
  readonly operation: Operation;
  readonly author: Person | undefined;
}
export type IntentMaker = (world: World, who: Person, first: number, second: number) => Intent | undefined;

const plain =
  (
    make: (world: World, who: Person, first: number, second: number) => Operation,
    author?: Person,
  ): IntentMaker =>
  (world, who, first, second) => ({ operation: make(world, who, first, second), author });

const texts = (draw: number): string => `text ${draw % 12}`;

const groupIntents: readonly IntentMaker[] = [
  plain((_, who, first) => memberAdd(who, pick(ROLES, first)), founder),
  (_, who, first, second) => ({
    operation: second % 4 === 0 ? memberRemove(who) : memberAdd(who, pick(ROLES, first)),
    author: second % 8 === 0 ? who : founder,
  }),
  plain(
    (world, _, first, second) =>
      inviteCreate(pick(INVITES, first), {
        maxUses: second % 3,
        expiresMs: world.nowMs + (second % 5) * 10_000_000,
      }),
    founder,
  ),
  (world, who, first) => ({ operation: inviteAccept(pick(INVITES, first), who, world.groupId), author: who }),
  plain((_, __, first) => inviteRevoke(pick(INVITES, first)), founder),
  plain((_, __, first) => profileSet(`name ${first % 3}`)),
  plain((_, who) => sealerSet(who), founder),
  plain(() => sealerAccept),
  plain((_, who, first) => mint(who, amountOf(first)), founder),
  plain((_, who, first) => mint(who, amountOf(first)), founder),
  plain((_, who, first) => transfer(who, amountOf(first))),
  plain((_, who, first) => transfer(who, amountOf(first))),
  plain((_, who, first) => treasurySpend(who, amountOf(first) / 10n), founder),
  plain(() => genesis()),
  plain(
    (_, __, first, second) =>
      pick(
        [
          policyUpdate(['transfer_fee_bps', BigInt(second % 6_000)]),
          policyUpdate(['faucet_amount', BigInt(second % 50)], ['claim_reward_amount', BigInt(second % 7)]),
          policyUpdate(['max_total_supply', second % 3 === 0 ? undefined : BigInt(second)]),
          policyUpdate(['max_account_balance', second % 3 === 0 ? undefined : BigInt(second % 200)]),
          policyUpdate(['grant_window_ms', BigInt(second * 100)], ['dispute_window_ms', BigInt(second * 50)]),
          policyUpdate(['nonsense', true]),
        ],
        first,
      ),
    founder,
  ),
];

const knowledgeIntents: readonly IntentMaker[] = [
  plain((_, __, first, second) => claim(texts(first), second % 2 ? {} : { evidence: [claimOf(second)] })),
  plain((_, __, first, second) => claim(texts(first), { parent: claimOf(second) })),
  plain((_, __, first) => retract(texts(first))),
  plain((_, __, first) => reinstate(texts(first))),
  plain((_, __, first) => experience(texts(first))),
  plain((_, __, first) => presence(pick(['active', 'busy'], first), pick([undefined, '{}', '[]'], first))),
];
const claimOf = (draw: number): string => (claim(texts(draw)) as { artifact: string }).artifact;

const MAKERS: readonly IntentMaker[] = [
  ...groupIntents,
  ...knowledgeIntents,
  ...workIntents,
  ...workIntents,
  ...workIntents,
  ...marketIntents,
  ...marketIntents,
  ...marketIntents,
];

function intentOf(world: World, [what, who, first, second]: Draw): Intent {
  const made = pick(MAKERS, what)(world, pick(PEOPLE, who), first, second);
  const random = pick(PEOPLE, first + second);
  if (made === undefined) return { operation: profileSet(`name ${first}`), author: random };
  return { operation: made.operation, author: second % 4 === 3 ? random : (made.author ?? random) };
}

/** Without the bias towards small numbers, which would do the same few things over and over. */
const number = fc.noBias(fc.nat(9_999));
const draw: fc.Arbitrary<Draw> = fc.tuple(number, number, number, number);

/** Plans of some `transactions` transactions. */
export const plans = (transactions: number): fc.Arbitrary<Plan> =>
  fc.record({
    blocks: fc.array(
      fc.record({
        passMs: fc.constantFrom(0, 0, 0, 1, 1_000, 1_000, 1_000, 400_000, 1_000_000),
        transactions: fc.array(
          fc.record({ draws: fc.array(draw, { minLength: 1, maxLength: 3 }), replaces: number }),
          { minLength: 1, maxLength: 8 },
        ),
      }),
      { minLength: Math.ceil(transactions / 8), maxLength: Math.ceil(transactions / 3), size: 'max' },
    ),
  });

export interface Played {
  readonly world: World;
  /** What was tried in each block, and at which clock; the refused among it as well. */
  readonly tried: readonly {
    readonly nowMs: number;
    readonly transactions: readonly VerifiedTransaction[];
  }[];
  readonly accepted: number;
  readonly refused: ReadonlyMap<string, number>;
}

/** Plays a plan from the founding on; `afterBlock` looks at the world each time. */
export function play(plan: Plan, afterBlock: (world: World) => void = () => {}): Played {
  const world = new World();
  const tried: { nowMs: number; transactions: VerifiedTransaction[] }[] = [];
  const refusedCodes = new Map<string, number>();
  const ids: string[] = [];
  let accepted = 0;
  const seal = (transactions: VerifiedTransaction[]): void => {
    tried.push({ nowMs: world.nowMs, transactions });
    for (const refusal of world.seal(transactions).refusals) {
      if (refusal === undefined) accepted++;
      else refusedCodes.set(refusal.code, (refusedCodes.get(refusal.code) ?? 0) + 1);
    }
    afterBlock(world);
  };
  seal([
    world.transaction(founder, [
      genesis({
        faucet_amount: 60n,
        claim_reward_amount: 3n,
        transfer_fee_bps: 333,
        grant_window_ms: 900_000,
        dispute_window_ms: 900_000,
      }),
    ]),
  ]);
  const members = PEOPLE.slice(1, -1);
  seal([
    world.transaction(founder, [
      ...members.map((who) => memberAdd(who)),
      ...PEOPLE.map((who) => mint(who, 500n)),
    ]),
  ]);
  for (const { passMs, transactions } of plan.blocks) {
    world.nowMs += passMs;
    seal(
      transactions.map(({ draws, replaces }) => {
        const [first, ...more] = draws.map((one) => intentOf(world, one));
        // Most of what goes together is of one mind; the rest is refused for having the wrong author.
        const fitting = more.filter(
          ({ author }, at) => author === first!.author || (replaces + at) % 7 === 0,
        );
        const intents = [first!, ...fitting];
        // Now and then one stands in for another, or is one that was sent before.
        const isReplacement = replaces % 5 === 0 && ids.length > 0;
        const transaction = world.transaction(
          intents[0]!.author!,
          intents.map(({ operation }) => operation),
          isReplacement ? { replaces: pick(ids, replaces) } : {},
        );
        ids.push(transaction.txId);
        const again = replaces % 23 === 1 ? pick(tried, replaces).transactions[0] : undefined;
        return again ?? transaction;
      }),
    );
  }
  return { world, tried, accepted, refused: refusedCodes };
}
