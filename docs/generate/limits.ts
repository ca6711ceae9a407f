/** The limits with their values; each must have a meaning here. */
import * as limits from '../../events/limits.ts';
import { bytes, number, span, table } from './table.ts';

/** What each limit bounds, in the order of the table. Total: a limit without a meaning does not compile. */
const MEANINGS: { readonly [K in keyof typeof limits]: string } = {
  TRANSACTION_BYTES_MAX: 'A transaction, encoded with its signature.',
  OPERATIONS_PER_TRANSACTION_MAX: 'Operations in a transaction; at least one.',
  NONCE_BYTES: 'The nonce of a transaction, exactly.',
  TRANSACTION_AGE_MS_MAX: "How far a transaction's time may lie before its block's.",
  TRANSACTION_LEAD_MS_MAX: "How far a transaction's time may lie after its block's.",
  TIME_MS_MAX: 'The last point in time that a header, a transaction or an operation may name.',
  BLOCK_BYTES_MAX: 'A block, encoded.',
  TRANSACTIONS_PER_BLOCK_MAX: 'Transactions in a block; at least one.',
  ITEM_WEIGHT: 'Weight of each operation, each key written and each effect; see [Weight](#weight).',
  REFERENCE_WEIGHT: 'Weight of each claim that an operation refers to.',
  RETURNED_TASK_WEIGHT: 'Weight of each task that returns because its assignee may no longer act.',
  OFFER_WEIGHT: 'Weight of each offer that an operation looks at.',
  PROOF_WEIGHT: 'Weight of a proof that a rule checks.',
  TRANSACTION_WEIGHT_MAX: 'The weight of a transaction.',
  BLOCK_WEIGHT_MAX: 'The weight of the transactions of a block together.',
  BLOCK_OVERHEAD_BYTES_MAX: 'What a sealer reserves for everything but the transactions. Not validity.',
  BLOCK_LEAD_MS_MAX: 'How far a live block may be ahead of the local clock before it is held. Not validity.',
  CLOCK_GAP_MS_MAX:
    'How long after the newest time that it knows a sealer seals by a clock that nobody vouches for. Not validity.',
  SEALERS_MIN: 'Sealers of a group, at least.',
  SEALERS_MAX: 'Sealers of a group, at most.',
  GROUP_NAME_CHARACTERS_MAX: 'The name of a group.',
  CURRENCY_CHARACTERS_MAX: 'The name of its currency.',
  PROFILE_NAME_CHARACTERS_MAX: 'The name that a member chooses.',
  INVITE_USES_MAX: 'How often one invite may be used.',
  CLAIM_TEXT_BYTES_MAX: "A claim's text in its artifact.",
  CLAIM_ARTIFACT_BYTES_MAX: "A claim's artifact. Checked by readers, not by the rules.",
  EXPERIENCE_BYTES_MAX: "An experience's artifact. Not checked by the rules.",
  EVIDENCE_MAX: 'Pieces of evidence of a claim.',
  REASON_BYTES_MAX: 'The reason of a retraction, a reinstatement or a cancellation.',
  TAGS_MAX: 'Tags of a claim, a task or an offer.',
  TAG_CHARACTERS_MAX: 'One tag.',
  TASK_ID_CHARACTERS_MAX: 'The id of a task.',
  TASK_TITLE_CHARACTERS_MAX: 'The title of a task.',
  DESCRIPTION_BYTES_MAX: 'The description of a task or an offer.',
  TASK_ERROR_BYTES_MAX: 'The error of a failed task.',
  TASK_NOTE_BYTES_MAX: 'The note of a progress report.',
  OPEN_TASKS_PER_ASSIGNEE_MAX: 'Open tasks that one member may hold.',
  RETURNED_TASKS_MAX: 'Open tasks that return to pending at once when their assignee may no longer act.',
  LEASE_MS_MIN: 'The lease of a task, at least.',
  LEASE_MS_MAX: 'The lease of a task, at most.',
  METADATA_BYTES_MAX: 'The metadata of a presence.',
  PRESENCE_STALE_MS_DEFAULT: 'When a member counts as stale, unless a reader says otherwise. Not validity.',
  OFFER_TITLE_CHARACTERS_MAX: 'The title of an offer.',
  SPLITS_MAX: 'Receivers of a sale; at least one.',
  OFFER_PARENTS_MAX: 'Offers that earn royalties from an offer.',
  BASIS_POINTS: 'What the splits of an offer sum to.',
  ROYALTY_BPS_MAX: 'What the royalties of an offer sum to, at most.',
  TRANSFER_FEE_BPS_MAX: 'The transfer fee.',
  WINDOW_MS_MIN: 'A grant or dispute window, at least.',
  WINDOW_MS_MAX: 'A grant or dispute window, at most.',
};

const VALUES: Readonly<Record<keyof typeof limits, number>> = limits;

function valueInWords(name: keyof typeof limits): string {
  const value = VALUES[name];
  if (name.includes('BYTES')) return bytes(value);
  if (name === 'TIME_MS_MAX') return number(value);
  if (name.includes('_MS')) return span(value);
  if (name.includes('CHARACTERS')) return `${number(value)} characters`;
  return name.includes('BPS') || name === 'BASIS_POINTS' ? `${number(value)} basis points` : number(value);
}

export function limitsTable(): string {
  const rows = (Object.keys(MEANINGS) as (keyof typeof limits)[]).map((name) => [
    `\`${name}\``,
    valueInWords(name),
    MEANINGS[name],
  ]);
  return table(['limit', 'value', 'bounds'], rows);
}
