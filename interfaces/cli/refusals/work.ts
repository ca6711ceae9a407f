/** Words for what the rules of tasks, claims and presence say no to. */
import type { TaskStatus } from '../../../events/effects.ts';
import { formatSpan, shortId } from '../text.ts';
import { moment, type SomeWords, signer } from './say.ts';

const OPEN_TASKS = 'lb list-tasks --status open shows those that are not';

/** What a task is like in a state, and what can be done with it then. */
const TASK_STATES: { readonly [S in TaskStatus]: readonly [is: string, next: string] } = {
  pending: ['is pending: nobody has taken it', 'take it first with: lb take-task'],
  assigned: ['is assigned, and not started', 'the assignee goes on with: lb start-task'],
  in_progress: ['is in progress', 'the assignee goes on with: lb progress-task or lb complete-task'],
  completed: ['is completed', OPEN_TASKS],
  failed: ['has failed', OPEN_TASKS],
  cancelled: ['is cancelled', OPEN_TASKS],
};

const DONE_TO_TASK: Readonly<Record<string, string>> = {
  assign: 'taken or assigned',
  reassign: 'assigned to somebody else',
  start: 'started',
  progress: 'worked on',
  complete: 'completed',
  fail: 'given up',
  release: 'released',
  cancel: 'cancelled',
};

export const taskWords = {
  task_exists: ({ task }) => [
    `there is a task ${task} already`,
    'choose another --id; lb show-task shows that one',
  ],
  task_unknown: ({ task }) => [`there is no task ${task}`, 'lb list-tasks shows all of them'],
  lease_out_of_range: ({ leaseMs, min, max }) => [
    `a lease of ${formatSpan(leaseMs)} is too ${leaseMs < min ? 'short' : 'long'}`,
    `name one from ${formatSpan(min)} to ${formatSpan(max)} with --lease`,
  ],
  not_task_creator: ({ task, creator }, say) => [
    `the task ${task} was created by ${say.name(creator)}, and only they or an admin may do this`,
    'sign as one of them with --as',
  ],
  task_attempt_stale: ({ task, attempt, current }) =>
    attempt < current
      ? [
          `attempt ${attempt} of the task ${task} is over: it is at attempt ${current} now`,
          `the work of attempt ${attempt} does not count any more; lb show-task shows who works on it`,
        ]
      : [
          `there is no attempt ${attempt} of the task ${task} yet: it is at attempt ${current}`,
          'leave --attempt out to mean the present one; lb show-task shows it',
        ],
  task_state: ({ task, status, event }) => {
    const [is, next] = TASK_STATES[status as TaskStatus] ?? [`is ${status}`, OPEN_TASKS];
    const isTaken = event === 'assign' && (status === 'assigned' || status === 'in_progress');
    return [
      `the task ${task} ${is}, so it cannot be ${DONE_TO_TASK[event] ?? event}`,
      isTaken ? 'lb list-tasks --status pending shows those that are free' : next,
    ];
  },
  not_task_assignee: ({ task, assignee }, say) =>
    assignee === undefined
      ? [`nobody works on the task ${task}`, 'take it first with: lb take-task']
      : [
          `the task ${task} is with ${say.name(assignee)}, not with ${signer(say)}`,
          'sign as the assignee with --as',
        ],
  assignee_unchanged: ({ task, assignee }, { name }) => [
    `the task ${task} is with ${name(assignee)} already`,
    'it goes on with: lb start-task',
  ],
  assignee_unable: ({ assignee }, { name }) => [
    `${name(assignee)} is no member who may work on tasks`,
    'choose a member or an admin; lb members shows who is one',
  ],
  assignee_overloaded: ({ assignee, max }, { name }) => [
    `${name(assignee)} holds ${max} open tasks, as many as anyone may`,
    'finish or release some of them first',
  ],
  lease_running: ({ task, untilMs }, say) =>
    untilMs === undefined
      ? [
          `the task ${task} has no lease, so only its assignee, its creator and admins may release it`,
          'ask one of them; lb show-task shows who they are',
        ]
      : [
          `the lease of the task ${task} runs until ${moment(untilMs, say)}`,
          'wait for that, or have its assignee release it',
        ],
} satisfies SomeWords;

export const knowledgeWords = {
  artifact_known: ({ artifact }) => [
    'the group has exactly this already',
    `look at it with: lb show ${shortId(artifact)}`,
  ],
  claim_unknown: ({ claim }) => [
    `there is no claim ${shortId(claim)} in the group`,
    'lb recent-claims shows the latest',
  ],
  reference_unknown: ({ reference }) => [
    `there is no claim and no experience ${shortId(reference)} in the group`,
    'lb recent-claims shows the latest claims',
  ],
  not_claim_author: ({ claim, author }, say) => [
    `the claim ${shortId(claim)} was made by ${say.name(author)}, and only they or an admin may do this`,
    'sign as one of them with --as',
  ],
  claim_retracted: ({ claim }) => [
    `the claim ${shortId(claim)} is retracted already`,
    'there is nothing left to do; lb reinstate-claim takes it back',
  ],
  claim_not_retracted: ({ claim }) => [
    `the claim ${shortId(claim)} is not retracted`,
    `there is nothing to take back; look at it with: lb show ${shortId(claim)}`,
  ],
  metadata_invalid: () => [
    'the metadata is not a JSON object',
    `write one behind --metadata, such as '{"task":"t-1"}'`,
  ],
  presence_unchanged: () => ['that is what the group knows already', 'there is nothing to change'],
} satisfies SomeWords;
