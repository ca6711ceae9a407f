/** Errors of the command line itself: files of the user's, results that do not hold, output that nobody takes. */
import { RefusedError } from '../../actors/errors.ts';
import { errnoName, errnoReason, type SystemErrorKind } from '../../events/errno.ts';
import type { Removal } from '../../events/receipt.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { Explanation } from './refusals/say.ts';

/** A file of the user's that cannot be read or written. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: SystemErrorKind;

  constructor(code: SystemErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What was checked does not hold. The result has been printed; this is its exit code. */
export class VerdictError extends Error {
  override readonly name = 'VerdictError';
  readonly code:
    | 'audit_broken'
    | 'replay_broken'
    | 'proof_invalid'
    | 'proof_unanchored'
    | 'delivery_bad'
    | 'not_delivered'
    | 'unhealthy';

  constructor(code: VerdictError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** The rules said no, in the words of the node that asked them. */
export class ExplainedRefusal extends RefusedError {
  /** What to do about it. */
  readonly next: string;

  constructor(refusal: Refusal, { why, next }: Explanation, removal?: Removal) {
    super(refusal, removal);
    this.message = `${why}; ${next}`;
    this.next = next;
  }
}

/** Something that was named could not be imported; the rest was. */
export class ImportIncompleteError extends Error {
  override readonly name = 'ImportIncompleteError';
  readonly code = 'import_incomplete';
}

/** Standard output takes no more, for another reason than that nobody reads it. */
export class OutputFailedError extends Error {
  override readonly name = 'OutputFailedError';
  readonly code = 'output_failed';

  constructor(cause: Error) {
    const why = errnoReason(errnoName(cause) ?? 'EIO', 'write');
    const next = 'what the verb changed stays changed, so look before running it again';
    super(`cannot write to standard output: ${why}; ${next}`, { cause });
  }
}

/** A group was to be made as new as its sealer, and is not. */
export class SyncFailedError extends Error {
  override readonly name = 'SyncFailedError';
  readonly code: 'removed' | 'in_dispute' | 'peer_unreachable' | 'pending';

  constructor(code: SyncFailedError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
