/**
 * Four tasks of a round and what can become of one: taken in a race and completed, failed with its reward returned,
 * released and completed by somebody else while a late answer is refused, cancelled.
 *
 * Each is driven from whatever state it is in to its end, so an interrupted one is taken up where it stood.
 */

import type { Agent } from '../../../actors/agent.ts';
import { RefusedError } from '../../../actors/errors.ts';
import type { Task } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { shortId } from '../text.ts';
import { ensureBudget, tokens } from './cast.ts';
import { resultText } from './discussion.ts';
import type { AgentName } from './narrator.ts';
import { type Round, refused } from './round.ts';

const CHECK_REWARD = 25n;
const ASK_REWARD = 15n;
const NOTE_LEASE_MS = 3_600_000;

/** One step from each state; nothing where the task is at its end. */
type Steps = (task: Task | undefined) => Promise<unknown> | undefined;

async function drive(round: Round, name: string, steps: Steps): Promise<void> {
  for (;;) {
    const step = steps(round.task(name));
    if (step === undefined) return;
    await step;
  }
}

function nameOf(round: Round, key: Hex32 | undefined): AgentName {
  const { agents } = round.workshop;
  return (Object.keys(agents) as AgentName[]).find((name) => agents[name].publicKey === key)!;
}

async function start(round: Round, name: string): Promise<void> {
  const who = nameOf(round, round.task(name)!.assignee);
  await round.workshop.agents[who].startTask(round.tag(name));
  round.narrator.does(who, `starts ${round.tag(name)}`);
}

// Raced for and completed.

/** The reward is promised by an admin, and so is made when the work is done. */
export async function check(round: Round): Promise<void> {
  const { inspection } = round;
  await drive(round, 'check', (task) => {
    if (task === undefined)
      return create(round, 'architect', 'check', {
        title: `Sort the ${inspection.topic.noun} by package and check each section`,
        reward: CHECK_REWARD,
      });
    if (task.status === 'pending') return race(round, 'check');
    if (task.status === 'assigned') return start(round, 'check');
    if (task.status === 'in_progress') return finishCheck(round, nameOf(round, task.assignee));
    return undefined;
  });
}

async function finishCheck(round: Round, who: AgentName): Promise<void> {
  const { inspection, narrator } = round;
  const { agents } = round.workshop;
  const task = round.tag('check');
  const note = `${inspection.hits.length} sections to go through`;
  await agents[who].progressTask(task, note);
  narrator.does(who, `reports: ${note}`);
  const result = await round.states(who, 'check-result', {
    text: resultText(inspection),
    parent: round.claimOf('finding')!,
    evidence: inspection.hits.slice(0, 32).map(({ claim }) => claim),
  });
  await agents[who].completeTask(task, result);
  narrator.does(who, `completes ${task} with ${shortId(result)} and earns ${tokens(CHECK_REWARD)}`);
}

/** Two agents take the task at the same moment. Who is first is left to chance; that only one wins is not. */
async function race(round: Round, name: string): Promise<void> {
  const task = round.tag(name);
  const racers: AgentName[] = Math.random() < 0.5 ? ['developer', 'reviewer'] : ['reviewer', 'developer'];
  const tries = racers.map((who) => round.workshop.agents[who].takeTask(task));
  const results = await Promise.allSettled(tries);
  for (const [at, result] of results.entries()) {
    const who = racers[at]!;
    if (result.status === 'fulfilled') round.narrator.does(who, `takes ${task}`);
    else round.narrator.refuses(who, `wants to take it too: ${refusalCode(result.reason, 'task_state')}`);
  }
  const wins = results.filter(({ status }) => status === 'fulfilled').length;
  if (wins !== 1) throw new Error(`${wins} agents won the race for ${task}`);
}

function refusalCode(error: unknown, expected: string): string {
  if (error instanceof RefusedError && error.refusal.code === expected) return expected;
  throw error;
}

async function create(
  round: Round,
  who: AgentName,
  name: string,
  task: { title: string; description?: string; reward?: bigint; leaseMs?: number },
): Promise<void> {
  await round.workshop.agents[who].createTask({ task: round.tag(name), tags: round.tags(name), ...task });
  const reward = task.reward === undefined ? '' : `, for ${tokens(task.reward)}`;
  round.narrator.does(who, `creates ${round.tag(name)}: ${task.title}${reward}`);
}

// Failed.

