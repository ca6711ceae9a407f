/**
 * A round of work, and what is known of it. Everything that a round brings about carries its number: claims in a tag
 * (`round-3/finding`), tasks in their id, offers in a tag. So each step can see whether it was done before, and a run
 * that was killed is simply gone on with.
 */
import { RefusedError } from '../../../actors/errors.ts';
import type { Task } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import type { RefusalCode } from '../../../events/refusals.ts';
import { shorten, shortId } from '../text.ts';
import type { Workshop } from './cast.ts';
import type { Inspection, Library } from './inspection.ts';
import type { AgentName, Narrator } from './narrator.ts';

/** The step that closes a round. */
const CLOSING = 'closing';
/** Of a claim's text, as it is told. */
const QUOTE_CHARACTERS = 150;

interface NewStatement {
  readonly text: string;
  readonly parent?: Hex32;
  readonly evidence?: readonly Hex32[];
}

/** The claims of all rounds by their step, with their topics. */
function readSteps({ group }: Workshop): Map<string, { claim: Hex32; topic: string | undefined }> {
  const steps = new Map<string, { claim: Hex32; topic: string | undefined }>();
  for (const { claim, tags } of group.now.claims())
    if (tags[0]?.startsWith('round-')) steps.set(tags[0], { claim, topic: tags[1] });
  return steps;
}

export class Round {
  readonly number: number;
  /** Whether an earlier run began it. */
  readonly isResumed: boolean;
  readonly workshop: Workshop;
  readonly inspection: Inspection;
  private readonly steps: ReturnType<typeof readSteps>;

  private constructor(
    workshop: Workshop,
    steps: ReturnType<typeof readSteps>,
    number: number,
    isResumed: boolean,
    library: Library,
  ) {
    this.workshop = workshop;
    this.steps = steps;
    this.number = number;
    this.isResumed = isResumed;
    this.inspection = library.inspectFor(number, steps.get(this.tag('finding'))?.topic);
  }

  /** The round that was begun and not closed, or a new one. */
  static next(workshop: Workshop, library: Library): Round {
    const steps = readSteps(workshop);
    const begun = [...steps.keys()].map((tag) => Number(/^round-(\d+)\//.exec(tag)?.[1] ?? 0));
    const last = begun.reduce((greatest, one) => Math.max(greatest, one), 0);
    const isOpen = last > 0 && !steps.has(`round-${last}/${CLOSING}`);
    return new Round(workshop, steps, isOpen ? last : last + 1, isOpen, library);
  }

  get narrator(): Narrator {
    return this.workshop.narrator;
  }

  /** The name of a step, a task or an offer of this round. */
  tag(step: string): string {
    return `round-${this.number}/${step}`;
  }

  task(name: string): Task | undefined {
    return this.workshop.group.now.task(this.tag(name));
  }

  /** The tags of what is said at a step. */
  tags(step: string): string[] {
    return [this.tag(step), this.inspection.topic.tag];
  }

  /** The claim of a step that was taken. */
  claimOf(step: string): Hex32 | undefined {
    return this.steps.get(this.tag(step))?.claim;
  }

  /** Lets an agent claim something, unless it has already. */
  async states(who: AgentName, step: string, statement: NewStatement): Promise<Hex32> {
    const known = this.claimOf(step);
    if (known !== undefined) return known;
    const { claim } = await this.workshop.agents[who].publishClaim({ ...statement, tags: this.tags(step) });
    this.note(step, claim);
    const to = statement.parent === undefined ? '' : ` to ${shortId(statement.parent)}`;
    this.narrator.does(who, `${shortId(claim)}${to}: ${quote(statement.text)}`);
    return claim;
  }

  private note(step: string, claim: Hex32): void {
    this.steps.set(this.tag(step), { claim, topic: this.inspection.topic.tag });
  }

  /** Closes the round: the last word and a bonus in one transaction, so that neither can be without the other. */
  async close(text: string, bonus: { to: AgentName; amount: bigint }): Promise<Hex32> {
    const known = this.claimOf(CLOSING);
    if (known !== undefined) return known;
    const { architect } = this.workshop.agents;
    const finding = this.claimOf('finding');
    const parent = finding === undefined ? {} : { parent: finding };
    const prepared = architect.prepareClaim({ text, tags: this.tags(CLOSING), ...parent });
    const to = this.workshop.agents[bonus.to].publicKey;
    const transfer = { type: 'transfer', to, amount: bonus.amount, feeMax: undefined } as const;
    const outcome = await architect.submit([...prepared.operations, transfer], prepared.artifacts);
    if (outcome.status === 'refused') throw new RefusedError(outcome.refusal);
    this.note(CLOSING, prepared.claim);
    this.narrator.does('architect', `${shortId(prepared.claim)}: ${quote(text)}`);
    return prepared.claim;
  }
}

/** A text as it is told: on one line, not too long. */
function quote(text: string): string {
  return `“${shorten(text.replace(/\s+/g, ' '), QUOTE_CHARACTERS)}”`;
}

/**
 * Does what the rules are to refuse.
 * @returns the refusal, which is the expected one
 */
export async function refused(code: RefusalCode, attempt: Promise<unknown>): Promise<RefusedError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof RefusedError && error.refusal.code === code) return error;
    throw error;
  }
  throw new Error(`the rules should have refused this with ${code}`);
}
