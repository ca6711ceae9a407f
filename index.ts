/**
 * Battery Node: the public API.
 *
 *   await using node = await BatteryNode.openOrInit({ data: './lb-data' });
 *   const group = await node.createGroup({ name: 'domain:research' });
 *   const { claim } = await group.as('node').publishClaim({ text: 'Always validate inputs.' });
 */
import './runtime.ts';

export { Agent, unwrap } from './actors/agent.ts';
export { NotSealerError } from './actors/chain/sealer.ts';
export { ChainStoppedError } from './actors/chain/stopped.ts';
export { SourceFailedError } from './actors/chain/validate.ts';
export { CheckpointError } from './actors/checkpoint/take.ts';
export { type Clock, ClockError, ClockJumpedError, ClockUncertainError } from './actors/clock.ts';
export {
  AmbiguousIdError,
  BrokenHistoryError,
  HistoryIncompleteError,
  NodeClosedError,
  NotFoundError,
  RefusedError,
  UsageError,
} from './actors/errors.ts';
export { type ChainStanding, Group, type GroupInfo, type ReadBlock, type ReadClaim } from './actors/group.ts';
export { GroupView } from './actors/group-view.ts';
// Histories and proofs, also without a node: what a stranger needs to check what they were given.
export { type Audit, audit, HistoryMovedError } from './actors/history/audit.ts';
export { type BackupCheck, checkBackup } from './actors/history/check-backup.ts';
export { ExportFileError, type ExportSource, openExport } from './actors/history/export-file.ts';
export { describeFinding, type Finding } from './actors/history/findings.ts';
export { type Replay, replay } from './actors/history/replay.ts';
export { type InviteCode, type PeerHint, parseInviteCode } from './actors/invites.ts';
export { MarketError } from './actors/market/errors.ts';
export type { Market } from './actors/market/market.ts';
export type { Order } from './actors/market/order.ts';
export type { BuyRequest } from './actors/market/orders.ts';
export type { Batch, NewClaim, NewOffer, NewTask } from './actors/new-records.ts';
export { OutboxFullError, PendingError } from './actors/outbox.ts';
export { DEFAULT_POLICY } from './actors/policy.ts';
export type { BeatVerdict } from './actors/presence/group-presence.ts';
export { noTelemetry, type Telemetry } from './actors/telemetry.ts';
export type { Timers } from './actors/timers.ts';
export { type EventKind, TooManyWatchersError, type WatchOptions } from './actors/watch.ts';
export type * from './api-types.ts';
export { sha256 } from './crypto/hash.ts';
export * from './crypto/keystore-errors.ts';
export { PackageError } from './crypto/package.ts';
export { PoolVerifier } from './crypto/pool-verifier.ts';
export { type Verifier, VerifierClosedError, VerifierError, VerifierThreadError } from './crypto/verifier.ts';
export { verifySignature } from './crypto/verify.ts';
export { ARTIFACT_FAULTS } from './events/artifact.ts';
export {
  type Cursor,
  type EventsSkipped,
  formatCursor,
  type LogEvent,
  type MomentEvent,
  parseCursor,
} from './events/bus.ts';
export type { Effect } from './events/effects.ts';
export { type ProofFacts, type ProofVerdict, verifyConsistencyProof, verifyProof } from './events/proof.ts';
export { MalformedError } from './events/reader.ts';
export type { Outcome, Receipt } from './events/receipt.ts';
export { describeRefusal, REFUSAL_CODES, type Refusal, type RefusalCode } from './events/refusals.ts';
export { OPERATIONS, type Operation } from './events/registry.ts';
export { BatteryNode } from './node.ts';
// The network: `node.startNetwork({ listen: { host, port } })`.
export { NetworkError } from './protocol/errors.ts';
export { connectToAny, discoverGroups, join, subscribe } from './protocol/membership.ts';
export type { NetworkService } from './protocol/network-service.ts';
export type { NetworkOptions, NetworkStatus } from './protocol/network-types.ts';
export { BackupError, type BackupManifest } from './storage/backup/manifest.ts';
export { restoreBackup } from './storage/backup/read.ts';
export { DirectoryError, DirectoryOwnedError, StorageError } from './storage/errors.ts';
export { DamagedGroupError } from './storage/group-store.ts';
export { ViewsError, type ViewsErrorCode } from './views/errors.ts';
export { EmbedderError, type EmbedderOptions } from './views/meaning/embedder.ts';
export type {
  ClaimPage,
  ContextAnswer,
  ContextQuestion,
  ShownClaim,
  TaskAnswer,
  TaskQuestion,
  TruthStatus,
  UnreadAnswer,
  ViewProgress,
  WhyAnswer,
  WhyNode,
} from './views/questions.ts';
