/**
 * An identity at work in a group: a typed method for every operation, each of which signs one transaction and
 * resolves to its receipt. What the rules refuse is thrown as `RefusedError`; `submit` returns it instead, and
 * takes several operations that apply together or not at all.
 */
import { sha256 } from '../crypto/hash.ts';
import { randomSeed, type Signer, signerFromSeed } from '../crypto/identity.ts';
import { type Hex32, toHex } from '../events/bytes.ts';
import type { PresenceStatus, Role } from '../events/effects.ts';
import { BASIS_POINTS } from '../events/limits.ts';
import type { Policy, PolicyKey, PolicyValue } from '../events/operations/group.ts';
import type { Outcome, Receipt, Removal } from '../events/receipt.ts';
import { refuse } from '../events/refusals.ts';
import type { Operation } from '../events/registry.ts';
import { transferFee } from '../machines/tokens.ts';
import { isBlank } from './blank-text.ts';
import type { GroupChain } from './chain/chain.ts';
import { tellNoted } from './chain/signed-within.ts';
import { ChainStoppedError } from './chain/stopped.ts';
import { effectOf } from './effect-of.ts';
import { encodeChecked } from './encode-checked.ts';
import { NotFoundError, RefusedError, UsageError } from './errors.ts';
import type { GroupView } from './group-view.ts';
import { formatInviteCode, inviteAcceptance, type PeerHint, parseInviteCode } from './invites.ts';
import {
  checkDelivery,
  type Delivery,
  openDelivery,
  prepareOneTimeKey,
  preparePackage,
  revealOneTimeSecret,
  type Wallet,
} from './market/desk.ts';
import type { Market } from './market/market.ts';
import { windowsOf } from './market/market-chain.ts';
import { keepManual } from './market/wallet.ts';
import type { Batch, NewClaim, NewOffer, NewTask } from './new-records.ts';
import type { BeatVerdict, GroupPresence } from './presence/group-presence.ts';
import { withRemoval } from './removal.ts';

export interface AgentOptions {
  readonly chain: GroupChain;
  readonly signer: Signer;
  readonly name: string;
  readonly wallet: Wallet;
  presence(): GroupPresence;
  market(): Market;
  view(): GroupView;
  /** The policy as it is now: one read, where a view looks for the head first. */
  policy(): Policy;
  nowMs(): number;
  hints(): readonly PeerHint[];
  /** How the identity's membership ended, where it has. */
  removal(): Removal | undefined;
}

export class Agent {
  readonly publicKey: Hex32;
  /** The identity's name on this node. */
  readonly name: string;
  private readonly options: AgentOptions;

  constructor(options: AgentOptions) {
    this.options = options;
    this.publicKey = options.signer.publicKey;
    this.name = options.name;
  }

  /** @throws ChainStoppedError once the node is closed: its keys are forgotten then */
  private get signer(): Signer {
    const { chain, signer } = this.options;
    if (chain.status === 'closed') throw new ChainStoppedError('group_closed', 'the group is closed');
    return signer;
  }

  /** Signs and submits operations as one transaction; resolves when it is sealed and on disk, or refused. */
  async submit(operations: readonly Operation[], artifacts: readonly Uint8Array[] = []): Promise<Outcome> {
    const { signer, removal } = this.options;
    return withRemoval(await this.options.chain.submit(signer, operations, artifacts), removal);
  }

  /** Like `submit`, but throws `RefusedError` instead of returning a refusal. */
  async do(...operations: readonly Operation[]): Promise<Receipt> {
    return unwrap(await this.submit(operations));
  }

  // Knowledge.

  /**
   * The operation and the artifact of a claim, to be submitted alone or in a batch. The claim's id is the hash.
   * @throws UsageError for a text with nothing to read: a claim may earn a reward
   */
  prepareClaim(claim: NewClaim): Batch & { claim: Hex32 } {
    const { text, tags = [], parent, evidence = [], createdMs = this.options.nowMs() } = claim;
    if (isBlank(text)) throw new UsageError('a claim needs a text that can be read; this one is empty');
    const bytes = encodeChecked({ text, tags, parent, evidence, createdMs });
    const id = toHex(sha256(bytes));
    const operation: Operation = { type: 'claim', artifact: id, parent, evidence, tags };
    return { claim: id, operations: [operation], artifacts: [bytes] };
  }

