/**
 * From an error to what the user gets: one line, and an exit code that is the same for every error of a kind.
 * Errors are told apart by their code, never by their text.
 */
import { CommanderError } from 'commander';
import type { NotSealerError } from '../../actors/chain/sealer.ts';
import { ChainStoppedError } from '../../actors/chain/stopped.ts';
import type { CheckpointError } from '../../actors/checkpoint/take.ts';
import type { ClockJumpedError } from '../../actors/clock.ts';
import {
  AmbiguousIdError,
  BrokenHistoryError,
  type HistoryIncompleteError,
  type NotFoundError,
  RefusedError,
  type UsageError,
} from '../../actors/errors.ts';
import type { HistoryMovedError } from '../../actors/history/audit.ts';
import type { ExportFileErrorCode } from '../../actors/history/export-format.ts';
import type { MarketErrorCode } from '../../actors/market/errors.ts';
import type { OutboxFullError, PendingError } from '../../actors/outbox.ts';
import type { TooManyWatchersError } from '../../actors/watch.ts';
import type { KeystoreErrorCode } from '../../crypto/keystore-errors.ts';
import type { PackageErrorCode } from '../../crypto/package.ts';
import type { VerifierErrorCode } from '../../crypto/verifier.ts';
import {
  describeErrno,
  errnoKind,
  errnoName,
  errnoReason,
  type SystemErrorKind,
} from '../../events/errno.ts';
import type { Refusal, RefusalCode } from '../../events/refusals.ts';
import type { NetworkErrorCode } from '../../protocol/errors.ts';
import type { BackupErrorCode } from '../../storage/backup/manifest.ts';
import { type DirectoryErrorCode, DirectoryOwnedError, type StorageErrorCode } from '../../storage/errors.ts';
import type { ViewsErrorCode } from '../../views/errors.ts';
import { ConfigError, type ConfigErrorCode } from '../config/errors.ts';
import type { GitError } from '../git/repository.ts';
import type { IdentityRequiredError } from '../operations/call.ts';
import type { CancelledError } from '../operations/cancelled.ts';
import type { ConfigurationFileError } from '../setup/edit.ts';
import type { SocketProtocolError } from '../socket/frames.ts';
import type { SocketPathError } from '../socket/server.ts';
import type { ContextsFileError } from './contexts.ts';
import { SCHEMA_VERSION, toWire } from './json.ts';
import type { RestoredNodeError } from './network.ts';
import { explain } from './refusals/explain.ts';
import { type Explanation, plainSay } from './refusals/say.ts';
import { cleanLine } from './text.ts';
import type { LockedNodeError } from './verb-run.ts';

/** The exit codes: a contract with scripts, never renumbered. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** A bug of this program. */
  bug: 1,
  /** The command line makes no sense, or an id fits several things. */
  usage: 2,
  /** Nothing goes by that id, name or path. */
  notFound: 3,
  /** The rules of the group, or the state of the node, say no. */
  refused: 4,
  /** The password is missing or wrong. */
  forbidden: 5,
  /** A peer or the sealer cannot be reached. */
  unreachable: 6,
  /** The disk, the clock, another owner of the directory. */
  environment: 7,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
type ExitKind = keyof typeof EXIT;

/** Every code that an error of this program carries: one that is missing below does not compile. */
type KnownCode =
  | UsageError['code']
  | NotFoundError['code']
  | AmbiguousIdError['code']
  | RefusedError['code']
  | BrokenHistoryError['code']
  | DirectoryErrorCode
  | DirectoryOwnedError['code']
  | KeystoreErrorCode
  | StorageErrorCode
  | PackageErrorCode
  | VerifierErrorCode
  | ExportFileErrorCode
  | BackupErrorCode
  | ContextsFileError['code']
  | HistoryMovedError['code']
  | HistoryIncompleteError['code']
  | CheckpointError['code']
  | ViewsErrorCode
  | VerdictError['code']
  | FileError['code']
  | ImportIncompleteError['code']
  | OutputFailedError['code']
  | NotSealerError['code']
  | PendingError['code']
  | OutboxFullError['code']
  | NetworkErrorCode
  | MarketErrorCode
  | ChainStoppedError['code']
  | ClockJumpedError['code']
  | TooManyWatchersError['code']
  | ConfigErrorCode
  | SocketPathError['code']
  | SocketProtocolError['code']
  | LockedNodeError['code']
  | RestoredNodeError['code']
  | IdentityRequiredError['code']
  | CancelledError['code']
  | ConfigurationFileError['code']
  | GitError['code'];

