/**
 * The composition root: opens the data directory, starts the actors and wires them together. Nothing else knows
 * everything.
 */

import { Bus } from './actors/bus.ts';
import { foundGroup, GroupChain, storeFounding } from './actors/chain/chain.ts';
import { type Clock, systemClock, WatchedClock } from './actors/clock.ts';
import { NodeClosedError, NotFoundError, RefusedError, UsageError } from './actors/errors.ts';
import { Group } from './actors/group.ts';
import { PREFIX_DIGITS_MIN, resolveId } from './actors/ids.ts';
import { readHints } from './actors/invites.ts';
import { Outbox } from './actors/outbox.ts';
import type { Signer } from './crypto/identity.ts';
import { createKeystore, type Keystore, type ListedIdentity, openKeystore } from './crypto/keystore.ts';
import { PoolVerifier } from './crypto/pool-verifier.ts';
import type { Verifier } from './crypto/verifier.ts';
import type { MomentEvent } from './events/bus.ts';
import { type Hex32, isHex32 } from './events/bytes.ts';
import { type Policy, policyFields } from './events/operations/group.ts';
import { refuse } from './events/refusals.ts';
import type { Operation } from './events/registry.ts';
import { RULES_VERSIONS } from './machines/governance.ts';
import { adoptGroup, type NetworkPort } from './protocol/port.ts';
import { createDirectory, openDirectory } from './storage/directory.ts';
import { acquireLock, type Lock } from './storage/lock.ts';
import { openStore, type Store } from './storage/store.ts';

/** Text that could be an id or the beginning of one. */
const HEX_LOOKING = /^[0-9a-f]{8,64}$/i;

/** What a new group starts with where nothing else is said. */
export const DEFAULT_POLICY: Policy = {
  faucet_amount: 100n,
  claim_reward_amount: 10n,
  transfer_fee_bps: 0,
  max_total_supply: undefined,
  max_account_balance: undefined,
  grant_window_ms: 24 * 3_600_000,
  dispute_window_ms: 24 * 3_600_000,
  discoverable: false,
};

/** The longest wait of a transaction for company, unless set otherwise. */
const LINGER_MS_DEFAULT = 2;

export interface InitOptions {
  /** The data directory; made if it does not exist. */
  readonly data: string;
  /** Encrypts the keys at rest. */
  readonly password?: string;
  /** How long to wait for another owner of the directory to go, milliseconds. */
  readonly waitMs?: number;
}

export interface OpenOptions {
  readonly data: string;
  /** Needed where the keys are encrypted; without it the node opens for reading. */
  readonly password?: string;
  /** `flush` (default): a receipt means that the disk has it. `commit`: the operating system has it. */
  readonly durability?: 'flush' | 'commit';
  readonly lingerMs?: number;
  /** Threads that verify signatures; as many as cores, if not given. */
  readonly threads?: number;
  /** How long to wait for another owner of the directory to go, milliseconds. */
  readonly waitMs?: number;
  readonly clock?: Clock;
}

export interface NewGroup {
  readonly name: string;
  readonly currency?: string;
  readonly policy?: Partial<Policy>;
  /** The identity that founds it; the node's own, if not given. */
  readonly as?: string;
}

export class BatteryNode {
  /** Everything that happens, as RxJS streams. */
  readonly bus = new Bus();
  private readonly lock: Lock;
  private readonly store: Store;
  private readonly keystore: Keystore;
  private readonly verifier: Verifier;
  private readonly clock: WatchedClock;
  private readonly options: OpenOptions;
  private readonly groupsById = new Map<Hex32, { group: Group; chain: GroupChain }>();
  /** Work that other nodes must seal. */
  readonly outbox: Outbox;
  private readonly beforeClose: (() => Promise<void>)[] = [];
  private readonly signersByKey = new Map<Hex32, Signer>();
  private closing: Promise<void> | undefined;

  private constructor(parts: {
    lock: Lock;
    store: Store;
    keystore: Keystore;
    verifier: Verifier;
    options: OpenOptions;
  }) {
    this.lock = parts.lock;
    this.store = parts.store;
    this.keystore = parts.keystore;
    this.verifier = parts.verifier;
    this.options = parts.options;
    this.clock = new WatchedClock(parts.options.clock ?? systemClock);
    this.outbox = new Outbox({
      map: this.store.outbox,
      bus: this.bus,
      clock: this.clock,
      group: (groupId) => this.store.group(groupId),
      signerOf: (publicKey) => this.signerOf(publicKey),
    });
  }

