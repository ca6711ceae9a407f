/**
 * From an error to what the user gets: one line, and an exit code that is the same for every error of a kind.
 * Errors are told apart by their code, never by their text.
 */
import { CommanderError } from 'commander';
import { ChainStoppedError } from '../../actors/chain/stopped.ts';
import { AmbiguousIdError, BrokenHistoryError, RefusedError } from '../../actors/errors.ts';
import { describeErrno, errnoKind, errnoName, type FileAction } from '../../events/errno.ts';
import type { RefusalCode } from '../../events/refusals.ts';
import { DirectoryOwnedError } from '../../storage/errors.ts';
import { ConfigError } from '../config/errors.ts';
import { ExplainedRefusal } from './errors.ts';
import { EXIT, type ExitKind, KIND_OF_CODE, type KnownCode } from './exit-codes.ts';
import { jsonText, SCHEMA_VERSION, toWire } from './json.ts';
import { explain } from './refusals/explain.ts';
import { plainSay } from './refusals/say.ts';
import { cleanLine } from './text.ts';

/** What to do next, where the message of the error does not say it. Nothing here destroys anything. */
const NEXT: Readonly<Partial<Record<string, string>>> = {
  missing: 'make a node there with: lb init --data DIR',
  keystore_not_found: 'finish making it with: lb init --data DIR',
  not_a_node: 'choose another directory with --data, or make a node in an empty one with: lb init',
  owned: 'try again when it is done, or use another --data',
  password_required: 'give it in LB_PASSWORD or with --password-file, or type it on a terminal',
  password_wrong: 'check LB_PASSWORD or --password-file',
  clock_jumped: 'if it is right as it is, say so with: lb trust-clock',
  clock_uncertain: 'if it is right, say so with --yes on this command, or with: lb trust-clock',
  config_invalid: 'see docs/CONFIGURATION.md',
  sql_invalid: 'one SELECT over documented views runs, which are listed by: lb sql --tables',
};

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
  const place = syscall === 'uv_cwd' ? 'the current folder' : (path ?? 'a file or folder');
  const message = describeErrno(name, ACTION_OF_CALL[syscall ?? ''] ?? 'write', place);
  const kind = errnoKind(name);
  return failure(kind, message, KIND_OF_CODE[kind]);
}

/** What a system call was for. `open` alone does not say: a missing input must not read as a failed output. */
const ACTION_OF_CALL: Readonly<Record<string, FileAction>> = {
  open: 'open',
  opendir: 'read',
  read: 'read',
  readlink: 'read',
  realpath: 'read',
  access: 'read',
  stat: 'read',
  lstat: 'read',
  fstat: 'read',
  scandir: 'read',
  statfs: 'read',
  uv_cwd: 'read',
};

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
  if (error instanceof ExplainedRefusal) {
    const { refusal, next, removal } = error;
    return { refusal, next, ...(removal === undefined ? {} : { removal }) };
  }
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
  return jsonText(toWire(wire));
}
