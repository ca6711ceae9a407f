/**
 * The heaviest block of each kind of operation: what somebody would build who wants a few bytes to cost others as
 * much as they can. Each case lays the ground (fat claims, full hands, offers with sixteen receivers), and then says
 * what to fill one block with.
 */

import type { FinalBlock } from '../../actors/chain/judge.ts';
import type { Signer } from '../../crypto/identity.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Operation, OperationType } from '../../events/registry.ts';
import { type Case, count, FAT_TAGS, FAT_TEXT, flat, id, upTo } from './case.ts';
import { Ground, type Request, requestsOf } from './ground.ts';
import { MARKET_CASES } from './market-cases.ts';
import { mixedSigner } from './mixed-signer.ts';

/**
 * All but those that stand alone in a block, and the one that cannot be accepted yet; and transactions whose signatures
 * are what makes them dear.
 */
export type HeavyKind = Exclude<OperationType, 'genesis' | 'rules_upgrade' | 'time_correct'> | 'signatures';

/** One author, one kind of operation, again and again. */
const simple =
  (per: number, make: (at: number, ground: Ground) => Operation, prepare?: (ground: Ground) => void): Case =>
  ({ many }) => {
    const ground = new Ground(2);
    prepare?.(ground);
    const operations = upTo(many, (at) => make(at, ground));
    return { ground, requests: requestsOf(operations, ground.founder, per) };
  };

// Knowledge.

const fatClaim = (at: number, evidence: Hex32[] = []): Operation => ({
  type: 'claim',
  artifact: id(`claim ${at}`),
  parent: undefined,
  evidence,
  tags: FAT_TAGS,
});

function claims(ground: Ground, many: number): Hex32[] {
  ground.all(
    count(many, (at) => fatClaim(at)),
    ground.founder,
    16,
  );
  return count(many, (at) => id(`claim ${at}`));
}

const retractions =
  (type: 'retract' | 'reinstate'): Case =>
  ({ many }) => {
    const ground = new Ground(0);
    const known = claims(ground, many);
    const of = (kind: 'retract' | 'reinstate') =>
      known.map((claim): Operation => ({ type: kind, claim, reason: undefined }));
    if (type === 'reinstate') ground.all(of('retract'), ground.founder, 256);
    return { ground, requests: requestsOf(of(type), ground.founder, 256) };
  };

// Tasks: of many hands, since one pair holds 4,096.

const taskCreate = (task: string, assignee: Hex32 | undefined): Operation => ({
  type: 'task_create',
  task,
  title: 't',
  description: undefined,
  assignee,
  dueMs: undefined,
  reward: 1n,
  rewardFrom: undefined,
  leaseMs: 3_600_000,
  tags: [],
});

interface Job {
  readonly task: string;
  readonly worker: Signer;
}

function jobs(ground: Ground, many: number, { fat = false, started = false, assigned = true } = {}): Job[] {
  const { members, founder } = ground;
  const made = count(many, (at): Job => ({ task: `${at}`, worker: members[at % members.length]! }));
  const text = fat ? { description: FAT_TEXT, tags: FAT_TAGS } : {};
  ground.all(
    made.map(({ task, worker }) => ({
      ...taskCreate(task, assigned ? worker.publicKey : undefined),
      ...text,
    })),
    founder,
    fat ? 12 : 64,
  );
  if (started) ground.seal(byWorker(made, (task) => ({ type: 'task_start', task, attempt: 1 })));
  return made;
}

function* byWorker(made: readonly Job[], make: (task: string) => Operation): Generator<Request> {
  const perWorker = Map.groupBy(made, ({ worker }) => worker);
  for (const [worker, own] of perWorker)
    yield* requestsOf(
      own.map(({ task }) => make(task)),
      worker,
      256,
    );
}

const work =
  (make: (task: string) => Operation, prepared: Parameters<typeof jobs>[2]): Case =>
  ({ many }) => {
    const ground = new Ground(8);
    ground.all(
      [{ type: 'claim', artifact: id('result'), parent: undefined, evidence: [], tags: FAT_TAGS }],
      ground.founder,
    );
    return { ground, requests: byWorker(jobs(ground, many, prepared), make) };
  };

