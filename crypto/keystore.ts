/**
 * Where a node keeps its keys: one file, `keystore.json`, in its data directory.
 *
 * One file for all identities, because then every change (another identity, a new password, none) is the
 * replacement of one file, which either happens or does not: see `replaceFile`. With a password the seeds
 * are sealed; names and public keys stay readable, and a store that is opened without its password is
 * *locked*: it lists, and refuses to sign. Without a password the file's mode is the only protection.
 *
 * A data directory has one owner at a time. Should another process write the file all the same, the next
 * change here notices and is refused, and nothing is lost.
 */
import { join } from 'node:path';
import { equalBytes, fromHex, toHex } from '../events/bytes.ts';
import { type Identity, randomSeed, type Signer, signerFromSeed } from './identity.ts';
import { createFile, KEYSTORE_MODE, type KeystoreDisk, nodeDisk, replaceFile } from './keystore-disk.ts';
import {
  EmptyPasswordError,
  IdentityExistsError,
  IdentityNotFoundError,
  KeystoreChangedError,
  KeystoreClosedError,
  KeystoreCorruptError,
  KeystoreExistsError,
  KeystoreNotFoundError,
  PasswordRequiredError,
  WrongPasswordError,
  wrapIo,
} from './keystore-errors.ts';
import {
  assertIdentityName,
  decodeKeystoreFile,
  encodeKeystoreFile,
  type KeystoreFile,
  nameKey,
  type StoredIdentity,
} from './keystore-file.ts';
import {
  deriveKey,
  type KeyDerivation,
  newDerivation,
  openSeed,
  PRODUCT_COST,
  type ScryptCost,
  sealSeed,
} from './keystore-secrets.ts';
import { Secret } from './secret.ts';

export const KEYSTORE_FILE = 'keystore.json';
const DEFAULT_NODE_NAME = 'node';

/** What a store says about an identity without a password. */
export interface ListedIdentity extends Identity {
  readonly createdMs: number;
  /** Whether the node itself acts as this identity. */
  readonly isNode: boolean;
}

export interface OpenOptions {
  /** Ignored by a store that has none. Without it a store that has one opens locked. */
  readonly password?: string;
  /** Milliseconds since 1970, for the `createdMs` of new identities. Default: the system's clock. */
  readonly now?: () => number;
}

export interface CreateOptions extends OpenOptions {
  /** The name of the node's own identity. Default `node`. */
  readonly nodeName?: string;
  /** The 32-byte seed of the node's own identity. Default: random. */
  readonly seed?: Secret;
}

/** What tests replace: the disk, and the price of a password (the product's takes 128 MiB and 0.4 s). */
export interface KeystoreInternals {
  readonly disk: KeystoreDisk;
  readonly cost: ScryptCost;
}

const PRODUCT: KeystoreInternals = { disk: nodeDisk, cost: PRODUCT_COST };

/** A password's key together with how it was derived. */
interface Lock {
  readonly derivation: KeyDerivation;
  readonly key: Secret;
}

/** Everything of a store that is open: replaced as a whole when the file is. */
interface State {
  readonly file: KeystoreFile;
  readonly bytes: Uint8Array;
  /** Signers by `nameKey`; `undefined` while locked. */
  readonly signers: ReadonlyMap<string, Signer> | undefined;
  readonly lock: Lock | undefined;
}

/**
 * Makes the store of a data directory (which must exist) with one identity for the node itself.
 *
 * Rejects with `KeystoreExistsError` when there is one, and changes nothing then, even when two processes
 * try at once; with `EmptyPasswordError`, `IdentityNameError` or `KeystoreIoError`.
 */
export function createKeystore(dir: string, options: CreateOptions = {}): Promise<Keystore> {
  return createKeystoreWith(PRODUCT, dir, options);
}

/**
 * Opens the store of a data directory; locked, if it has a password and none is given.
 *
 * Rejects with `KeystoreNotFoundError`, `WrongPasswordError`, `KeystoreCorruptError`,
 * `KeystoreVersionError` or `KeystoreIoError`.
 */
