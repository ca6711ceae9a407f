/** What the rules of tasks, knowledge and presence refuse. */
import { LEASE_MS_MAX, LEASE_MS_MIN, OPEN_TASKS_PER_ASSIGNEE_MAX } from '../../../events/limits.ts';
import {
  claim,
  memberAdd,
  presence,
  reinstate,
  retract,
  taskAssign,
  taskCancel,
  taskComplete,
  taskCreate,
  taskRelease,
  taskStart,
} from '../operations.ts';
import { alice, bob, carol, founder, hashOf } from '../people.ts';
import { by, joined, later, opened } from '../rules.ts';
import { START_MS, type Step } from '../world.ts';
import { operations, type SomeScenarios } from './scenario.ts';

const both = [opened(), joined(alice), joined(bob)];
const task = 't';
/** Alice made the task and Bob holds it. */
const taken = [...both, by(alice, taskCreate(task)), by(bob, taskAssign(task, bob))];

/** As many open tasks as one member may hold, a hundred to a transaction. */
const overload: Step = (world) => {
  const batch = 128;
  for (let at = 0; at < OPEN_TASKS_PER_ASSIGNEE_MAX; at += batch) {
    const tasks = Array.from({ length: batch }, (_, index) =>
      taskCreate(`load ${at + index}`, { assignee: bob.publicKey }),
    );
    by(bob, ...tasks)(world);
  }
};

export const taskScenarios = {
  task_exists: operations([...both, by(alice, taskCreate(task))], bob, [taskCreate(task)], { task }),
  task_unknown: operations(both, alice, [taskStart('nowhere')], { task: 'nowhere' }),
  lease_out_of_range: operations(both, alice, [taskCreate(task, { leaseMs: LEASE_MS_MIN - 1 })], {
    leaseMs: LEASE_MS_MIN - 1,
    min: LEASE_MS_MIN,
    max: LEASE_MS_MAX,
  }),
  not_task_creator: operations([...both, by(alice, taskCreate(task))], bob, [taskCancel(task)], {
    task,
    creator: alice.publicKey,
  }),
  task_attempt_stale: operations(
    [...taken, by(bob, taskRelease(task)), by(bob, taskAssign(task, bob))],
    bob,
    [taskStart(task, 1)],
    { task, attempt: 1, current: 2 },
  ),
  task_state: operations(taken, bob, [taskComplete(task)], { task, status: 'assigned', event: 'complete' }),
  not_task_assignee: operations(taken, alice, [taskStart(task)], { task, assignee: bob.publicKey }),
  assignee_unchanged: operations(taken, alice, [taskAssign(task, bob)], { task, assignee: bob.publicKey }),
  assignee_unable: operations(
    [...both, by(founder, memberAdd(bob, 'viewer')), by(alice, taskCreate(task))],
    alice,
    [taskAssign(task, bob)],
    { assignee: bob.publicKey },
  ),
  assignee_overloaded: operations(
    [...both, overload, by(alice, taskCreate(task))],
    bob,
    [taskAssign(task, bob)],
    {
      assignee: bob.publicKey,
      max: OPEN_TASKS_PER_ASSIGNEE_MAX,
    },
  ),
  // At its last millisecond the lease still runs.
  lease_running: operations(
    [...both, by(alice, taskCreate(task, { leaseMs: 5_000, assignee: bob.publicKey })), later(5_000)],
    carol,
    [taskRelease(task)],
    { task, untilMs: START_MS + 5_000 },
  ),
} satisfies SomeScenarios;

export const knowledgeScenarios = {
  artifact_known: operations([...both, by(alice, claim('c'))], bob, [claim('c')], { artifact: hashOf('c') }),
  claim_unknown: operations(both, alice, [claim('c', { parent: hashOf('nowhere') })], {
    claim: hashOf('nowhere'),
  }),
  reference_unknown: operations(both, alice, [claim('c', { evidence: [hashOf('nowhere')] })], {
    reference: hashOf('nowhere'),
  }),
  not_claim_author: operations([...both, by(alice, claim('c'))], bob, [retract('c')], {
    claim: hashOf('c'),
    author: alice.publicKey,
  }),
  claim_retracted: operations(
    [...both, by(alice, claim('c')), by(alice, retract('c'))],
    alice,
    [retract('c')],
    {
      claim: hashOf('c'),
    },
  ),
  claim_not_retracted: operations([...both, by(alice, claim('c'))], alice, [reinstate('c')], {
    claim: hashOf('c'),
  }),
} satisfies SomeScenarios;

export const presenceScenarios = {
  metadata_invalid: operations(both, alice, [presence('active', '[1]')], {}),
  presence_unchanged: operations(
    [...both, by(alice, presence('busy', '{}'))],
    alice,
    [presence('busy', '{}')],
    {},
  ),
} satisfies SomeScenarios;
