/**
 * A group's chain as somebody sees it who is no member: by proofs of inclusion, from peers that have it.
 *
 * A proof shows that a transaction is in the group's history, and a transaction in it was valid: so a proved purchase
 * has put its price into escrow, a proved grant holds the sealed key, a proved end has moved the money. Who could seal
 * at which height, hand-overs show, which are proved as well. What a peer keeps silent about, the stranger
 * does not learn from that peer: without a grant the rules give the money back, but a wrong grant has to be
 * seen in time to be disputed. So everybody who can be asked is.
 */
import { NotFoundError } from '../../actors/errors.ts';
import type { PeerHint } from '../../actors/invites.ts';
import { MarketError } from '../../actors/market/errors.ts';
import type { MarketChain, OfferTerms, PurchaseFacts, Submitted } from '../../actors/market/market-chain.ts';
import { type Order, ownPurchaseOf } from '../../actors/market/order.ts';
import { sha256 } from '../../crypto/hash.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { concatBytes, fromHex, type Hex32 } from '../../events/bytes.ts';
import { decode } from '../../events/codec.ts';
import { type ProofFacts, verifyProof } from '../../events/proof.ts';
import { MalformedError } from '../../events/reader.ts';
import type { Refusal } from '../../events/refusals.ts';
import type { Operation } from '../../events/registry.ts';
import type { VerifiedTransaction } from '../../events/transaction.ts';
import { offerIdOf, purchaseIdOf } from '../../machines/market.ts';
import { MisbehaviourError, NetworkError, RpcError } from '../errors.ts';
import type { BoundedMap } from '../rate-limit.ts';
import type { RpcClient } from '../rpc/client.ts';
import { type AnswerOf, RULING_PREFIX, rulingCodec, type Verdict } from '../rpc/methods.ts';
import { ProvedSealers } from './proved-sealers.ts';

const PROGRESS = { escrowed: 0, granted: 1, settled: 2, refunded: 2, disputed: 2 } as const;

export interface StrangerChainOptions {
  readonly groupId: Hex32;
  readonly hints: readonly PeerHint[];
  readonly client: RpcClient;
  /** Who seals groups, as proofs have shown. */
  readonly sealers: BoundedMap<Hex32, ProvedSealers>;
  /** Connects to the peers that are named, and gives those that can be asked. */
  reach(hints: readonly PeerHint[]): Promise<readonly Hex32[]>;
  shutOut(peer: Hex32, reason: string): void;
}

export class StrangerChain implements MarketChain {
  readonly isStranger = true;
  readonly peers: readonly PeerHint[];
  private readonly options: StrangerChainOptions;

  constructor(options: StrangerChainOptions) {
    this.options = options;
    this.peers = options.hints;
  }

  /** Asks one peer after the other until one gives an answer that `read` takes. */
  private async ask<T>(ask: (peer: Hex32) => Promise<T | undefined>): Promise<T | undefined> {
    const peers = await this.options.reach(this.options.hints);
    if (peers.length === 0)
      throw new NetworkError(
        'peer_unreachable',
        'no peer that has the group can be reached; name one with --peer',
      );
    let failure: NetworkError | MarketError | undefined;
    let wasAnswered = false;
    for (const peer of peers) {
      try {
        await this.options.client.introduce(peer);
        const answer = await ask(peer);
        wasAnswered = true;
        if (answer !== undefined) return answer;
      } catch (error) {
        if (error instanceof MisbehaviourError) this.options.shutOut(peer, error.message);
        if (error instanceof RpcError && error.reason === 'not_found') wasAnswered = true;
        else if (error instanceof NetworkError || error instanceof MarketError) failure = error;
        else throw error;
      }
    }
    if (failure !== undefined && (!wasAnswered || failure instanceof MarketError)) throw failure;
    return undefined;
  }

  /**
   * What a proof shows, if it is one of this group and was sealed by those who could.
   * @param subject the offer or purchase that it is about
   */
  private async facts(peer: Hex32, subject: Hex32, proof: Uint8Array): Promise<ProofFacts> {
    const facts = this.factsOf(proof);
    const sealers = this.sealersFrom(facts);
    if (!sealers.haveSealed(facts)) await this.followHandOvers(peer, subject, sealers);
    if (!sealers.haveSealed(facts))
      throw new MarketError(
        'proof_rejected',
        'the group is sealed by somebody to whom no proof leads from its founder; become a member to buy',
      );
    return facts;
  }

