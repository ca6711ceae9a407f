/**
 * Every table of the state, with its records: the one registry of namespaces. Prefixes are normative, since
 * they are part of what `effectsHash` covers.
 */
import { compareUtf8 } from '../events/bytes.ts';
import type { Codec } from '../events/codec.ts';
import {
  amount,
  boolean,
  bytesOf,
  id,
  list,
  milliseconds,
  oneOf,
  optional,
  record,
  text,
  uint,
  type Values,
} from '../events/fields.ts';
import {
  CURRENCY_CHARACTERS_MAX,
  GROUP_NAME_CHARACTERS_MAX,
  METADATA_BYTES_MAX,
  OFFER_TITLE_CHARACTERS_MAX,
  PROFILE_NAME_CHARACTERS_MAX,
  REASON_BYTES_MAX,
  TASK_ERROR_BYTES_MAX,
  TASK_TITLE_CHARACTERS_MAX,
} from '../events/limits.ts';
import { description, role, tags } from '../events/operations/define.ts';
import { policy } from '../events/operations/group.ts';
import { royalties, SEALED_KEY_BYTES, splits } from '../events/operations/market.ts';
import { presenceStatus } from '../events/operations/presence.ts';
import { rewardSource } from '../events/operations/tasks.ts';
import type { Table } from './state.ts';

const U32_MAX = 0xffff_ffff;
const counter = uint(Number.MAX_SAFE_INTEGER);

const tables: { -readonly [K in keyof Table<unknown>]: Table<unknown>[K] }[] = [];
function table<T>(prefix: string, codec: Codec<T>, textIds = false): Table<T> {
  const made: Table<T> = { prefix, codec, textIds, slot: -1 };
  tables.push(made as Table<unknown>);
  return made;
}

// The group. Tables of one record have the empty id.

const groupFields = {
  name: text({ maxCharacters: GROUP_NAME_CHARACTERS_MAX }),
  currency: text({ maxCharacters: CURRENCY_CHARACTERS_MAX }),
  creator: id,
  createdMs: milliseconds,
  rulesVersion: uint(U32_MAX),
};
export type GroupRecord = Values<typeof groupFields>;
export const groupTable = table('group', record(groupFields));
export const policyTable = table('policy', policy);
export const sealersTable = table('sealers', list(id, { max: 16 }));
const handOverFields = { sealers: list(id, { max: 16 }), by: id };
/** A hand-over of the sealing that an admin has proposed and nobody has accepted yet. */
export const handOverTable = table('hand-over', record(handOverFields));
/** Number of admins, so that the last one is known without a search. */
export const adminsTable = table('admins', record({ count: counter }));
const correctionFields = { fromMs: milliseconds, toMs: milliseconds, by: id };
/** Where block time went back, under the height: between two of them it only grows, which searches by time rely on. */
export const correctionTable = table('correction/', record(correctionFields), true);

// Membership.

const memberFields = {
  /** Nothing for a former member: the record stays, so that the faucet pays once in the group's life. */
  role: optional(role),
  joinedMs: milliseconds,
  addedBy: id,
};

export const memberTable = table('member/', record(memberFields));

const inviteFields = {
  role,
  createdBy: id,
  maxUses: uint(U32_MAX),
  uses: uint(U32_MAX),
  expiresMs: milliseconds,
  revoked: boolean,
};
export type InviteRecord = Values<typeof inviteFields>;
export const inviteTable = table('invite/', record(inviteFields));
export const profileTable = table(
  'profile/',
  record({ name: text({ maxCharacters: PROFILE_NAME_CHARACTERS_MAX }) }),
);

// Money. A balance of zero has no record.

const moneyRecord = record({ amount });
export const balanceTable = table('balance/', moneyRecord);
/** What is held for a task's reward, under `task/<id>`, or for a purchase, under `purchase/<id>`. */
export const escrowTable = table('escrow/', moneyRecord, true);
export const treasuryTable = table('treasury', moneyRecord);
export const supplyTable = table('supply', moneyRecord);

// Knowledge.

const retractionFields = {
  by: id,
  tsMs: milliseconds,
  reason: optional(text({ maxBytes: REASON_BYTES_MAX })),
};
const claimFields = {
  author: id,
  tsMs: milliseconds,
  parent: optional(id),
  evidence: list(id, { max: 32 }),
  tags,
};
export type ClaimRecord = Values<typeof claimFields>;
/** Never written again: a retraction has a record of its own, so that it costs what it says. */
export const claimTable = table('claim/', record(claimFields));
export type RetractionRecord = Values<typeof retractionFields>;
/** Of claims that are retracted now. */
export const retractionTable = table('retraction/', record(retractionFields));
const experienceFields = { author: id, tsMs: milliseconds };

