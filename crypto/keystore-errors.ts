/**
 * What can go wrong with a key store, each with a code for programs and one clear line for people.
 *
 * No message contains a secret, and none suggests a command: agents paste what they read.
 */

import { describeErrno, errnoName, type FileAction } from '../events/errno.ts';

export type KeystoreErrorCode =
  | 'keystore_exists'
  | 'keystore_not_found'
  | 'keystore_lost'
  | 'keystore_corrupt'
  | 'keystore_version_unknown'
  | 'keystore_changed'
  | 'keystore_closed'
  | 'keystore_unwritable'
  | 'password_required'
  | 'password_wrong'
  | 'password_empty'
  | 'identity_exists'
  | 'identity_not_found'
  | 'identity_name_invalid';

export class KeystoreError extends Error {
  readonly code: KeystoreErrorCode;

  constructor(code: KeystoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

export class KeystoreExistsError extends KeystoreError {
  constructor(path: string) {
    super('keystore_exists', `there is a key store at ${path} already; it was left as it is`);
  }
}

export class KeystoreNotFoundError extends KeystoreError {
  constructor(path: string) {
    super('keystore_not_found', `there is no key store at ${path}: this data directory was never finished`);
  }
}

/** The file is gone from a node that has a chain. New keys would be other identities: nobody's members. */
export class KeystoreLostError extends KeystoreError {
  constructor(path: string) {
    super(
      'keystore_lost',
      `the key store ${path} is missing, and this node has a chain that needs its keys; restore keystore.json from a backup`,
    );
  }
}

/** The file is not what this program wrote: cut short, edited, or damaged. */
export class KeystoreCorruptError extends KeystoreError {
  constructor(path: string, what: string) {
    super(
      'keystore_corrupt',
      `the key store ${path} is damaged (${what}); restore this file from a backup, and keep the damaged one`,
    );
  }
}

export class KeystoreVersionError extends KeystoreError {
  constructor(path: string, version: string) {
    super(
      'keystore_version_unknown',
      `the key store ${path} has version ${version}, which this program does not know; use a newer release`,
    );
  }
}

/** Another process wrote the file after this one had opened it. */
export class KeystoreChangedError extends KeystoreError {
  constructor(path: string) {
    super('keystore_changed', `the key store ${path} was changed by another process; open it again`);
  }
}

/** The store was closed with its node: its keys are forgotten, and no password brings them back. */
export class KeystoreClosedError extends KeystoreError {
  constructor() {
    super('keystore_closed', 'the key store is closed; open the node again');
  }
}

/** The operating system refused to read or write: a full disk, a missing directory, a permission. */
export class KeystoreIoError extends KeystoreError {
  constructor(action: FileAction, path: string, cause: unknown) {
    super('keystore_unwritable', reasonOf(action, path, cause), { cause });
  }
}

function reasonOf(action: FileAction, path: string, cause: unknown): string {
  const name = errnoName(cause);
  if (name !== undefined) return describeErrno(name, action, `the key store ${path}`);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `cannot ${action} the key store ${path}: ${reason}`;
}

export class PasswordRequiredError extends KeystoreError {
  constructor() {
    super('password_required', 'this key store is locked; its password is needed to use a key');
  }
}

export class WrongPasswordError extends KeystoreError {
  constructor() {
    super('password_wrong', 'the password does not open this key store');
  }
}

export class EmptyPasswordError extends KeystoreError {
  constructor() {
    super('password_empty', 'an empty password protects nothing; give one, or none at all');
  }
}

export class IdentityExistsError extends KeystoreError {
  constructor(name: string) {
    super(
      'identity_exists',
      `there is an identity "${name}" already (upper and lower case count as the same)`,
    );
  }
}

export class IdentityNotFoundError extends KeystoreError {
  constructor(name: string, known: readonly string[]) {
    super('identity_not_found', `there is no identity "${name}"; there are: ${known.join(', ')}`);
  }
}

export class IdentityNameError extends KeystoreError {
  constructor() {
    super('identity_name_invalid', 'an identity name has 1 to 64 of the characters A-Z a-z 0-9 . _ -');
  }
}

/** Turns the operating system's errors into the store's own; `known` are those that mean more here. */
export async function wrapIo<T>(
  action: FileAction,
  path: string,
  step: () => Promise<T>,
  known: Readonly<Record<string, new (path: string) => KeystoreError>> = {},
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof KeystoreError) throw error;
    const Known = known[(error as NodeJS.ErrnoException).code ?? ''];
    throw Known === undefined ? new KeystoreIoError(action, path, error) : new Known(path);
  }
}
