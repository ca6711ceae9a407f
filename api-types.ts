/**
 * The types that the public API takes and gives, so that a program can name them. The classes and functions are in
 * `index.ts`; a test holds that nothing public uses a type that is missing here.
 */

// Groups and what is in them.
export type { ChainStatus } from './actors/chain/options.ts';
export type { HistoryGap } from './actors/checkpoint/marker.ts';
export type { StreamOptions } from './actors/event-stream.ts';
export type { RecentOptions } from './actors/group.ts';
export type {
  Claim,
  Invite,
  Member,
  Money,
  Offer,
  Presence,
  Purchase,
  Task,
  TaskFilter,
} from './actors/group-view.ts';
// Histories.
export type { AuditOptions, AuditReport } from './actors/history/audit.ts';
export type { CheckBackupOptions } from './actors/history/check-backup.ts';
export type { ExportOptions, ExportSummary } from './actors/history/export-file.ts';
export type { ExportFileErrorCode } from './actors/history/export-format.ts';
export type { IndexName } from './actors/history/findings.ts';
export type { OnProgress, Progress } from './actors/history/progress.ts';
export type {
  Counts as ReplayCounts,
  Place as HistoryPlace,
  ReplayOptions,
} from './actors/history/replay.ts';
export type { HistorySource, SourceArtifact } from './actors/history/source.ts';
// The market.
export type { BadDelivery, Delivery, DeliveryFault, PackageContent } from './actors/market/desk.ts';
export type { MarketErrorCode } from './actors/market/errors.ts';
export type { NewGroup } from './actors/node/founding.ts';
export type { NodeStatus } from './actors/node/node.machine.ts';
export type { PartFailure } from './actors/node/supervisor.ts';
export type { PlaceBefore } from './actors/published.ts';
// Telemetry.
export type {
  ChainGauges,
  Commit as CommitTelemetry,
  NetworkDefence,
  NetworkGauges,
  SubmissionStage,
  SubmissionTrace,
  ViewsGauges,
} from './actors/telemetry.ts';
export type { OpenOptions } from './composition.ts';
// Keys and signatures.
export type { Identity, Signer } from './crypto/identity.ts';
export type { ListedIdentity } from './crypto/keystore.ts';
export type { KeystoreErrorCode } from './crypto/keystore-errors.ts';
export type { PackageErrorCode } from './crypto/package.ts';
export type { Secret } from './crypto/secret.ts';
export type { SignatureJob, Verdicts, VerifierErrorCode } from './crypto/verifier.ts';
export type { SignatureTier } from './crypto/verify.ts';
export type { Announcement, AnnouncementContent } from './events/announcement.ts';
export type { ArtifactFault } from './events/artifact.ts';
export type { Block, BlockHeader } from './events/block.ts';
// The language of the chain.
export type { BlockSealed, Gap, SyncStatus } from './events/bus.ts';
export type { Hex32 } from './events/bytes.ts';
export type { ClaimContent } from './events/claim-artifact.ts';
export type {
  EffectKind,
  PresenceStatus,
  PurchaseStatus,
  RewardSource,
  Role,
  SkipReason,
  TaskStatus,
} from './events/effects.ts';
export type { FileAction } from './events/errno.ts';
export type { Sha256 } from './events/merkle.ts';
export type { GroupOperation, Policy } from './events/operations/group.ts';
export type { KnowledgeOperation } from './events/operations/knowledge.ts';
export type { MarketOperation } from './events/operations/market.ts';
export type { MembershipOperation } from './events/operations/membership.ts';
export type { PresenceOperation } from './events/operations/presence.ts';
export type { TaskOperation } from './events/operations/tasks.ts';
export type { TokenOperation } from './events/operations/tokens.ts';
export type { ConsistencyFacts, ConsistencyVerdict, HeadFacts, Holds, ProofCrypto } from './events/proof.ts';
export type { Removal } from './events/receipt.ts';
export type { RefusalPayloads } from './events/refusals.ts';
export type { Transaction, TransactionPayload } from './events/transaction.ts';
export type {
  ClaimRecord,
  GroupRecord,
  InviteRecord,
  OfferRecord,
  PurchaseRecord,
  RetractionRecord,
  TaskRecord,
  TaskText,
} from './machines/tables.ts';
export type { InitOptions } from './node.ts';
// The network.
export type { NetworkErrorCode } from './protocol/errors.ts';
export type { AvailableGroup, JoinOptions } from './protocol/membership.ts';
export type { GroupNetworkStatus } from './protocol/network-types.ts';
export type { BackupErrorCode, BackupFile, BackupGroup } from './storage/backup/manifest.ts';
export type { BackupSummary } from './storage/backup/write.ts';
export type { Durability } from './storage/environment.ts';
export type { DirectoryErrorCode, StorageErrorCode } from './storage/errors.ts';
export type { DamagedEntry } from './storage/opaque-map.ts';
export type { Head as ChainHead, TxLocation } from './storage/port.ts';
export type { NodeTable } from './storage/schema.ts';
// Read models.
export type {
  ClaimFilter,
  ContextClaim,
  EconomyAnswer,
  OfferEarnings,
  TreasuryAnswer,
} from './views/questions.ts';
export type { SqlAnswer, SqlOptions, SqlValue } from './views/sql.ts';
export type { ViewsLag } from './views/standings.ts';
export type { Place as LogPlace } from './views/threads.ts';
export type { Asking, Views, WhyBounds } from './views/views.ts';