  async publishClaim(claim: NewClaim): Promise<Receipt & { claim: Hex32 }> {
    const { claim: id, operations, artifacts } = this.prepareClaim(claim);
    return { ...unwrap(await this.submit(operations, artifacts)), claim: id };
  }

  retractClaim(claim: Hex32, reason?: string): Promise<Receipt> {
    return this.do({ type: 'retract', claim, reason });
  }

  reinstateClaim(claim: Hex32, reason?: string): Promise<Receipt> {
    return this.do({ type: 'reinstate', claim, reason });
  }

  /** Keeps an agent run's record, any bytes. */
  async recordExperience(bytes: Uint8Array): Promise<Receipt & { artifact: Hex32 }> {
    const artifact = toHex(sha256(bytes));
    const outcome = await this.submit([{ type: 'experience', artifact }], [bytes]);
    return { ...unwrap(outcome), artifact };
  }

  // Tasks. Where no attempt is given, the task's present one is meant.

  createTask(task: NewTask): Promise<Receipt> {
    const { task: id, title, description, assignee, dueMs, reward, leaseMs, tags = [] } = task;
    const rewardFrom = reward === undefined ? undefined : this.rewardSource();
    const said = { title, description, assignee, dueMs, reward, rewardFrom, leaseMs, tags };
    return this.do({ type: 'task_create', task: id, ...said });
  }

  /** What a reward is promised from, as of now: an admin's is minted, anybody else's is their own. */
  private rewardSource(): 'mint' | 'escrow' {
    return this.options.view().roleOf(this.publicKey) === 'admin' ? 'mint' : 'escrow';
  }

  assignTask(task: string, assignee: Hex32): Promise<Receipt> {
    return this.do({ type: 'task_assign', task, assignee });
  }

  /** Takes a pending task for oneself. Of several who try, exactly one succeeds. */
  takeTask(task: string): Promise<Receipt> {
    return this.assignTask(task, this.publicKey);
  }

  startTask(task: string, attempt = this.attemptOf(task)): Promise<Receipt> {
    return this.do({ type: 'task_start', task, attempt });
  }

  progressTask(task: string, note?: string, attempt = this.attemptOf(task)): Promise<Receipt> {
    return this.do({ type: 'task_progress', task, attempt, note });
  }

  completeTask(task: string, result?: Hex32, attempt = this.attemptOf(task)): Promise<Receipt> {
    return this.do({ type: 'task_complete', task, attempt, result });
  }

  failTask(task: string, error?: string, attempt = this.attemptOf(task)): Promise<Receipt> {
    return this.do({ type: 'task_fail', task, attempt, error });
  }

  releaseTask(task: string, attempt = this.attemptOf(task)): Promise<Receipt> {
    return this.do({ type: 'task_release', task, attempt });
  }

  cancelTask(task: string, reason?: string): Promise<Receipt> {
    return this.do({ type: 'task_cancel', task, reason });
  }

  private attemptOf(task: string): number {
    return this.options.view().task(task)?.attempt ?? 0;
  }

  // Presence.

  /** @param metadata a JSON object, at most 4 KiB as text */
  setPresence(status: PresenceStatus, metadata?: Readonly<Record<string, unknown>>): Promise<Receipt> {
    const text = metadata === undefined ? undefined : JSON.stringify(metadata);
    return this.do({ type: 'presence', status, metadata: text });
  }

  /** Says that this identity is there, by one beat, which never touches the chain. */
  beat(): BeatVerdict {
    return this.options.presence().beat(this.signer);
  }

  /** Beats now and once a minute for as long as the result is not disposed of: `using here = agent.keepBeating()`. */
  keepBeating(): Disposable {
    return { [Symbol.dispose]: this.options.presence().keepBeating(this.signer) };
  }

  // Membership.

  addMember(member: Hex32, role: Role): Promise<Receipt> {
    return this.do({ type: 'member_add', member, role });
  }

  removeMember(member: Hex32): Promise<Receipt> {
    return this.do({ type: 'member_remove', member });
  }

  setProfile(name: string): Promise<Receipt> {
    return this.do({ type: 'profile_set', name });
  }

