/**
 * Every limit of the protocol, in one place. All nodes must agree on them, so none can be configured.
 *
 * Each says what it bounds and what happens at the limit. The relations at the end are asserted when the
 * module loads, so that a change that breaks one never runs.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A claim's text in bytes of UTF-8: a long document belongs into several claims of one thread. */
export const CLAIM_TEXT_BYTES_MAX = 64 * KIB;
/** A claim's artifact: its text as JSON (where a character may take six bytes) plus tags and references. */
export const CLAIM_ARTIFACT_BYTES_MAX = 512 * KIB;
/** An experience's artifact: an agent run's record, any bytes. */
export const EXPERIENCE_BYTES_MAX = 1 * MIB;

export const TASK_ID_CHARACTERS_MAX = 256;
export const TASK_TITLE_CHARACTERS_MAX = 256;
export const DESCRIPTION_BYTES_MAX = 4 * KIB;
export const TASK_ERROR_BYTES_MAX = 1 * KIB;
export const TASK_NOTE_BYTES_MAX = 1 * KIB;
export const REASON_BYTES_MAX = 1 * KIB;
export const METADATA_BYTES_MAX = 4 * KIB;
export const TAGS_MAX = 20;
export const TAG_CHARACTERS_MAX = 64;
export const GROUP_NAME_CHARACTERS_MAX = 128;
export const CURRENCY_CHARACTERS_MAX = 16;
export const PROFILE_NAME_CHARACTERS_MAX = 128;
export const OFFER_TITLE_CHARACTERS_MAX = 256;
export const EVIDENCE_MAX = 32;

/** Receivers of a sale. Each costs a state write at payout, so the list is short. */
export const SPLITS_MAX = 16;
/** Offers that earn royalties from an offer. */
export const OFFER_PARENTS_MAX = 16;
export const BASIS_POINTS = 10_000;
export const ROYALTY_BPS_MAX = 9_000;
export const TRANSFER_FEE_BPS_MAX = 5_000;

/** How often one invite may be used. */
export const INVITE_USES_MAX = 1_000_000;
/** Tasks that one member may hold at once: who takes more does none of them. */
export const OPEN_TASKS_PER_ASSIGNEE_MAX = 4_096;
/**
 * Tasks that go back to pending in the operation that ends their assignee's right to act. The others stay with them
 * until somebody takes or releases them, so that one operation never writes thousands of records.
 */
export const RETURNED_TASKS_MAX = 64;
/** The shortest and longest lease of a task. */
export const LEASE_MS_MIN = 1_000;
export const LEASE_MS_MAX = 30 * 24 * HOUR_MS;
/** Windows of a purchase: long enough to be met by hand, short enough that money comes back. */
export const WINDOW_MS_MIN = 1_000;
export const WINDOW_MS_MAX = 90 * 24 * HOUR_MS;

/** A transaction, encoded with its signature. Above it: refused before it is decoded. */
export const TRANSACTION_BYTES_MAX = 128 * KIB;
export const OPERATIONS_PER_TRANSACTION_MAX = 256;
export const NONCE_BYTES = 16;
/** A transaction's time may lie this far before its block's … */
export const TRANSACTION_AGE_MS_MAX = 24 * HOUR_MS;
/** … and this far after it. */
export const TRANSACTION_LEAD_MS_MAX = 5 * MINUTE_MS;

/**
 * The last point in time that a record may name, in milliseconds since 1970: the last one that a `Date` can
 * show. A later one is malformed. Below it, a time plus any window or lease is still an exact integer.
 */
export const TIME_MS_MAX = 8_640_000_000_000_000;

/** A block, encoded. The sealer closes a block before it would grow past this. */
export const BLOCK_BYTES_MAX = 4 * MIB;
export const TRANSACTIONS_PER_BLOCK_MAX = 4_096;
/**
 * Weight is what judging costs, counted alike on every node: the bytes that are written, and a share for each thing
 * that is touched. 1,000 units take some 10 microseconds on the slowest machine that this was measured on.
 */
