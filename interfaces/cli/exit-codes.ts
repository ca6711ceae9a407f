/** What `lb` ends with: the exit codes, and which of them every error of this program has. */
import type { NotSealerError } from '../../actors/chain/sealer.ts';
import type { ChainStoppedError } from '../../actors/chain/stopped.ts';
import type { CheckpointError } from '../../actors/checkpoint/take.ts';
import type { ClockError } from '../../actors/clock.ts';
import type {
  AmbiguousIdError,
  BrokenHistoryError,
  HistoryIncompleteError,
  NotFoundError,
  RefusedError,
  UsageError,
} from '../../actors/errors.ts';
import type { HistoryMovedError } from '../../actors/history/audit.ts';
import type { ExportFileErrorCode } from '../../actors/history/export-format.ts';
import type { MarketErrorCode } from '../../actors/market/errors.ts';
import type { OutboxFullError, PendingError } from '../../actors/outbox.ts';
import type { TooManyWatchersError } from '../../actors/watch.ts';
import type { KeystoreErrorCode } from '../../crypto/keystore-errors.ts';
import type { PackageErrorCode } from '../../crypto/package.ts';
import type { VerifierErrorCode } from '../../crypto/verifier.ts';
import type { NetworkErrorCode } from '../../protocol/errors.ts';
import type { BackupErrorCode } from '../../storage/backup/manifest.ts';
import type { DirectoryErrorCode, DirectoryOwnedError, StorageErrorCode } from '../../storage/errors.ts';
import type { ViewsErrorCode } from '../../views/errors.ts';
import type { ConfigErrorCode } from '../config/errors.ts';
import type { GitError } from '../git/repository.ts';
import type { IdentityRequiredError } from '../operations/call.ts';
import type { CancelledError } from '../operations/cancelled.ts';
import type { IdempotencyErrorCode } from '../operations/idempotency.ts';
import type { ConfigurationFileError } from '../setup/edit.ts';
import type { SocketProtocolError } from '../socket/frames.ts';
import type { ContextsFileError } from './contexts.ts';
import type {
  FileError,
  ImportIncompleteError,
  OutputFailedError,
  SyncFailedError,
  VerdictError,
} from './errors.ts';
import type { RestoredNodeError } from './network.ts';
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
export type ExitKind = keyof typeof EXIT;

/** Every code that an error of this program carries: one that is missing below does not compile. */
export type KnownCode =
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
  | SyncFailedError['code']
  | NotSealerError['code']
  | PendingError['code']
  | OutboxFullError['code']
  | NetworkErrorCode
  | MarketErrorCode
  | ChainStoppedError['code']
  | ClockError['code']
  | TooManyWatchersError['code']
  | ConfigErrorCode
  | SocketProtocolError['code']
  | LockedNodeError['code']
  | RestoredNodeError['code']
  | IdentityRequiredError['code']
  | CancelledError['code']
  | IdempotencyErrorCode
  | ConfigurationFileError['code']
  | GitError['code'];

/** The kind of every code. */
export const KIND_OF_CODE: Readonly<Record<KnownCode, ExitKind>> = {
  usage: 'usage',
  ambiguous_id: 'usage',
  not_found: 'notFound',
  refused: 'refused',
  // Data directory.
  missing: 'notFound',
  not_a_node: 'environment',
  owned: 'environment',
  newer_format: 'environment',
  older_format: 'environment',
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
  keystore_closed: 'environment',
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
  other_group: 'refused',
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
  clock_uncertain: 'environment',
  too_many_watchers: 'refused',
  socket_protocol: 'unreachable',
  node_locked: 'forbidden',
  identity_required: 'forbidden',
  cancelled: 'interrupted',
  idempotency_key_reused: 'usage',
  already_done: 'refused',
  outcome_unknown: 'refused',
  not_sealer: 'unreachable',
  removed: 'forbidden',
  in_dispute: 'refused',
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
