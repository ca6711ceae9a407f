/** Words for what is wrong with a block or a transaction as such, before any rule has looked at what it asks for. */
import { TRANSACTION_AGE_MS_MAX } from '../../../events/limits.ts';
import { count, shortId } from '../text.ts';
import { moment, type SomeWords } from './say.ts';

/** A block that is not right is nobody's on this node to mend: there is a better copy, or none. */
const OTHER_COPY = 'the history is damaged or forged from there on; take the group from another copy of it';
const AGAIN = 'give the command again, which signs anew';
const REPORT = 'this node signed it itself, so please report it as a bug';

export const blockWords = {
  block_malformed: ({ what }) => [`the bytes of the block are not a block: ${what}`, OTHER_COPY],
  block_wrong_group: ({ expected, actual }) => [
    `the block belongs to group ${shortId(actual)}, not to ${shortId(expected)}`,
    OTHER_COPY,
  ],
  block_height_gap: ({ expected, actual }) => [
    `block ${expected} should come next, and this is block ${actual}`,
    'the blocks in between are missing; take the group from a whole copy of it',
  ],
  block_previous_mismatch: () => ['the block does not follow the one before it', OTHER_COPY],
  block_time_backwards: ({ previousMs, tsMs }, say) => [
    `the block is of ${moment(tsMs, say)}, before the previous one of ${moment(previousMs, say)}`,
    OTHER_COPY,
  ],
  block_from_future: ({ tsMs }, say) => [
    `the block is of ${moment(tsMs, say)}, ahead of the clock here`,
    'set the clock of this machine right, or wait for that time',
  ],
  block_wrong_sealer: ({ sealer }, { name }) => [
    `the block was sealed by ${name(sealer)}, who may not seal`,
    OTHER_COPY,
  ],
  block_transaction_count: ({ declared, actual }) => [
    `the block says that it holds ${count(declared, 'transaction')}, and it holds ${actual}`,
    OTHER_COPY,
  ],
  block_history_root_mismatch: () => ['the block stands on another history than this', OTHER_COPY],
  block_signature_invalid: ({ sealer }, { name }) => [
    `the signature of ${name(sealer)} under the block does not hold`,
    OTHER_COPY,
  ],
  block_transaction_root_mismatch: () => ['the block was sealed with other transactions', OTHER_COPY],
  block_transaction_refused: ({ index }) => [
    `transaction ${index} of the block is not valid`,
    'the history is forged from there on; take the group from another copy of it',
  ],
  block_too_heavy: ({ weight, weightMax }) => [
    `the transactions of the block weigh ${weight} together, and a block may weigh ${weightMax}`,
    OTHER_COPY,
  ],
  block_effects_mismatch: () => ['the block leaves another state than it says', OTHER_COPY],
} satisfies SomeWords;

export const transactionWords = {
  transaction_too_large: ({ bytes, bytesMax }) => [
    `all of it together has ${bytes} bytes, and a transaction takes at most ${bytesMax}`,
    'shorten the texts or split them up',
  ],
  malformed: ({ what }) => [what, 'nothing was signed; correct it and try again'],
  wrong_group: ({ expected, actual }) => [
    `it was signed for group ${shortId(actual)}, and this is ${shortId(expected)}`,
    'name the group that is meant with --group',
  ],
  transaction_expired: ({ tsMs, earliestMs }, say) => {
    if (tsMs < say.nowMs - TRANSACTION_AGE_MS_MAX)
      return [`it was signed at ${moment(tsMs, say)}, which is too long ago`, AGAIN];
    const groupMs = earliestMs + TRANSACTION_AGE_MS_MAX;
    return [
      `the last block of the group is of ${moment(groupMs, say)}, so nothing that is signed now fits: it came from a clock that was ahead`,
      'if the clock here is right, an admin sets the time of the group back where it is sealed: lb correct-time',
    ];
  },
  transaction_from_future: ({ tsMs }, say) => [
    `it was signed at ${moment(tsMs, say)}, ahead of the group`,
    'set the clock of this machine right',
  ],
  transaction_duplicate: ({ txId }) => [
    'it was accepted before',
    `there is nothing left to do; look at it with: lb show ${shortId(txId)}`,
  ],
  transaction_replaced: ({ txId }) => [
    'another transaction did this already',
    `look at it with: lb show ${shortId(txId)}`,
  ],
  author_unknown: ({ author }, { name }) => [
    `${name(author)} is no member of the group and holds no tokens in it`,
    `an admin can add the key with: lb add-member --pub ${author} --role member; or join with a code: lb join CODE`,
  ],
  artifact_missing: ({ artifact }) => [
    `the content ${shortId(artifact)} did not come with the transaction`,
    AGAIN,
  ],
  transaction_too_heavy: ({ weight, weightMax }) => [
    `judging all of it together costs every member ${weight} units of work or more, and a transaction may cost ${weightMax}`,
    'split it up into several transactions',
  ],
  signature_invalid: ({ author }, { name }) => [`the signature of ${name(author)} does not hold`, REPORT],
} satisfies SomeWords;