export function openKeystore(dir: string, options: OpenOptions = {}): Promise<Keystore> {
  return openKeystoreWith(PRODUCT, dir, options);
}

/** `createKeystore` with other internals. Not part of the public API: a cheap password is a weak one. */
export async function createKeystoreWith(
  internals: KeystoreInternals,
  dir: string,
  options: CreateOptions,
): Promise<Keystore> {
  const path = join(dir, KEYSTORE_FILE);
  const name = options.nodeName ?? DEFAULT_NODE_NAME;
  const now = options.now ?? Date.now;
  assertIdentityName(name);
  const signer = signerFromSeed(options.seed ?? randomSeed());
  const lock = await newLock(options.password, internals.cost, path);
  const identities = [sealIdentity(name, now(), signer, lock)];
  const file: KeystoreFile = { v: 1, kdf: lock?.derivation ?? null, node: name, identities };
  const bytes = encodeKeystoreFile(file);
  await wrapIo('write', path, () => createFile(internals.disk, path, bytes), { EEXIST: KeystoreExistsError });
  const signers = new Map([[nameKey(name), signer]]);
  return new Keystore(internals, path, now, { file, bytes, signers, lock }, undefined);
}

/** `openKeystore` with other internals. */
export async function openKeystoreWith(
  internals: KeystoreInternals,
  dir: string,
  options: OpenOptions,
): Promise<Keystore> {
  const path = join(dir, KEYSTORE_FILE);
  const { bytes, mode } = await wrapIo('read', path, () => internals.disk.read(path), {
    ENOENT: KeystoreNotFoundError,
  });
  const file = decodeKeystoreFile(bytes, path);
  const unlocked = await unlock(file, options.password, path);
  const state: State = { file, bytes, signers: unlocked?.signers, lock: unlocked?.lock };
  return new Keystore(internals, path, options.now ?? Date.now, state, warningAbout(path, mode));
}

/** An open key store. Changes are made one after the other, and are durable when their promise resolves. */
export class Keystore {
  readonly #internals: KeystoreInternals;
  readonly #now: () => number;
  readonly #path: string;
  #state: State;
  #modeWarning: string | undefined;
  #isClosed = false;
  #lastChange: Promise<unknown> = Promise.resolve();

  /** For `createKeystore` and `openKeystore`. */
  constructor(
    internals: KeystoreInternals,
    path: string,
    now: () => number,
    state: State,
    modeWarning: string | undefined,
  ) {
    this.#internals = internals;
    this.#path = path;
    this.#now = now;
    this.#state = state;
    this.#modeWarning = modeWarning;
  }

  /** The file. */
  get path(): string {
    return this.#path;
  }

  /** The name of the identity that the node itself acts as. */
  get nodeName(): string {
    return this.#state.file.node;
  }

  /** Whether the file is protected by a password. */
  get hasPassword(): boolean {
    return this.#state.file.kdf !== null;
  }

  /** Whether the password is still to be given: then the store lists, and does not sign. */
  get locked(): boolean {
    return this.#state.signers === undefined;
  }

  /** A line for the user when others can read the file. The next change puts it right. */
  get modeWarning(): string | undefined {
    return this.#modeWarning;
  }

  /** All identities, oldest first. Works on a locked store. */
  list(): ListedIdentity[] {
    const { file } = this.#state;
    return file.identities.map(({ name, publicKey, createdMs }) => {
      return { name, publicKey, createdMs, isNode: name === file.node };
    });
  }