const removals =
  (make: (member: Hex32) => Operation): Case =>
  ({ many }) => {
    const ground = new Ground(Math.ceil(many / 64));
    jobs(ground, many, { started: true });
    return {
      ground,
      requests: requestsOf(
        ground.members.map(({ publicKey }) => make(publicKey)),
        ground.founder,
        8,
      ),
    };
  };

// Invites: with a key of small order, whose proofs only the slow verifier takes.

/** A point of order eight, and the signature under it that holds for every message. */
const SMALL_ORDER = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a';
const PROOF = Uint8Array.from([...Buffer.from(SMALL_ORDER, 'hex'), ...new Uint8Array(32)]);
const FOREVER_MS = 1_900_000_000_000;

const invite = (key: Hex32): Operation => ({
  type: 'invite_create',
  invite: key,
  role: 'member',
  maxUses: 1_000_000,
  expiresMs: FOREVER_MS,
});

const comings: Case = ({ many }) => {
  const ground = new Ground(1);
  const [joiner] = ground.members as [Signer];
  ground.all([invite(SMALL_ORDER), { type: 'member_remove', member: joiner.publicKey }], ground.founder);
  const comeAndGo = upTo(
    2 * many,
    (at): Operation =>
      at % 2 === 0
        ? { type: 'invite_accept', invite: SMALL_ORDER, proof: PROOF }
        : { type: 'member_remove', member: joiner.publicKey },
  );
  return { ground, requests: requestsOf(comeAndGo, joiner, 60) };
};

/** As many transactions as a block may have, each under a key that the fast verification refuses. */
const signatures: Case = ({ many }) => {
  const ground = new Ground(0);
  const author = mixedSigner('author');
  ground.all([{ type: 'member_add', member: author.publicKey, role: 'member' }], ground.founder);
  const requests = upTo(many, (at): Request => {
    const status = at % 2 === 0 ? 'busy' : 'idle';
    return { author, operations: [{ type: 'presence', status, metadata: undefined }] };
  });
  return { ground, requests };
};