  /**
   * Makes a directory a node's, with one identity of its own.
   * @throws KeystoreExistsError, DirectoryError; a directory that holds a node stays as it is
   */
  static async init(options: InitOptions): Promise<{ identity: ListedIdentity }> {
    const { data, password, waitMs = 0 } = options;
    const layout = createDirectory(data);
    const lock = await acquireLock(layout.root, { waitMs });
    try {
      const keystore = await createKeystore(layout.keys, password === undefined ? {} : { password });
      const identity = keystore.list()[0]!;
      await keystore.close();
      return { identity };
    } finally {
      lock.release();
    }
  }

  /**
   * Opens a node and becomes the owner of its directory.
   * @throws DirectoryError, DirectoryOwnedError, KeystoreError, StorageError
   */
  static async open(options: OpenOptions): Promise<BatteryNode> {
    const { data, password, durability = 'flush', waitMs = 0, threads } = options;
    const layout = openDirectory(data);
    const verifier = new PoolVerifier(threads === undefined ? {} : { threads });
    const lock = await acquireLock(layout.root, { waitMs });
    let keystore: Keystore | undefined;
    try {
      keystore = await openKeystore(layout.keys, password === undefined ? {} : { password });
      const store = openStore(layout.chain, { durability });
      return new BatteryNode({ lock, store, keystore, verifier, options });
    } catch (error) {
      await keystore?.close();
      lock.release();
      throw error;
    }
  }