  /**
   * The signer of an identity (by default the node's own), the same one each time; it belongs to the store.
   *
   * Throws `PasswordRequiredError` while locked, `KeystoreClosedError` after `close`, `IdentityNotFoundError`. Case
   * does not matter.
   */
  signer(name: string = this.nodeName): Signer {
    const known = this.#state.file.identities.map((identity) => identity.name);
    if (!known.some((other) => nameKey(other) === nameKey(name)))
      throw new IdentityNotFoundError(name, known);
    if (this.#isClosed) throw new KeystoreClosedError();
    if (this.#state.signers === undefined) throw new PasswordRequiredError();
    return this.#state.signers.get(nameKey(name))!;
  }

  /**
   * Adds an identity with a random key, or with that of a 32-byte `seed`.
   *
   * Rejects with `IdentityNameError`, `IdentityExistsError`, `PasswordRequiredError` while locked,
   * `KeystoreChangedError`, `KeystoreIoError`; the store is as it was then.
   */
  add(name: string, options: { readonly seed?: Secret } = {}): Promise<ListedIdentity> {
    return this.#change(async () => {
      assertIdentityName(name);
      const { file, signers, lock } = this.#state;
      const twin = file.identities.find((identity) => nameKey(identity.name) === nameKey(name));
      if (twin !== undefined) throw new IdentityExistsError(twin.name);
      if (signers === undefined) throw new PasswordRequiredError();
      const signer = signerFromSeed(options.seed ?? randomSeed());
      const identity = sealIdentity(name, this.#now(), signer, lock);
      const next: KeystoreFile = { ...file, identities: [...file.identities, identity] };
      await this.#write(next, new Map([...signers, [nameKey(name), signer]]), lock);
      return this.list().at(-1)!;
    });
  }

  /**
   * Gives an identity another name; its key stays.
   *
   * Rejects with `IdentityNotFoundError`, `IdentityNameError`, `IdentityExistsError`, `PasswordRequiredError` while
   * locked, `KeystoreChangedError`, `KeystoreIoError`; the store is as it was then.
   */
  rename(name: string, newName: string): Promise<ListedIdentity> {
    return this.#change(async () => {
      assertIdentityName(newName);
      const { file, signers, lock } = this.#state;
      const known = file.identities.map((identity) => identity.name);
      const at = known.findIndex((other) => nameKey(other) === nameKey(name));
      if (at < 0) throw new IdentityNotFoundError(name, known);
      const twin = known.find((other, place) => place !== at && nameKey(other) === nameKey(newName));
      if (twin !== undefined) throw new IdentityExistsError(twin);
      if (signers === undefined) throw new PasswordRequiredError();
      const old = file.identities[at]!;
      const signer = signers.get(nameKey(old.name))!;
      // A sealed seed is bound to its name.
      const identities = file.identities.with(at, sealIdentity(newName, old.createdMs, signer, lock));
      const others = [...signers].filter(([key]) => key !== nameKey(old.name));
      const node = file.node === old.name ? newName : file.node;
      await this.#write(
        { ...file, node, identities },
        new Map([...others, [nameKey(newName), signer]]),
        lock,
      );
      return this.list()[at]!;
    });
  }

  /**
   * Sets, changes or (with `undefined`) removes the password; a locked store is unlocked by it.
   *
   * `oldPassword` is asked for even when the store is unlocked, and ignored when it has no password. Rejects
   * with `PasswordRequiredError`, `WrongPasswordError`, `EmptyPasswordError`, `KeystoreChangedError`,
   * `KeystoreIoError`; the old password opens the store then. The old file's blocks are released, not
   * overwritten: whoever fears for a disk that once held unprotected keys makes new keys.
   */
  changePassword(oldPassword: string | undefined, newPassword: string | undefined): Promise<void> {
    return this.#change(async () => {
      const { file, signers: known } = this.#state;
      const opened = await unlock(file, oldPassword, this.#path);
      if (opened === undefined) throw new PasswordRequiredError();
      const lock = await newLock(newPassword, this.#internals.cost, this.#path);
      const signers = known ?? opened.signers;
      const identities = file.identities.map(({ name, createdMs }) =>
        sealIdentity(name, createdMs, signers.get(nameKey(name))!, lock),
      );
      const oldLock = this.#state.lock;
      await this.#write({ ...file, kdf: lock?.derivation ?? null, identities }, signers, lock);
      oldLock?.key.wipe();
      opened.lock?.key.wipe();
      if (known !== undefined) for (const signer of opened.signers.values()) signer.wipe();
    });
  }

  /** Forgets all keys: the store is locked, and its signers are dead. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lastChange;
    for (const signer of this.#state.signers?.values() ?? []) signer.wipe();
    this.#state.lock?.key.wipe();
    this.#state = { ...this.#state, signers: undefined, lock: undefined };
  }

  /** Runs changes one after the other, whether those before them succeed or not. */
  #change<T>(change: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new KeystoreClosedError());
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => {});
    return result;
  }

  /** Replaces the file, unless another process has done so, and then what is in memory. */
  async #write(
    file: KeystoreFile,
    signers: ReadonlyMap<string, Signer>,
    lock: Lock | undefined,
  ): Promise<void> {
    const { disk } = this.#internals;
    const bytes = encodeKeystoreFile(file);
    await wrapIo('write', this.#path, async () => {
      const onDisk = await disk.read(this.#path);
      if (!equalBytes(onDisk.bytes, this.#state.bytes)) throw new KeystoreChangedError(this.#path);
      await replaceFile(disk, this.#path, bytes);
    });
    this.#state = { file, bytes, signers, lock };
    this.#modeWarning = undefined; // the new file was made with the right mode
  }
}

async function newLock(
  password: string | undefined,
  cost: ScryptCost,
  path: string,
): Promise<Lock | undefined> {
  if (password === undefined) return undefined;
  if (password === '') throw new EmptyPasswordError();
  const derivation = newDerivation(cost);
  return { derivation, key: await wrapIo('write', path, () => deriveKey(password, derivation)) };
}

function sealIdentity(
  name: string,
  createdMs: number,
  signer: Signer,
  lock: Lock | undefined,
): StoredIdentity {
  const { publicKey } = signer;
  const seed = signer.seedCopy();
  const secret = lock === undefined ? toHex(seed.expose()) : sealSeed(lock.key, seed, name, publicKey);
  seed.wipe();
  return { name, publicKey, createdMs, secret };
}

/** The signers of a file, with the key of its password; `undefined` when it needs one and none is given. */
async function unlock(
  file: KeystoreFile,
  password: string | undefined,
  path: string,
): Promise<{ signers: Map<string, Signer>; lock: Lock | undefined } | undefined> {
  const { kdf } = file;
  if (kdf !== null && password === undefined) return undefined;
  const lock =
    kdf === null
      ? undefined
      : { derivation: kdf, key: await wrapIo('read', path, () => deriveKey(password!, kdf)) };
  const seeds = file.identities.map((identity) => seedOf(identity, lock));
  // A wrong password opens none. Where it opens some, the others were changed or damaged.
  if (seeds.every((seed) => seed === undefined)) throw new WrongPasswordError();
  const signers = new Map<string, Signer>();
  for (const [at, { name, publicKey }] of file.identities.entries()) {
    const seed = seeds[at];
    const signer = seed && signerFromSeed(seed);
    seed?.wipe();
    if (signer?.publicKey !== publicKey) {
      throw new KeystoreCorruptError(path, `the key of "${name}" does not belong to it`);
    }
    signers.set(nameKey(name), signer);
  }
  return { signers, lock };
}

function seedOf({ name, publicKey, secret }: StoredIdentity, lock: Lock | undefined): Secret | undefined {
  if (typeof secret === 'string') return new Secret(fromHex(secret));
  return openSeed(lock!.key, secret, name, publicKey);
}

function warningAbout(path: string, mode: number): string | undefined {
  // Windows has no such modes and reports all files as readable by everybody.
  if (process.platform === 'win32' || (mode & ~KEYSTORE_MODE) === 0) return undefined;
  const octal = mode.toString(8).padStart(4, '0');
  return `others may read the key store ${path} (mode ${octal}, should be 0600)`;
}