  /** Proposes who seals next (admin): they take over with `acceptSealing`. Naming the present sealer withdraws it. */
  setSealers(sealers: readonly Hex32[]): Promise<Receipt> {
    return this.do({ type: 'sealer_set', sealers });
  }

  /** Takes over the sealing that an admin has proposed to this identity. */
  acceptSealing(): Promise<Receipt> {
    return this.do({ type: 'sealer_accept' });
  }

  /** Opens an invite; the code is the only copy of its key, and whoever has it may join. */
  async createInvite(invite: {
    role: Role;
    maxUses?: number;
    expiresMs: number;
    /** Where the group can be reached; this node's own addresses, if not given. */
    hints?: readonly PeerHint[];
  }): Promise<Receipt & { invite: Hex32; code: string }> {
    const { role, maxUses = 1, expiresMs, hints = this.options.hints() } = invite;
    const seed = randomSeed();
    const key = signerFromSeed(seed).publicKey;
    const code = formatInviteCode(this.options.chain.groupId, seed.expose(), hints);
    await tellNoted({ code });
    const receipt = await this.do({ type: 'invite_create', invite: key, role, maxUses, expiresMs });
    return { ...receipt, invite: key, code };
  }

  /** Joins by a code that an admin handed out. */
  acceptInvite(code: string): Promise<Receipt> {
    const invite = parseInviteCode(code);
    if (invite.groupId !== this.options.chain.groupId)
      throw new UsageError(`the code is for another group (${invite.groupId.slice(0, 8)})`);
    return this.do(inviteAcceptance(invite, this.publicKey));
  }

  revokeInvite(invite: Hex32): Promise<Receipt> {
    return this.do({ type: 'invite_revoke', invite });
  }

  // Tokens and policy.

  mint(to: Hex32, amount: bigint): Promise<Receipt> {
    return this.do({ type: 'mint', to, amount });
  }

  /** @param feeMax the most to pay as the fee; what the group's policy asks now, if not given */
  transfer(to: Hex32, amount: bigint, feeMax?: bigint): Promise<Receipt> {
    const agreed = feeMax ?? transferFee(amount, this.options.policy());
    return this.do({ type: 'transfer', to, amount, feeMax: agreed });
  }

  spendTreasury(to: Hex32, amount: bigint): Promise<Receipt> {
    return this.do({ type: 'treasury_spend', to, amount });
  }

  /** Changes the named parts of the policy; `undefined` takes a cap away. */
  updatePolicy(changes: Partial<Policy>): Promise<Receipt> {
    const list = Object.entries(changes).map(([key, value]) => ({
      key: key as PolicyKey,
      value: (typeof value === 'number' ? BigInt(value) : value) as PolicyValue,
    }));
    return this.do({ type: 'policy_update', changes: list });
  }

  upgradeRules(version: number): Promise<Receipt> {
    return this.do({ type: 'rules_upgrade', version });
  }

  /**
   * Sets the group's time back to the sealer's clock, where its last block came from one that was ahead (admin). What
   * was sealed stays, with the times that it has.
   */
  correctTime(): Promise<Receipt> {
    return this.do({ type: 'time_correct', fromMs: this.options.view().tsMs });
  }

  // Market.

  /** Encrypts the content, keeps the key in the wallet, and offers the package. */
  async createOffer(offer: NewOffer): Promise<Receipt & { offer: Hex32 }> {
    const { title, content, price, description, tags = [], parents = [], expiresMs } = offer;
    const { splits = [{ to: this.publicKey, bps: BASIS_POINTS }], grants = 'automatic' } = offer;
    const terms = { title, price, description, tags, splits, parents, expiresMs };
    const prepared = await preparePackage(this.options.wallet, this.signer, content);
    if (grants === 'by_hand')
      await keepManual(this.options.wallet.wallet, this.publicKey, prepared.packageHash);
    const receipt = await this.do({ type: 'offer_create', ...prepared, ...terms });
    return { ...receipt, offer: effectOf(receipt, 'offer.created').offer };
  }

  revokeOffer(offer: Hex32): Promise<Receipt> {
    return this.do({ type: 'offer_revoke', offer });
  }

