/**
 * The bytes of `keystore.json`: reading them strictly, writing them readably.
 *
 *     { "v": 1, "kdf": null | { "name": "scrypt", "N", "r", "p", "salt" }, "node": "<name>",
 *       "identities": [ { "name", "publicKey", "createdMs", "secret": "<hex>" | { "nonce", "ciphertext" } } ] }
 *
 * Names and public keys are in the clear, so that a node can say who it is without its password. A file
 * with anything missing, unknown or contradictory is refused as a whole: a program that writes back what
 * it only half understood would lose somebody's keys.
 */
import { isHex32, utf8 } from '../events/bytes.ts';
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES } from './aead.ts';
import { IdentityNameError, KeystoreCorruptError, KeystoreVersionError } from './keystore-errors.ts';
import { isBearableCost, type KeyDerivation, SALT_BYTES, type SealedSeed } from './keystore-secrets.ts';

export interface StoredIdentity {
  readonly name: string;
  readonly publicKey: string;
  /** When it was made, in milliseconds since 1970, by the clock of whoever made it. */
  readonly createdMs: number;
  /** The 32-byte seed in hex where there is no password, else sealed. */
  readonly secret: string | SealedSeed;
}

export interface KeystoreFile {
  readonly v: 1;
  readonly kdf: KeyDerivation | null;
  /** The name of the identity that the node itself acts as. */
  readonly node: string;
  readonly identities: readonly StoredIdentity[];
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Throws `IdentityNameError` unless `name` may be the name of an identity. */
export function assertIdentityName(name: string): void {
  if (!NAME.test(name)) throw new IdentityNameError();
}

/** What two names have in common when they count as the same: a file system or a person may not tell them. */
export function nameKey(name: string): string {
  return name.toLowerCase();
}

/** The file's bytes, indented, since people look into it. */
export function encodeKeystoreFile(file: KeystoreFile): Uint8Array {
  return utf8(`${JSON.stringify(file, null, 2)}\n`);
}

type Fields = Record<string, unknown>;

/** Parses and checks; throws `KeystoreVersionError` or `KeystoreCorruptError`, which name `path`. */
export function decodeKeystoreFile(bytes: Uint8Array, path: string): KeystoreFile {
  const corrupt = (what: string): never => {
    throw new KeystoreCorruptError(path, what);
  };
  const fields = (value: unknown, names: readonly string[], what: string): Fields => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return corrupt(`${what} is missing`);
    const present = Object.keys(value);
    for (const name of names) if (!present.includes(name)) corrupt(`${what} lacks "${name}"`);
    for (const name of present) if (!names.includes(name)) corrupt(`${what} has an unknown field`);
    return value as Fields;
  };

  const json = parseJson(bytes) ?? corrupt('it is not JSON');
  const version = (json as Fields).v;
  if (version !== 1 && Number.isSafeInteger(version)) throw new KeystoreVersionError(path, String(version));
  if (version !== 1) corrupt('it has no version');
  const top = fields(json, ['v', 'kdf', 'node', 'identities'], 'the store');
  const kdf = top.kdf === null ? null : fields(top.kdf, ['name', 'N', 'r', 'p', 'salt'], 'the password part');
  if (kdf !== null && !isDerivation(kdf)) corrupt('the password part is not as it should be');
  if (!Array.isArray(top.identities)) corrupt('the list of identities is missing');
  const identities = (top.identities as unknown[]).map((entry) =>
    fields(entry, ['name', 'publicKey', 'createdMs', 'secret'], 'an identity'),
  );
  if (!identities.every((entry) => isIdentity(entry, kdf !== null)))
    corrupt('an identity is not as it should be');
  const file = top as unknown as KeystoreFile;
  const keys = file.identities.map((identity) => nameKey(identity.name));
  if (new Set(keys).size !== keys.length) corrupt('two identities have the same name');
  if (!file.identities.some((identity) => identity.name === file.node))
    corrupt("the node's identity is missing");
  return file;
}

/** The parsed object, or `undefined` for anything else. */
function parseJson(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHexOf(value: unknown, byteLength: number): boolean {
  return typeof value === 'string' && value.length === 2 * byteLength && /^[0-9a-f]*$/.test(value);
}

function isDerivation(kdf: Fields): boolean {
  const { N, r, p } = kdf as { N: number; r: number; p: number };
  return kdf.name === 'scrypt' && isBearableCost({ N, r, p }) && isHexOf(kdf.salt, SALT_BYTES);
}

function isIdentity(entry: Fields, sealed: boolean): boolean {
  const { name, publicKey, createdMs, secret } = entry;
  if (typeof name !== 'string' || !NAME.test(name) || !isHex32(publicKey)) return false;
  if (!Number.isSafeInteger(createdMs)) return false;
  return sealed ? isSealedSeed(secret) : isHex32(secret);
}

function isSealedSeed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return false;
  const { nonce, ciphertext } = value as Fields;
  return isHexOf(nonce, AEAD_NONCE_BYTES) && isHexOf(ciphertext, 32 + AEAD_TAG_BYTES);
}