  private factsOf(proof: Uint8Array): ProofFacts {
    const verdict = verifyProof(proof, { sha256, verifySignature }, { groupId: this.options.groupId });
    if (verdict.status === 'invalid')
      throw new MisbehaviourError(`a proof that does not hold: ${verdict.reason}`);
    return verdict.facts;
  }

  private sealersFrom({ founder }: ProofFacts): ProvedSealers {
    const { groupId, sealers } = this.options;
    const known = sealers.get(groupId) ?? new ProvedSealers(founder);
    sealers.set(groupId, known);
    return known;
  }

  /** Learns from a peer to whom the sealing went after the last hand-over that is known. */
  private async followHandOvers(peer: Hex32, subject: Hex32, sealers: ProvedSealers): Promise<void> {
    const { client, groupId } = this.options;
    try {
      for (;;) {
        const after = sealers.lastHandOver;
        const { proofs } = await client.call(peer, 'sealer_proofs', { groupId, subject, after });
        for (const proof of proofs) sealers.follow(this.factsOf(proof));
        if (sealers.lastHandOver === after) return;
      }
    } catch (error) {
      // The peer does not have them all, or is too old to know what is asked: what is known has to do.
      const hasNone = error instanceof RpcError && ['not_found', 'bad_request'].includes(error.reason);
      if (!hasNone) throw error;
    }
  }

  async offer(offer: Hex32): Promise<OfferTerms> {
    const { groupId } = this.options;
    const terms = await this.ask(async (peer) => {
      const answer = await this.options.client.call(peer, 'offer_proof', { groupId, offer });
      // The windows are the peer's word; where they are others, the purchase that names them is refused.
      const { proof, grantWindowMs, disputeWindowMs } = answer;
      const windows = { grantWindowMs, disputeWindowMs };
      const facts = await this.facts(peer, offer, proof);
      const txId = fromHex(facts.txId);
      const at = facts.operations.findIndex((_, index) => offerIdOf(txId, index, sha256) === offer);
      const operation = facts.operations[at];
      if (operation?.type !== 'offer_create') throw new MisbehaviourError('a proof of another offer');
      const { title, price, packageHash, keyHash, expiresMs } = operation;
      const shown = { title, price, packageHash, keyHash, expiresMs };
      return { offer, seller: facts.author, ...shown, revoked: false, ...windows };
    });
    if (terms === undefined)
      throw new NotFoundError(`no peer that was asked has an offer ${offer.slice(0, 8)}`);
    return terms;
  }

  async purchaseOf(order: Order): Promise<PurchaseFacts | undefined> {
    const { groupId } = this.options;
    const purchase = order.purchase ?? ownPurchaseOf(order)!;
    let furthest: PurchaseFacts | undefined;
    // Each peer may be behind, or keep something to itself: the one that knows most counts, since all of it
    // is proved.
    await this.ask(async (peer) => {
      const answer = await this.options.client.call(peer, 'purchase_proofs', { groupId, purchase });
      const facts = await this.purchaseFacts(peer, order, purchase, answer);
      if (furthest === undefined || PROGRESS[facts.status] > PROGRESS[furthest.status]) furthest = facts;
      return PROGRESS[furthest.status] === PROGRESS.settled ? furthest : undefined;
    });
    return furthest;
  }

  private async purchaseFacts(
    peer: Hex32,
    order: Order,
    purchase: Hex32,
    { proofs, grantUntilMs, disputeUntilMs }: AnswerOf<'purchase_proofs'>,
  ): Promise<PurchaseFacts> {
    const shown: ProofFacts[] = [];
    for (const proof of proofs) shown.push(await this.facts(peer, purchase, proof));
    const [made, ...later] = shown;
    if (made === undefined || !isPurchaseOf(order, purchase, made))
      throw new MisbehaviourError('a proof of another purchase');
    let facts: PurchaseFacts = {
      purchase,
      status: 'escrowed',
      grantUntilMs,
      disputeUntilMs,
      sealedKey: undefined,
    };
    for (const one of later) facts = { ...facts, ...stepOf(order, purchase, one) };
    return facts;
  }

  refresh(): void {}

  balance(): undefined {
    return undefined;
  }

  openPurchase(): undefined {
    return undefined;
  }

  isUnderWay(): boolean {
    return false;
  }

  refusalOf(): undefined {
    return undefined;
  }