  /**
   * Pays the offer's price into escrow, with a fresh one-time key and under the windows that the policy has now. The
   * encrypted package must be here already: no rule can judge about bytes that nobody ever showed.
   * @throws NotFoundError when it is not, RefusedError
   */
  async purchase(offer: Hex32): Promise<Receipt & { purchase: Hex32 }> {
    const { price, packageHash } = this.offer(offer);
    if (!this.options.wallet.artifacts.has(packageHash))
      throw new NotFoundError(
        `the package of offer ${offer.slice(0, 8)} is not on this node; fetch it before paying`,
      );
    const buyerKey = await prepareOneTimeKey(this.options.wallet, this.signer);
    const terms = { amount: price, buyerKey, ...windowsOf(this.options.view().policy()) };
    const receipt = await this.do({ type: 'purchase', offer, ...terms });
    return { ...receipt, purchase: effectOf(receipt, 'purchase.changed').purchase };
  }

  /**
   * Hands the package's key to the buyer of a purchase. The node does so by itself, unless the offer says otherwise;
   * what is granted already, or just being granted, resolves to the receipt of that.
   */
  async grant(purchase: Hex32): Promise<Receipt> {
    const { seller } = this.offer(this.purchaseRecord(purchase).offer);
    // The rules say the same, but the wallet is asked first, and would only miss a key.
    if (seller !== this.publicKey) throw new RefusedError(refuse('not_seller', { seller }));
    return this.options.market().granter.grant(this.options.chain.groupId, purchase);
  }

  /** Opens what was delivered, without accepting it. @throws RefusedError before the grant, and for others */
  openPurchase(purchase: Hex32): Delivery {
    const { record, sealedKey } = this.granted(purchase);
    const { signer, options } = this;
    const { wallet } = options;
    return openDelivery(wallet, signer, this.offer(record.offer), record, sealedKey);
  }

  /** Like `openPurchase`, for packages of any size: reads it through, and gives it piece by piece. */
  async checkPurchase(purchase: Hex32): ReturnType<typeof checkDelivery> {
    const { record, sealedKey } = this.granted(purchase);
    const { signer, options } = this;
    const { wallet } = options;
    return checkDelivery(wallet, signer, this.offer(record.offer), record, sealedKey);
  }

  acceptPurchase(purchase: Hex32): Promise<Receipt> {
    return this.do({ type: 'purchase_accept', purchase });
  }

  settlePurchase(purchase: Hex32): Promise<Receipt> {
    return this.do({ type: 'purchase_settle', purchase });
  }

  refundPurchase(purchase: Hex32): Promise<Receipt> {
    return this.do({ type: 'purchase_refund', purchase });
  }

  /** Proves a wrong key; this reveals the purchase's one-time secret, which is worthless afterwards. */
  async disputePurchase(purchase: Hex32): Promise<Receipt> {
    const record = this.ownPurchase(purchase);
    const oneTimeSecret = revealOneTimeSecret(this.options.wallet, this.signer, record.buyerKey);
    return this.do({ type: 'purchase_dispute', purchase, oneTimeSecret });
  }

  private granted(purchase: Hex32) {
    const record = this.ownPurchase(purchase);
    const { sealedKey } = record;
    if (sealedKey === undefined)
      throw new RefusedError(refuse('purchase_state', { purchase, status: record.status, event: 'open' }));
    return { record, sealedKey };
  }

  /** A purchase of this identity: only the buyer's wallet has the secret that opens what is delivered. */
  private ownPurchase(purchase: Hex32) {
    const record = this.purchaseRecord(purchase);
    const { buyer } = record;
    if (buyer !== this.publicKey) throw new RefusedError(refuse('not_buyer', { buyer }));
    return record;
  }

  private offer(offer: Hex32) {
    const record = this.options.view().offer(offer);
    if (record === undefined) throw new RefusedError(refuse('offer_unknown', { offer }));
    return record;
  }

  private purchaseRecord(purchase: Hex32) {
    const record = this.options.view().purchase(purchase);
    if (record === undefined) throw new RefusedError(refuse('purchase_unknown', { purchase }));
    return record;
  }
}

/** The receipt, or the refusal thrown. */
export function unwrap(outcome: Outcome): Receipt {
  if (outcome.status === 'sealed') return outcome.receipt;
  throw new RefusedError(outcome.refusal, outcome.removal);
}
