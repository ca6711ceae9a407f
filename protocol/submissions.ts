/**
 * Work that arrives from other nodes: sealed here, or handed on to whoever seals, once.
 *
 * A refusal is the sealer's word and travels with the sealer's signature, so that a third node can carry it
 * and cannot make it up. `sealed` is only news: a submitter believes the block.
 */
import { readTransaction, verifyTransactions } from '../actors/chain/verify.ts';
import { StoredState } from '../actors/group-view.ts';
import { FOR_STRANGERS, refusalOfRemoved } from '../actors/removal.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Signer } from '../crypto/identity.ts';
import { type Hex32, toHex } from '../events/bytes.ts';
import { encode } from '../events/codec.ts';
import { TRANSACTION_AGE_MS_MAX } from '../events/limits.ts';
import type { Outcome } from '../events/receipt.ts';
import type { Refusal } from '../events/refusals.ts';
import type { Transaction } from '../events/transaction.ts';
import { balanceTable, inviteTable, purchaseTable } from '../machines/tables.ts';
import type { Access } from './access.ts';
import { MisbehaviourError, NetworkError, RpcError } from './errors.ts';
import type { NetworkPort } from './port.ts';
import type { RpcClient } from './rpc/client.ts';
import { type RequestOf, RULING_PREFIX, rulingCodec, type Submission, type Verdict } from './rpc/methods.ts';

const UNROUTED: Verdict = { status: 'unrouted', ruling: undefined, signature: undefined };
const SEALED: Verdict = { status: 'sealed', ruling: undefined, signature: undefined };

/** Refusals that no honest node lets happen to what it sends itself: it checks these before. */
const FORGERIES: ReadonlySet<Refusal['code']> = new Set([
  'malformed',
  'transaction_too_large',
  'wrong_group',
  'signature_invalid',
]);

export interface SubmissionDesk {
  readonly port: NetworkPort;
  readonly access: Access;
  readonly client: RpcClient;
  /** Connected peers that may seal the group. */
  sealingPeers(groupId: Hex32): readonly Hex32[];
}

/** Answers `tx_submit`. */
export async function takeSubmissions(
  desk: SubmissionDesk,
  request: RequestOf<'tx_submit'>,
  peer: Hex32,
): Promise<readonly Verdict[]> {
  const { groupId, isRelayed, submissions } = request;
  const { access, port } = desk;
  if (!access.has(groupId)) throw new RpcError('not_found', '');
  const role = access.roleOf(groupId, peer);
  if (role === undefined && !submissions.every((one) => mayCome(desk, groupId, one, peer)))
    throw new RpcError('not_found', '');
  const chain = port.chain(groupId);
  if (chain.status !== 'sealing') {
    if (isRelayed) return submissions.map(() => UNROUTED);
    await assertGenuine(port, request);
    return relay(desk, request, peer);
  }
  const outcomes = await Promise.all(
    submissions.map(
      async ({ transaction, artifacts }): Promise<Outcome | undefined> =>
        removedAuthor(port, groupId, transaction) ??
        // A clock that jumped, a disk that is full: nothing is wrong with the work, and it may come again.
        chain.submitSigned(transaction, artifacts).catch(() => undefined),
    ),
  );
  const forged = outcomes.find(
    (outcome) => outcome?.status === 'refused' && FORGERIES.has(outcome.refusal.code),
  );
  // Who hands on looks first, so a relay answers for what it brings as its maker does.
  if (forged !== undefined) throw new MisbehaviourError('a transaction that is forged or malformed');
  return outcomes.map((outcome) => verdictOf(desk, groupId, outcome));
}

/**
 * Looks at what a peer wants to be handed on: the sealer holds it against this node if it is forged.
 * @throws MisbehaviourError
 */
async function assertGenuine(
  { verifier }: NetworkPort,
  { groupId, submissions }: RequestOf<'tx_submit'>,
): Promise<void> {
  const read = submissions.flatMap(({ transaction: bytes }) => {
    const transaction = readTransaction(bytes);
    return 'code' in transaction || transaction.groupId !== groupId ? [] : [transaction];
  });
  const isRead = read.length === submissions.length;
  if (isRead && (await verifyTransactions(verifier, read)).every((one) => !('code' in one))) return;
  throw new MisbehaviourError('a transaction that is forged or malformed');
}

