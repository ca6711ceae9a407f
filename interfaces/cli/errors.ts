/**
 * From an error to what the user gets: one line, and an exit code that is the same for every error of a kind.
 * Errors are told apart by their code, never by their text.
 */
import { CommanderError } from 'commander';
import type { ChainStoppedError } from '../../actors/chain/chain.ts';
import type { NotSealerError } from '../../actors/chain/sealer.ts';
import type { ClockJumpedError } from '../../actors/clock.ts';
import {
  AmbiguousIdError,
  BrokenHistoryError,
  type NotFoundError,
  RefusedError,
  type UsageError,
} from '../../actors/errors.ts';
import type { HistoryMovedError } from '../../actors/history/audit.ts';
import type { ExportFileErrorCode } from '../../actors/history/export-format.ts';
import type { OutboxFullError, PendingError } from '../../actors/outbox.ts';
import type { KeystoreErrorCode } from '../../crypto/keystore-errors.ts';
import type { PackageErrorCode } from '../../crypto/package.ts';
import type { VerifierErrorCode } from '../../crypto/verifier.ts';
import type { NetworkErrorCode } from '../../protocol/errors.ts';
import { type DirectoryErrorCode, DirectoryOwnedError, type StorageErrorCode } from '../../storage/errors.ts';
import { SCHEMA_VERSION, toWire } from './json.ts';
import { cleanLine } from './text.ts';

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
  | HistoryMovedError['code']
  | VerdictError['code']
  | NotSealerError['code']
  | PendingError['code']
  | OutboxFullError['code']
  | NetworkErrorCode
  | ChainStoppedError['code']
  | ClockJumpedError['code'];

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
  // Keys.
  keystore_exists: 'refused',
  keystore_not_found: 'notFound',
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
  not_an_export: 'refused',
  newer_version: 'environment',
  truncated: 'refused',
  checksum_mismatch: 'refused',
  malformed: 'refused',
  exists: 'refused',
  history_moved: 'environment',
  history_broken: 'environment',
  package_too_large: 'usage',
  package_not_recognised: 'environment',
  package_does_not_open: 'environment',
  // The running node.
  group_halted: 'environment',
  group_closed: 'environment',
  clock_jumped: 'environment',
  not_sealer: 'unreachable',
  // The network.
  pending: 'unreachable',
  outbox_full: 'unreachable',
  peer_unreachable: 'unreachable',
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
  not_a_node: 'choose another directory with --data, or make a node in an empty one with: lb init',
  owned: 'try again when it is done, or use another --data',
  password_required: 'give it in LB_PASSWORD or with --password-file, or type it on a terminal',
  password_wrong: 'check LB_PASSWORD or --password-file',
  disk_full: 'free some space and try again',
};

/** What was checked does not hold. The result has been printed; this is its exit code. */
export class VerdictError extends Error {
  override readonly name = 'VerdictError';
  readonly code: 'audit_broken' | 'replay_broken' | 'proof_invalid' | 'proof_unanchored';

  constructor(code: VerdictError['code'], message: string) {
    super(message);
    this.code = code;
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
    return { ...failure(code, message, KIND_OF_CODE[code]), details: detailsOf(error) };
  }
  const system = systemFailure(error);
  if (system !== undefined) return system;
  const message = error instanceof Error ? error.message : String(error);
  const text = `this is a bug in lb: ${message}; please report it (LB_LOG_LEVEL=debug shows more)`;
  return failure('bug', text, 'bug');
}

function commanderFailure(error: CommanderError): Failure | undefined {
  if (error.exitCode === 0) return undefined;
  const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return failure('usage', message, 'usage');
}

function isKnown(code: string): code is KnownCode {
  return Object.hasOwn(KIND_OF_CODE, code);
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What an error of the operating system about a file of the user's means. */
function systemFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined;
  const { code: errno, path } = error as NodeJS.ErrnoException;
  if (errno === 'EEXIST')
    return failure('exists', `${path} is there already; it was left as it is`, 'refused');
  if (errno === 'ENOENT') return failure('not_found', `there is no ${path}`, 'notFound');
  if (errno === 'ENOSPC') return failure('disk_full', `the disk is full (${path})`, 'environment');
  return failure('io', error.message, 'environment');
}

function failure(code: string, message: string, kind: ExitKind): Failure {
  return { exitCode: EXIT[kind], code, message, details: {} };
}

function messageOf(error: Error, code: string): string {
  // What was typed is out of bounds; the rest of that refusal speaks of bytes.
  if (error instanceof RefusedError && error.refusal.code === 'malformed') return error.refusal.what;
  const next = NEXT[code];
  return next === undefined ? error.message : `${error.message}; ${next}`;
}

function detailsOf(error: unknown): Record<string, unknown> {
  if (error instanceof RefusedError || error instanceof BrokenHistoryError) return { refusal: error.refusal };
  if (error instanceof AmbiguousIdError) return { candidates: error.candidates };
  if (error instanceof DirectoryOwnedError) return { pid: error.pid };
  return {};
}

/** The one line on standard error. */
export function formatFailure(failure: Failure, json: boolean): string {
  const { code, message, details, exitCode } = failure;
  if (!json) return `lb: ${cleanLine(message)}`;
  const wire = { schemaVersion: SCHEMA_VERSION, code, message, exitCode, ...details };
  return JSON.stringify(toWire(wire));
}