  /** Opens a node, and makes it first where there is none. */
  static async openOrInit(options: OpenOptions): Promise<BatteryNode> {
    try {
      return await BatteryNode.open(options);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'missing' && code !== 'keystore_not_found') throw error;
      // Somebody else may make it at the same moment; then it is there as well.
      await BatteryNode.init(options).catch((failure: { code?: string }) => {
        if (failure.code !== 'keystore_exists') throw failure;
      });
      return BatteryNode.open(options);
    }
  }

  // Identities.

  /** The identities of this node, its own first. */
  identities(): ListedIdentity[] {
    return this.keystore.list();
  }

  /** A new identity with a key of its own. */
  async createIdentity(name: string): Promise<ListedIdentity> {
    if (HEX_LOOKING.test(name))
      throw new UsageError(`"${name}" looks like a key; choose a name that does not`);
    return this.keystore.add(name);
  }

  /** An identity by its name, its key, or a prefix of the key. */
  identity(nameOrKey: string): ListedIdentity {
    const identities = this.keystore.list();
    // A key is never a name: otherwise a name could answer for somebody else's key.
    const named = isHex32(nameOrKey) ? undefined : identities.find(({ name }) => name === nameOrKey);
    if (named !== undefined) return named;
    const isPrefix = nameOrKey.length >= PREFIX_DIGITS_MIN && /^[0-9a-f]+$/i.test(nameOrKey);
    if (!isPrefix)
      throw new NotFoundError(
        `there is no identity ${nameOrKey} on this node; it has ${identities.map(({ name }) => name).join(', ')}`,
      );
    const key = resolveId(
      'identity',
      nameOrKey,
      identities.map(({ publicKey }) => publicKey),
    );
    return identities.find(({ publicKey }) => publicKey === key)!;
  }

  /** Whether the keys are encrypted and no password was given: the node reads, but signs nothing. */
  get isLocked(): boolean {
    return this.keystore.locked;
  }

  get hasPassword(): boolean {
    return this.keystore.hasPassword;
  }

  /** What is wrong with the modes of the key file, if anything. */
  get keyFileWarning(): string | undefined {
    return this.keystore.modeWarning;
  }

  changePassword(oldPassword: string | undefined, newPassword: string | undefined): Promise<void> {
    return this.keystore.changePassword(oldPassword, newPassword);
  }

  private signerOf(publicKey: Hex32): Signer | undefined {
    const known = this.signersByKey.get(publicKey);
    if (known !== undefined) return known;
    if (this.keystore.locked) return undefined;
    const identity = this.keystore.list().find((one) => one.publicKey === publicKey);
    if (identity === undefined) return undefined;
    const signer = this.keystore.signer(identity.name);
    this.signersByKey.set(publicKey, signer);
    return signer;
  }

  // Groups.

  /** Founds a group; the founder becomes its admin and sealer. */
  async createGroup(group: NewGroup): Promise<Group> {
    this.assertOpen();
    const founder = this.identity(group.as ?? this.keystore.nodeName);
    const signer = this.keystore.signer(founder.name);
    const { name, currency = 'LB', policy } = group;
    const genesis: Extract<Operation, { type: 'genesis' }> = {
      type: 'genesis',
      rulesVersion: RULES_VERSIONS[0]!,
      name,
      currency,
      policy: completePolicy(policy ?? {}),
    };
    const final = foundGroup(signer, genesis, this.clock.nowMs());
    if ('code' in final) throw new RefusedError(final);
    const store = await this.store.addGroup(final.blockId, name, final.header.tsMs);
    await storeFounding(store, final);
    this.bus.moment({ kind: 'group.opened', groupId: final.blockId } satisfies MomentEvent);
    return this.group(final.blockId);
  }

  /** Ids of the groups on this node. */
  groupIds(): Hex32[] {
    return this.store
      .groups()
      .map(({ groupId }) => groupId)
      .filter((groupId) => this.hasChain(groupId));
  }

  /** A crash between registering a group and storing its block 0 leaves a name without a chain. */
  private hasChain(groupId: Hex32): boolean {
    try {
      return this.store.group(groupId).head() !== undefined;
    } catch (error) {
      // A damaged group is there, and must not keep the others from being found.
      if ((error as { code?: string }).code === 'corrupt') return true;
      throw error;
    }
  }

  /** Every group of this node, loaded. */
  groups(): Group[] {
    return this.groupIds().map((groupId) => this.group(groupId));
  }

  /** A group by its id, an unambiguous prefix of it, or its name where only one group has it. */
  group(idOrName: string): Group {
    this.assertOpen();
    const known = this.groupsById.get(idOrName);
    if (known !== undefined) return known.group;
    const groupId = this.resolveGroup(idOrName);
    return (this.groupsById.get(groupId) ?? this.load(groupId)).group;
  }

  /** Ids come before names, since anybody may call a group whatever he likes. */
  private resolveGroup(idOrName: string): Hex32 {
    const ids = this.groupIds();
    const prefix = HEX_LOOKING.test(idOrName) ? idOrName.toLowerCase() : undefined;
    if (prefix !== undefined && (prefix.length === 64 || ids.some((id) => id.startsWith(prefix))))
      return resolveId('group', idOrName, ids);
    const named = this.store
      .groups()
      .filter(({ name, groupId }) => name === idOrName && ids.includes(groupId));
    if (named.length === 1) return named[0]!.groupId;
    if (named.length === 0) throw new NotFoundError(`there is no group ${idOrName} on this node`);
    throw new UsageError(
      `${named.length} groups are called ${idOrName}: ${named.map(({ groupId }) => groupId.slice(0, 12)).join(', ')}`,
    );
  }

  private load(groupId: Hex32): { group: Group; chain: GroupChain } {
    const store = this.store.group(groupId);
    const { verifier, clock, bus } = this;
    const chain = new GroupChain(groupId, {
      store,
      verifier,
      clock,
      bus,
      lingerMs: this.options.lingerMs ?? LINGER_MS_DEFAULT,
      outlet: this.outbox,
      signerOf: (publicKey) => this.signerOf(publicKey),
    });
    const group = new Group({
      store,
      chain,
      bus,
      verifier,
      wallet: this.store,
      readSnapshot: (use) => this.store.readSnapshot((snapshot) => use(snapshot.group(groupId))),
      nowMs: () => clock.nowMs(),
      hints: () => readHints(this.store.network),
      identity: (nameOrKey) => {
        const { name } = this.identity(nameOrKey);
        return { name, signer: this.keystore.signer(name) };
      },
    });
    const loaded = { group, chain };
    this.groupsById.set(groupId, loaded);
    return loaded;
  }

  private assertOpen(): void {
    if (this.closing !== undefined) throw new NodeClosedError();
  }

  /** What the network needs of this node; its signers throw `PasswordRequiredError` while the keys are locked. */
  get networkPort(): NetworkPort {
    const { store, outbox, bus, clock, keystore } = this;
    const chain = (groupId: Hex32): GroupChain => (this.groupsById.get(groupId) ?? this.load(groupId)).chain;
    return {
      store,
      outbox,
      bus,
      clock,
      get signer() {
        return keystore.signer();
      },
      signers: () => keystore.list().map(({ name }) => keystore.signer(name)),
      groupIds: () => this.groupIds(),
      chain,
      adopt: (block) => adoptGroup({ store, bus, chain }, block),
      beforeClose: (stop) => this.beforeClose.push(stop),
    };
  }

  /** The verification pool, for audits of files. */
  get signatureVerifier(): Verifier {
    return this.verifier;
  }

  /** Takes the present wall time as right after a jump. */
  trustClock(): void {
    this.clock.trust();
  }

  /** Seals and stores what waits, stops everything, and gives the directory back. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    try {
      for (const stop of this.beforeClose) await stop();
      this.outbox.close();
      await Promise.all([...this.groupsById.values()].map(({ chain }) => chain.close()));
      this.bus.close();
      await this.verifier.close();
      await this.store.close();
    } finally {
      await this.keystore.close();
      this.lock.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A whole policy from parts of one. Throws `RefusedError` for keys that do not exist. */
function completePolicy(parts: Partial<Policy>): Policy {
  const unknown = Object.keys(parts).find((key) => !Object.hasOwn(policyFields, key));
  if (unknown !== undefined) throw new RefusedError(refuse('policy_key_unknown', { key: unknown }));
  return { ...DEFAULT_POLICY, ...parts };
}