  isWaiting(): boolean {
    return false;
  }

  /** @throws NetworkError where no peer reached the sealer */
  async submit({ bytes, txId, operations }: VerifiedTransaction): Promise<Submitted> {
    const { groupId, sealers } = this.options;
    const [first] = operations;
    // Whose word a refusal has to be is in every proof; after a restart none has been seen yet.
    if (first?.type === 'purchase' && sealers.get(groupId) === undefined) await this.offer(first.offer);
    const submitted = await this.ask(async (peer) => {
      const submissions = [{ transaction: bytes, artifacts: [] }];
      const request = { groupId, isRelayed: false, submissions };
      const { verdicts } = await this.options.client.call(peer, 'tx_submit', request);
      const [verdict] = verdicts;
      if (verdict === undefined) throw new MisbehaviourError('no verdict');
      if (verdict.status === 'refused') await this.keepUpWith(peer, first, verdict);
      return this.submittedBy(txId, verdict);
    });
    if (submitted === undefined)
      throw new NetworkError('peer_unreachable', 'no peer that was asked reaches the group’s sealer now');
    return submitted;
  }

  private submittedBy(txId: Hex32, verdict: Verdict): Submitted | undefined {
    if (verdict.status === 'unrouted') return undefined;
    if (verdict.status === 'sealed') return { status: 'sealed' };
    return { status: 'refused', refusal: this.refusalIn(txId, verdict) };
  }

  /** Where somebody has signed a refusal who is not known to seal, the sealing may have been handed over. */
  private async keepUpWith(peer: Hex32, operation: Operation | undefined, verdict: Verdict): Promise<void> {
    const sealers = this.options.sealers.get(this.options.groupId);
    const subject = subjectOf(operation);
    if (sealers === undefined || subject === undefined || isRuledBy(sealers.present, verdict)) return;
    await this.followHandOvers(peer, subject, sealers);
  }

  /** A refusal counts where somebody who is known to seal for this group has signed it. */
  private refusalIn(txId: Hex32, verdict: Verdict): Refusal {
    const { ruling, signature } = verdict;
    if (ruling === undefined || signature === undefined)
      throw new MisbehaviourError('a refusal that nobody has signed');
    const { present = [] } = this.options.sealers.get(this.options.groupId) ?? {};
    if (!isRuledBy(present, verdict))
      throw new NetworkError('peer_refused', 'a refusal that the group’s sealer has not signed');
    try {
      const ruled = decode(rulingCodec, ruling);
      if (ruled.groupId === this.options.groupId && ruled.txId === txId) return ruled.refusal;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
    }
    throw new MisbehaviourError('a refusal of something else');
  }
}

/** Whether one of these keys has signed the ruling of a verdict. */
function isRuledBy(sealers: readonly Hex32[], { ruling, signature }: Verdict): boolean {
  if (ruling === undefined || signature === undefined) return false;
  const message = concatBytes(RULING_PREFIX, ruling);
  return sealers.some((sealer) => verifySignature(fromHex(sealer), message, signature));
}

/** The offer or the purchase that a buyer's operation is about. */
function subjectOf(operation: Operation | undefined): Hex32 | undefined {
  if (operation?.type === 'purchase') return operation.offer;
  return operation !== undefined && 'purchase' in operation ? operation.purchase : undefined;
}

/** Whether the facts hold the purchase of an order. */
function isPurchaseOf(order: Order, purchase: Hex32, { txId, author, operations }: ProofFacts): boolean {
  return operations.some(
    (one, at) =>
      one.type === 'purchase' &&
      one.buyerKey === order.order &&
      author === order.buyer &&
      purchaseIdOf(fromHex(txId), at, sha256) === purchase,
  );
}

/** What a later transaction of the history did to a purchase. */
function stepOf(order: Order, purchase: Hex32, { author, operations }: ProofFacts): Partial<PurchaseFacts> {
  for (const one of operations) {
    if (!('purchase' in one) || one.purchase !== purchase) continue;
    if (one.type === 'grant' && author === order.seller)
      return { status: 'granted', sealedKey: one.sealedKey.slice() };
    if (one.type === 'purchase_accept' || one.type === 'purchase_settle') return { status: 'settled' };
    if (one.type === 'purchase_refund') return { status: 'refunded' };
    if (one.type === 'purchase_dispute') return { status: 'disputed' };
  }
  throw new MisbehaviourError('a proof of something else than the purchase');
}