/** One for each kind of operation that can stand in a block above height 0. */
export const CASES: { readonly [K in HeavyKind]: Case } = {
  policy_update: simple(256, (at) => ({
    type: 'policy_update',
    changes: [{ key: 'claim_reward_amount', value: BigInt(at) }],
  })),
  member_add: simple(200, (at) => ({ type: 'member_add', member: id(`new ${at}`), role: 'viewer' })),
  member_remove: removals((member) => ({ type: 'member_remove', member })),
  invite_create: simple(200, (at) => invite(id(`invite ${at}`))),
  invite_accept: comings,
  invite_revoke: ({ many }) => {
    const ground = new Ground(0);
    const keys = count(many, (at) => id(`invite ${at}`));
    ground.all(keys.map(invite), ground.founder, 200);
    return {
      ground,
      requests: requestsOf(
        keys.map((key) => ({ type: 'invite_revoke', invite: key })),
        ground.founder,
        256,
      ),
    };
  },
  profile_set: simple(256, (at) => ({ type: 'profile_set', name: `name ${at}` })),
  sealer_set: simple(
    256,
    (at, { founder, members }) => ({
      type: 'sealer_set',
      sealers: [at % 2 === 0 ? members[0]!.publicKey : founder.publicKey],
    }),
    (ground) =>
      ground.all(
        [{ type: 'member_add', member: ground.members[0]!.publicKey, role: 'admin' }],
        ground.founder,
      ),
  ),
  sealer_accept: ({ many }) => {
    const ground = new Ground(1);
    const { founder, members } = ground;
    const other = members[0]!;
    ground.all([{ type: 'member_add', member: other.publicKey, role: 'admin' }], founder);
    // Two admins take the sealing from each other, as often as a block has room.
    const requests = upTo(Math.min(many, 4_096), (at): Request => {
      const author = at % 2 === 0 ? other : founder;
      return {
        author,
        operations: [{ type: 'sealer_set', sealers: [author.publicKey] }, { type: 'sealer_accept' }],
      };
    });
    return { ground, requests };
  },
  mint: simple(256, (at) => ({ type: 'mint', to: id(`rich ${at}`), amount: 1n })),
  transfer: simple(256, (at) => ({ type: 'transfer', to: id(`rich ${at}`), amount: 1n, feeMax: undefined })),
  treasury_spend: simple(
    256,
    (at) => ({ type: 'treasury_spend', to: id(`rich ${at}`), amount: 1n }),
    (ground) =>
      ground.all(
        [{ type: 'transfer', to: ground.members[0]!.publicKey, amount: 100_000_000n, feeMax: undefined }],
        ground.founder,
      ),
  ),
  claim: ({ many }) => {
    const ground = new Ground(0);
    const known = claims(ground, Math.max(32, Math.ceil(many / 4)));
    const citing = upTo(many, (at) =>
      fatClaim(
        known.length + at,
        count(32, (n) => known[(32 * at + n) % known.length]!),
      ),
    );
    return { ground, requests: requestsOf(citing, ground.founder, 16) };
  },
  retract: retractions('retract'),
  reinstate: retractions('reinstate'),
  experience: simple(256, (at) => ({ type: 'experience', artifact: id(`run ${at}`) })),
  task_create: ({ many }) => {
    const ground = new Ground(8);
    const created = upTo(many, (at) => taskCreate(`${at}`, ground.members[at % 8]!.publicKey));
    return { ground, requests: requestsOf(created, ground.founder, 200) };
  },
  task_assign: ({ many }) => {
    const ground = new Ground(8);
    const made = jobs(ground, many);
    const again = made.map(
      ({ task }, at): Operation => ({
        type: 'task_assign',
        task,
        assignee: ground.members[(at + 1) % 8]!.publicKey,
      }),
    );
    return { ground, requests: requestsOf(again, ground.founder, 200) };
  },
  task_start: work((task) => ({ type: 'task_start', task, attempt: 1 }), {}),
  task_progress: ({ many }) => {
    const ground = new Ground(8);
    const made = jobs(ground, Math.ceil(many / 8), { fat: true, started: true });
    const again = upTo(8, () =>
      byWorker(made, (task) => ({ type: 'task_progress', task, attempt: 1, note: undefined })),
    );
    return { ground, requests: flat(again) };
  },
  task_complete: work((task) => ({ type: 'task_complete', task, attempt: 1, result: id('result') }), {
    started: true,
  }),
  task_fail: work((task) => ({ type: 'task_fail', task, attempt: 1, error: undefined }), { started: true }),
  task_release: work((task) => ({ type: 'task_release', task, attempt: 1 }), { started: true }),
  task_cancel: ({ many }) => {
    const ground = new Ground(8);
    const made = jobs(ground, many, { started: true });
    return {
      ground,
      requests: requestsOf(
        made.map(({ task }) => ({ type: 'task_cancel', task, reason: undefined })),
        ground.founder,
        200,
      ),
    };
  },
  presence: simple(256, (at) => ({
    type: 'presence',
    status: at % 2 === 0 ? 'busy' : 'idle',
    metadata: '{}',
  })),
  signatures,
  ...MARKET_CASES,
};

/** How many operations of a kind fill a block, or a little more: what a case has to lay the ground for. */
const MANY: Partial<Record<HeavyKind, number>> = {
  policy_update: 40_000,
  profile_set: 40_000,
  sealer_set: 40_000,
  presence: 40_000,
  member_remove: 14_000,
  invite_accept: 300,
  claim: 1_000,
  signatures: 4_096,
  offer_create: 600,
  offer_revoke: 1_400,
  purchase: 4_000,
  grant: 4_000,
  purchase_accept: 400,
  purchase_settle: 400,
  purchase_refund: 4_000,
  purchase_dispute: 300,
};

/** The chain up to the heaviest block of a kind, that block last. */
export function heaviest(
  kind: HeavyKind,
  scale = 1,
): { groupId: Hex32; blocks: Uint8Array[]; final: FinalBlock } {
  const many = Math.max(8, Math.ceil((MANY[kind] ?? 20_000) * scale));
  const { ground, requests } = CASES[kind]({ many });
  const final = ground.fill(requests);
  return { groupId: ground.groupId, blocks: ground.blocks, final };
}
