/**
 * Errors as interfaces for machines give them out: a code that never changes, one sentence that says what and why,
 * and what to do next in the words of operations, since whoever reads it holds tools and no shell.
 */
import { RefusedError } from '../../actors/errors.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { RefusalCode } from '../../events/refusals.ts';
import { EXIT } from '../cli/exit-codes.ts';
import { failureOf } from '../cli/failures.ts';
import { toWire } from '../cli/json.ts';
import { explain } from '../cli/refusals/explain.ts';
import { plainSay, type Say } from '../cli/refusals/say.ts';
import { shortId } from '../cli/text.ts';
import type { Call } from './operation.ts';
import { quoted } from './quote.ts';

export type FailureKind = keyof typeof EXIT;

export interface OperationFailure {
  readonly kind: FailureKind;
  /** Stable; for a refusal, the code of the refusal. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly next: string | undefined;
  /** The refusal's own fields, or the candidates that a short id fits. */
  readonly details: Readonly<Record<string, unknown>>;
}

const JOIN =
  'ask an admin of the group to add you (the operation add_member, or on the node: lb add-member), or join with join_group and a code';

/** What to do next with operations, where the command line's own advice would name verbs. */
const NEXT: Readonly<Partial<Record<RefusalCode, string>>> = {
  author_unknown: JOIN,
  role_insufficient: JOIN,
  task_state: 'list_tasks with status pending shows the tasks that are free; next_task takes one',
  task_unknown: 'list_tasks shows all tasks',
  task_exists: 'choose another task_id, or leave it out',
  not_task_assignee: 'only its assignee may do this; next_task finds you another task',
  task_attempt_stale:
    'somebody else has the task by now, and this work does not count; next_task finds another',
  claim_unknown: 'get_recent_claims and compile_context name claims',
  reference_unknown: 'get_recent_claims and compile_context name claims',
  artifact_known: 'the group knows exactly this already, so there is nothing to publish',
  offer_unknown: 'list_offers shows what is for sale',
  offer_revoked: 'list_offers shows what is for sale',
  offer_expired: 'list_offers shows what is for sale',
  presence_unchanged: 'there is nothing to change',
  balance_too_low: 'name less, or earn more first: tasks and claims are rewarded',
};

/** The same for errors that the command line answers with a flag. */
const NEXT_OF_ERROR: Readonly<Partial<Record<string, string>>> = {
  clock_jumped:
    "look at the clock of the node's machine; if it is right, confirm it (the operation trust_clock, or on the node: lb trust-clock) and try again",
  clock_uncertain:
    "look at the clock of the node's machine; if it is right, confirm it (the operation trust_clock, or on the node: lb trust-clock) and try again",
};

/** What an error means for a caller. @param input what was asked with; no more than a line of it is repeated */
export function describeFailure(
  error: unknown,
  call: Pick<Call, 'node' | 'identity'>,
  input?: unknown,
): OperationFailure {
  const failure = failureFor(error, call);
  return { ...failure, message: quoted(failure.message, input) };
}

function failureFor(error: unknown, call: Pick<Call, 'node' | 'identity'>): OperationFailure {
  if (error instanceof RefusedError) return describeRefusal(error, call);
  const found = failureOf(error);
  const kind = kindOf(found?.exitCode ?? EXIT.bug);
  if (found === undefined || kind === 'bug')
    return {
      kind: 'bug',
      code: 'bug',
      message: 'the node failed in a way that it should not',
      next: 'try once more; the log of the node says what happened',
      details: {},
    };
  const details = toWire(found.details) as Record<string, unknown>;
  const next = NEXT_OF_ERROR[found.code];
  if (next !== undefined) return { kind, code: found.code, message: (error as Error).message, next, details };
  return { kind, code: found.code, message: inTools(found.message), next: undefined, details };
}

function describeRefusal(
  { refusal, removal }: RefusedError,
  call: Pick<Call, 'node' | 'identity'>,
): OperationFailure {
  const { why, next } = explain(refusal, sayOf(call), removal);
  const { code, ...fields } = refusal;
  const isUnsigned = code === 'malformed' || code === 'transaction_too_large';
  return {
    kind: isUnsigned ? 'usage' : 'refused',
    code,
    message: why,
    next: NEXT[code] ?? inTools(next),
    details: toWire({ ...fields, ...(removal === undefined ? {} : { removal }) }) as Record<string, unknown>,
  };
}

function sayOf({ node, identity }: Pick<Call, 'node' | 'identity'>): Say {
  const own = new Map<Hex32, string>(node.identities().map(({ name, publicKey }) => [publicKey, name]));
  return {
    ...plainSay(Date.now()),
    name: (key) => own.get(key) ?? shortId(key),
    ...(identity === undefined ? {} : { signer: identity }),
  };
}

function kindOf(exitCode: number): FailureKind {
  return (Object.keys(EXIT) as FailureKind[]).find((kind) => EXIT[kind] === exitCode) ?? 'bug';
}

/** `lb list-tasks` is the operation `list_tasks`; flags are parameters. */
function inTools(text: string): string {
  return text
    .replaceAll(/\blb ([a-z]+(?:-[a-z]+)*)/g, (_, verb: string) => verb.replaceAll('-', '_'))
    .replaceAll(/(?<=\s)--([a-z]+(?:-[a-z]+)*)/g, (_, flag: string) => flag.replaceAll('-', '_'));
}

/** The failure as JSON. */
export function failureWire({ code, message, next, details }: OperationFailure): Record<string, unknown> {
  return {
    code,
    message,
    ...(next === undefined ? {} : { next }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}