/** For each operation, each key that a transaction writes, and each effect: what it costs however small it is. */
export const ITEM_WEIGHT = 256;
/** For each claim that an operation refers to: it is read, with all its tags and references. */
export const REFERENCE_WEIGHT = 512;
/**
 * For each task that returns because its assignee may no longer act: nobody named it, so it is looked for, read and taken
 * from a list. It takes three times as long as what it writes would say.
 */
export const RETURNED_TASK_WEIGHT = KIB;
/** For each offer that an operation looks at: up to 12 KiB are read. */
export const OFFER_WEIGHT = 2 * KIB;
/** For a proof that a rule checks (of an invite, of a dispute): a millisecond, where no fast library takes it. */
export const PROOF_WEIGHT = 64 * KIB;
/** What a transaction may weigh: whatever is said plainly in 128 KiB fits, and judging it takes some 20 ms at most. */
export const TRANSACTION_WEIGHT_MAX = 2 * MIB;
/** What the transactions of a block may weigh together: it is judged in a fraction of a second, by everyone, for ever. */
export const BLOCK_WEIGHT_MAX = 16 * MIB;
/** A live block further ahead of the local clock than this is held until its time has come. */
export const BLOCK_LEAD_MS_MAX = 5 * MINUTE_MS;
/**
 * A sealer whose clock nothing vouches for does not seal a block so long after the newest time that it knows. It must
 * be less than the window of a transaction, or one block from a clock that is ahead would keep everybody else out; and
 * more than a night, or a machine that was off would ask its owner every morning.
 */
export const CLOCK_GAP_MS_MAX = 12 * HOUR_MS;
/** What a block holds beside its transactions (header, signature, array headers), rounded up. */
export const BLOCK_OVERHEAD_BYTES_MAX = 1 * KIB;

/** In this version exactly one key seals; the format keeps a list. */
export const SEALERS_MIN = 1;
export const SEALERS_MAX = 1;

/** A member without a change of presence or a beat for this long is stale (a default for readers). */
export const PRESENCE_STALE_MS_DEFAULT = 5 * MINUTE_MS;

function assertRelation(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`limits.ts: ${relation} does not hold`);
}

assertRelation(
  TRANSACTION_BYTES_MAX + BLOCK_OVERHEAD_BYTES_MAX <= BLOCK_BYTES_MAX,
  'every transaction fits into a block',
);
assertRelation(
  TRANSACTION_WEIGHT_MAX <= BLOCK_WEIGHT_MAX,
  'every valid transaction fits into a block by weight',
);
assertRelation(
  PROOF_WEIGHT + (OFFER_PARENTS_MAX + 1) * OFFER_WEIGHT < TRANSACTION_WEIGHT_MAX &&
    RETURNED_TASKS_MAX * (4 * KIB + RETURNED_TASK_WEIGHT) < TRANSACTION_WEIGHT_MAX,
  'every single operation can be sealed',
);
assertRelation(CLAIM_TEXT_BYTES_MAX * 6 < CLAIM_ARTIFACT_BYTES_MAX, 'every text fits into its artifact');
assertRelation(CLOCK_GAP_MS_MAX < TRANSACTION_AGE_MS_MAX, 'a clock that is ahead unnoticed shuts nobody out');
assertRelation(ROYALTY_BPS_MAX < BASIS_POINTS, 'royalties leave something for the seller');
assertRelation(TRANSFER_FEE_BPS_MAX < BASIS_POINTS, 'a fee is less than the amount');
assertRelation(TRANSACTION_LEAD_MS_MAX <= BLOCK_LEAD_MS_MAX, 'a transaction is never ahead of a held block');
assertRelation(
  TIME_MS_MAX + Math.max(WINDOW_MS_MAX, LEASE_MS_MAX) <= Number.MAX_SAFE_INTEGER,
  'every deadline is a safe integer',
);
assertRelation(SEALERS_MIN <= SEALERS_MAX, 'a group can have a sealer');
assertRelation(
  DESCRIPTION_BYTES_MAX + TAGS_MAX * TAG_CHARACTERS_MAX * 4 < TRANSACTION_BYTES_MAX,
  'the longest task fits into a transaction',
);