/** The kind of every code. */
const KIND_OF_CODE: Readonly<Record<KnownCode, ExitKind>> = {
  usage: 'usage',
  ambiguous_id: 'usage',
  not_found: 'notFound',
  refused: 'refused',
  // Data directory.
  missing: 'notFound',
  not_a_node: 'environment',
  owned: 'environment',
  newer_format: 'environment',
  // Configuration.
  config_invalid: 'usage',
  config_unreadable: 'environment',
  configuration_unreadable: 'environment',
  git_failed: 'environment',
  log_dir_unwritable: 'environment',
  metrics_port_unusable: 'environment',
  http_port_unusable: 'environment',
  // Keys.
  keystore_exists: 'refused',
  keystore_not_found: 'notFound',
  keystore_lost: 'environment',
  keystore_corrupt: 'environment',
  keystore_version_unknown: 'environment',
  keystore_changed: 'environment',
  keystore_unwritable: 'environment',
  password_required: 'forbidden',
  password_wrong: 'forbidden',
  password_empty: 'usage',
  identity_exists: 'refused',
  identity_not_found: 'notFound',
  identity_name_invalid: 'usage',
  // Storage.
  disk_full: 'environment',
  io: 'environment',
  map_full: 'environment',
  corrupt: 'environment',
  closed: 'environment',
  out_of_order: 'environment',
  hash_mismatch: 'environment',
  // Histories and their files.
  audit_broken: 'refused',
  replay_broken: 'refused',
  proof_invalid: 'refused',
  proof_unanchored: 'refused',
  delivery_bad: 'refused',
  not_delivered: 'refused',
  not_an_export: 'refused',
  newer_version: 'environment',
  truncated: 'refused',
  checksum_mismatch: 'refused',
  malformed: 'refused',
  exists: 'refused',
  not_a_file: 'usage',
  import_incomplete: 'notFound',
  output_failed: 'environment',
  history_moved: 'environment',
  history_broken: 'environment',
  history_incomplete: 'environment',
  checkpoint_invalid: 'refused',
  // Backups and contexts.
  not_a_backup: 'refused',
  backup_newer: 'environment',
  backup_damaged: 'refused',
  not_empty: 'refused',
  contexts_unreadable: 'environment',
  unhealthy: 'environment',
  package_too_large: 'usage',
  package_not_recognised: 'environment',
  package_does_not_open: 'environment',
  // Views.
  views_closed: 'environment',
  views_failed: 'environment',
  views_busy: 'environment',
  sql_invalid: 'usage',
  sql_stopped: 'refused',
  // The running node.
  group_halted: 'environment',
  group_closed: 'environment',
  clock_jumped: 'environment',
  too_many_watchers: 'refused',
  socket_path_too_long: 'environment',
  socket_protocol: 'unreachable',
  node_locked: 'forbidden',
  identity_required: 'forbidden',
  cancelled: 'interrupted',
  not_sealer: 'unreachable',
  // The market.
  package_unavailable: 'unreachable',
  group_unreachable: 'unreachable',
  order_pending: 'unreachable',
  offer_contradicted: 'refused',
  proof_rejected: 'refused',
  // The network.
  pending: 'unreachable',
  outbox_full: 'unreachable',
  peer_unreachable: 'unreachable',
  restored_uncompared: 'unreachable',
  peer_refused: 'refused',
  peer_misbehaved: 'unreachable',
  request_timeout: 'unreachable',
  network_stopped: 'environment',
  listen_failed: 'environment',
  verifier_closed: 'environment',
  verifier_thread_died: 'environment',
};