/**
 * What a stranger may bring; a former member also their own work, to be told by the sealer that it is
 * refused.
 */
function mayCome(desk: SubmissionDesk, groupId: Hex32, submission: Submission, peer: Hex32): boolean {
  if (strangerMay(desk, groupId, submission, peer)) return true;
  if (!desk.access.wasMember(groupId, peer)) return false;
  const transaction = readTransaction(submission.transaction);
  return (
    !('code' in transaction) &&
    transaction.groupId === groupId &&
    desk.access.keysOf(peer).includes(transaction.author)
  );
}

/** The refusal of what a former member may do no more. */
function removedAuthor(port: NetworkPort, groupId: Hex32, bytes: Uint8Array): Outcome | undefined {
  const transaction = readTransaction(bytes);
  if ('code' in transaction || transaction.groupId !== groupId) return undefined;
  const refusal = refusalOfRemoved(port.store.group(groupId), transaction);
  return refusal && { status: 'refused', txId: toHex(sha256(transaction.payload)), refusal };
}

function strangerMay(
  { port, access }: SubmissionDesk,
  groupId: Hex32,
  submission: Submission,
  peer: Hex32,
): boolean {
  const transaction = readTransaction(submission.transaction);
  if ('code' in transaction || transaction.groupId !== groupId) return false;
  const { operations } = transaction;
  if (!operations.every(({ type }) => FOR_STRANGERS.has(type))) return false;
  return access.keysOf(peer).includes(transaction.author) && knowsTheGroup(port, groupId, transaction);
}

/**
 * Whether a stranger shows an invite of the group, or has money or a purchase in it; else they hear of no
 * group.
 */
function knowsTheGroup(port: NetworkPort, groupId: Hex32, { author, operations }: Transaction): boolean {
  const state = new StoredState(port.store.group(groupId));
  if (state.get(balanceTable, author) !== undefined) return true;
  return operations.some(
    (operation) =>
      (operation.type === 'invite_accept' && state.get(inviteTable, operation.invite) !== undefined) ||
      // Whoever has spent their last token here has no balance any more.
      ('purchase' in operation && state.get(purchaseTable, operation.purchase)?.buyer === author),
  );
}

async function relay(
  { client, sealingPeers }: SubmissionDesk,
  request: RequestOf<'tx_submit'>,
  from: Hex32,
): Promise<readonly Verdict[]> {
  for (const sealer of sealingPeers(request.groupId)) {
    if (sealer === from) continue;
    try {
      const { verdicts } = await client.call(sealer, 'tx_submit', { ...request, isRelayed: true });
      if (verdicts.length === request.submissions.length) return verdicts;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
  }
  return request.submissions.map(() => UNROUTED);
}

function verdictOf({ port, access }: SubmissionDesk, groupId: Hex32, outcome: Outcome | undefined): Verdict {
  if (outcome === undefined || isAheadOfTime(port, outcome)) return UNROUTED;
  if (outcome.status === 'sealed' || outcome.refusal.code === 'transaction_duplicate') return SEALED;
  const sealers = access.sealers(groupId);
  const signer = port.signers().find(({ publicKey }) => sealers.includes(publicKey));
  // Like the time of a block, that of a ruling never goes back: it tells a ruling from an older one.
  const tsMs = Math.max(port.store.group(groupId).head()!.tsMs, port.clock.nowMs());
  return signer === undefined ? UNROUTED : ruling(signer, groupId, outcome, tsMs);
}

/** The work is not too old, but the group is ahead of its time: it waits until that is corrected. */
function isAheadOfTime({ clock }: NetworkPort, outcome: Outcome): boolean {
  return (
    outcome.status === 'refused' &&
    outcome.refusal.code === 'transaction_expired' &&
    outcome.refusal.tsMs >= clock.nowMs() - TRANSACTION_AGE_MS_MAX
  );
}

function ruling(
  signer: Signer,
  groupId: Hex32,
  { txId, refusal }: Extract<Outcome, { status: 'refused' }>,
  tsMs: number,
): Verdict {
  const bytes = encode(rulingCodec, { groupId, txId, tsMs, refusal });
  return { status: 'refused', ruling: bytes, signature: signer.sign(RULING_PREFIX, bytes) };
}