export const experienceTable = table('experience/', record(experienceFields));

// Tasks.

export const TASK_STATUSES = [
  'pending',
  'assigned',
  'in_progress',
  'completed',
  'failed',
  'cancelled',
] as const;
export const taskStatus = oneOf(...TASK_STATUSES);
const taskFields = {
  status: taskStatus,
  creator: id,
  createdMs: milliseconds,
  updatedMs: milliseconds,
  dueMs: optional(milliseconds),
  assignee: optional(id),
  /** Whether the assignee has agreed to the task: by taking it, or by starting what was given to them. */
  taken: boolean,
  attempt: uint(U32_MAX),
  leaseMs: optional(milliseconds),
  leaseUntilMs: optional(milliseconds),
  reward: optional(amount),
  rewardFrom: rewardSource,
  result: optional(id),
  error: optional(text({ maxBytes: TASK_ERROR_BYTES_MAX })),
};
export type TaskRecord = Values<typeof taskFields>;
/** What changes while a task lives, so that each step writes a hundred bytes and not all that it is about. */
export const taskTable = table('task/', record(taskFields), true);
const taskTextFields = {
  title: text({ maxCharacters: TASK_TITLE_CHARACTERS_MAX }),
  description: optional(description),
  tags,
};
export type TaskText = Values<typeof taskTextFields>;
/** What a task is about: written once. */
export const taskTextTable = table('task-text/', record(taskTextFields), true);
/**
 * Which open tasks a member holds: `<member>/<task>`, so that those can be returned when the member is
 * removed.
 */
export const assignmentTable = table('assignment/', record({ attempt: uint(U32_MAX) }), true);
/** How many open tasks a member has agreed to. Absent: none. */
export const loadTable = table('load/', record({ open: uint(U32_MAX) }));

// Presence.

const presenceFields = {
  status: presenceStatus,
  metadata: optional(text({ maxBytes: METADATA_BYTES_MAX })),
  tsMs: milliseconds,
};
export type PresenceRecord = Values<typeof presenceFields>;
export const presenceTable = table('presence/', record(presenceFields));

// Market.

const offerFields = {
  seller: id,
  packageHash: id,
  keyHash: id,
  title: text({ maxCharacters: OFFER_TITLE_CHARACTERS_MAX }),
  description: optional(description),
  tags,
  price: amount,
  splits,
  parents: royalties,
  createdMs: milliseconds,
  expiresMs: optional(milliseconds),
  revoked: boolean,
};
export type OfferRecord = Values<typeof offerFields>;
export const offerTable = table('offer/', record(offerFields));

const purchaseFields = {
  offer: id,
  buyer: id,
  buyerKey: id,
  amount,
  status: oneOf('escrowed', 'granted', 'settled', 'refunded', 'disputed'),
  createdMs: milliseconds,
  /** The last moment for the grant; fixed at purchase, so that a policy change moves nobody's deadline. */
  grantUntilMs: milliseconds,
  disputeWindowMs: milliseconds,
  /** The last moment for a dispute; fixed by the grant. */
  disputeUntilMs: optional(milliseconds),
  sealedKey: optional(bytesOf(SEALED_KEY_BYTES)),
};
export type PurchaseRecord = Values<typeof purchaseFields>;
export const purchaseTable = table('purchase/', record(purchaseFields));
/** The open purchase of a buyer for an offer: `<buyer>/<offer>`. */
export const openPurchaseTable = table('open-purchase/', record({ purchase: id }));
/** A seller's lost disputes. Absent: none. */
export const sellerTable = table('seller/', record({ disputesLost: uint(U32_MAX) }));

// Slots go by prefix, in the order of keys, which holds as long as no prefix begins another.
tables.sort((a, b) => compareUtf8(a.prefix, b.prefix));
for (const [slot, one] of tables.entries()) {
  one.slot = slot;
  if (tables[slot + 1]?.prefix.startsWith(one.prefix))
    throw new Error(`tables.ts: the prefix ${one.prefix} begins another`);
}

/** All tables by prefix, for tools that show the state. */
export const TABLES: readonly Table<unknown>[] = tables;

/** Tables whose records are money that somebody holds, for the invariant. */
export const MONEY_TABLES = [
  balanceTable,
  escrowTable,
  treasuryTable,
] as readonly unknown[] as readonly Table<unknown>[];