/** What to do next, where the message of the error does not say it. Nothing here destroys anything. */
const NEXT: Readonly<Partial<Record<string, string>>> = {
  missing: 'make a node there with: lb init --data DIR',
  keystore_not_found: 'finish making it with: lb init --data DIR',
  not_a_node: 'choose another directory with --data, or make a node in an empty one with: lb init',
  owned: 'try again when it is done, or use another --data',
  password_required: 'give it in LB_PASSWORD or with --password-file, or type it on a terminal',
  password_wrong: 'check LB_PASSWORD or --password-file',
  config_invalid: 'see docs/CONFIGURATION.md',
  sql_invalid: 'one SELECT over documented views runs, which are listed by: lb sql --tables',
};

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

  constructor(refusal: Refusal, { why, next }: Explanation) {
    super(refusal);
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

export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  /** More for machines: the refusal, the candidates, the owner. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What an error means for the user; `undefined` where it means success (help, version). */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof CommanderError) return commanderFailure(error);
  const code = codeOf(error);
  if (code !== undefined && isKnown(code)) {
    const message = messageOf(error as Error, code);
    return { ...failure(code, message, kindOf(error, code)), details: detailsOf(error) };
  }
  const system = systemFailure(error);
  if (system !== undefined) return system;
  const message = error instanceof Error ? error.message : String(error);
  const text = `this is a bug in lb: ${message}; please report it (LB_LOG_LEVEL=debug shows more)`;
  return failure('bug', text, 'bug');
}

function commanderFailure(error: CommanderError): Failure | undefined {
  if (error.exitCode === 0) return undefined;
  // Flags, and no verb.
  if (error.code === 'commander.help')
    return failure('usage', 'which verb? lb help lists them all, and lb VERB --help shows one', 'usage');
  const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  // What was meant is known already.
  if (message.endsWith('?)')) return failure('usage', message, 'usage');
  const next = NEXT_OF_PARSER[error.code] ?? 'lb VERB --help shows what goes where';
  return failure('usage', `${message.replace(/\.$/, '')}; ${next}`, 'usage');
}

const NEXT_OF_PARSER: Readonly<Partial<Record<string, string>>> = {
  'commander.unknownOption': 'the flags of a verb go behind it, and lb VERB --help lists them',
  'commander.excessArguments': 'most values go behind a flag, and lb VERB --help shows which',
};

function isKnown(code: string): code is KnownCode {
  return Object.hasOwn(KIND_OF_CODE, code);
}

/** The code of an error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** An error of the operating system that nobody on its way gave a meaning. */
function systemFailure(error: unknown): Failure | undefined {
  const name = errnoName(error);
  if (name === undefined) return undefined;
  const { path, syscall } = error as NodeJS.ErrnoException;
  const isReading = ['read', 'stat', 'lstat', 'scandir', 'uv_cwd'].includes(syscall ?? '');
  const place = syscall === 'uv_cwd' ? 'the current folder' : (path ?? 'a file or folder');
  const message = describeErrno(name, isReading ? 'read' : 'write', place);
  const kind = errnoKind(name);
  return failure(kind, message, KIND_OF_CODE[kind]);
}

function failure(code: string, message: string, kind: ExitKind): Failure {
  return { exitCode: EXIT[kind], code, message, details: {} };
}

/** What was out of bounds was never signed: that is the command line's fault, and not the group's. */
function kindOf(error: unknown, code: KnownCode): ExitKind {
  const isUnsigned = error instanceof RefusedError && UNSIGNED.includes(error.refusal.code);
  return isUnsigned ? 'usage' : KIND_OF_CODE[code];
}
const UNSIGNED: readonly RefusalCode[] = ['malformed', 'transaction_too_large'];

function messageOf(error: Error, code: string): string {
  if (error instanceof BrokenHistoryError) {
    const { why, next } = explain(error.refusal, plainSay(Date.now()));
    return `the history is broken at height ${error.height}: ${why}; ${next}`;
  }
  const next = NEXT[code];
  return next === undefined ? error.message : `${error.message}; ${next}`;
}

function detailsOf(error: unknown): Record<string, unknown> {
  if (error instanceof ExplainedRefusal) return { refusal: error.refusal, next: error.next };
  if (error instanceof RefusedError || error instanceof BrokenHistoryError) return { refusal: error.refusal };
  if (error instanceof AmbiguousIdError) return { candidates: error.candidates };
  if (error instanceof ConfigError) return { problems: error.problems };
  if (error instanceof DirectoryOwnedError) return { pid: error.pid };
  if (error instanceof ChainStoppedError) return { retryAtMs: error.retryAtMs };
  return {};
}

/** The one line on standard error. */
export function formatFailure(failure: Failure, json: boolean): string {
  const { code, message, details, exitCode } = failure;
  if (!json) return `lb: ${cleanLine(message)}`;
  const wire = { schemaVersion: SCHEMA_VERSION, code, message, exitCode, ...details };
  return JSON.stringify(toWire(wire));
}