/** The reward is a plain member's own money: in escrow from the beginning, and returned after the failure. */
export async function ask(round: Round): Promise<void> {
  const { narrator, workshop, inspection } = round;
  const { developer } = workshop.agents;
  const task = round.tag('ask');
  await drive(round, 'ask', (found) => {
    if (found === undefined) return createAsk(round);
    if (found.status === 'pending')
      return developer.takeTask(task).then(() => narrator.does('developer', `takes ${task}`));
    if (found.status === 'assigned') return start(round, 'ask');
    if (found.status !== 'in_progress') return undefined;
    const error = `An issue at ${inspection.packages[0]} must be opened by a person with an account, and this node works offline.`;
    return developer.failTask(task, error).then(() => {
      narrator.does('developer', `gives it up as failed: “${error}”`);
      narrator.tells(`${tokens(ASK_REWARD)} go back from escrow to the reviewer`);
    });
  });
}

async function createAsk(round: Round): Promise<void> {
  await ensureBudget(round.workshop, 'reviewer', ASK_REWARD);
  const title = `Ask the maintainers of ${round.inspection.packages[0]} what they think`;
  await create(round, 'reviewer', 'ask', { title: title.slice(0, 256), reward: ASK_REWARD });
  round.narrator.tells(`${tokens(ASK_REWARD)} of the reviewer go into escrow`);
}

// Released, taken over, and a late answer.

export async function note(round: Round): Promise<void> {
  const { topic } = round.inspection;
  const { developer, reviewer } = round.workshop.agents;
  await drive(round, 'note', (task) => {
    if (task === undefined)
      return create(round, 'architect', 'note', {
        title: `Write the note for our handbook: ${topic.noun}`,
        description: 'Five lines at most, with the ids of the sections that it rests on.',
        leaseMs: NOTE_LEASE_MS,
      });
    const isFirstAttempt = task.attempt <= 1;
    if (task.status === 'pending') return take(round, 'note', task.attempt === 0 ? developer : reviewer);
    if (task.status === 'assigned') return start(round, 'note');
    if (task.status === 'in_progress') return isFirstAttempt ? release(round) : finishNote(round, task);
    return undefined;
  });
}

async function take(round: Round, name: string, agent: Agent): Promise<void> {
  await agent.takeTask(round.tag(name));
  const { attempt, assignee } = round.task(name)!;
  round.narrator.does(nameOf(round, assignee), `takes ${round.tag(name)}, attempt ${attempt}`);
}

async function release(round: Round): Promise<void> {
  const task = round.tag('note');
  const { developer } = round.workshop.agents;
  const draft = 'draft done, examples missing';
  await developer.progressTask(task, draft);
  await developer.releaseTask(task);
  round.narrator.does(
    'developer',
    `reports “${draft}” and releases it: the reviewer knows the examples better`,
  );
}

async function finishNote(round: Round, { attempt, assignee }: Task): Promise<void> {
  const { narrator, inspection, workshop } = round;
  const task = round.tag('note');
  const who = nameOf(round, assignee);
  const late = await refused(
    'task_attempt_stale',
    workshop.agents.developer.completeTask(task, undefined, 1),
  );
  narrator.refuses('developer', `answers attempt 1, too late: ${late.refusal.code}`);
  const { topic, hits } = inspection;
  const cited = hits.slice(0, 3);
  const result = await round.states(who, 'note-result', {
    text: `Note for the handbook, ${topic.noun}: ${topic.answer} Begin with ${cited.map(({ document }) => document).join(', ')}.`,
    parent: round.claimOf('answer') ?? round.claimOf('finding')!,
    evidence: cited.map(({ claim }) => claim),
  });
  await workshop.agents[who].completeTask(task, result, attempt);
  narrator.does(who, `completes ${task}, attempt ${attempt}, with ${shortId(result)}`);
}

// Cancelled.

export async function fixInPlace(round: Round): Promise<void> {
  const { narrator, workshop } = round;
  const task = round.tag('fix-in-place');
  await drive(round, 'fix-in-place', (found) => {
    if (found === undefined)
      return create(round, 'reviewer', 'fix-in-place', {
        title: `Correct the ${round.inspection.topic.noun} where they stand`,
      });
    if (found.status === 'cancelled') return undefined;
    const reason =
      'The documents belong to their packages: what we change there is lost with the next npm ci.';
    return workshop.agents.architect
      .cancelTask(task, reason)
      .then(() => narrator.does('architect', `cancels it: “${reason}”`));
  });
}
