/** The identities of a node: names for people, keys for everyone else, and the signers that the keys unlock. */
import type { Signer } from '../../crypto/identity.ts';
import type { Keystore, ListedIdentity } from '../../crypto/keystore.ts';
import { type Hex32, isHex32 } from '../../events/bytes.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { HEX_LOOKING, PREFIX_DIGITS_MIN, resolveId } from '../ids.ts';

/** What the node's own identity goes by on every node, whatever else it is called. */
const OWN = 'node';

/** The identity of that name. The node's own also goes by `node`, unless another one is called so. */
export function identityNamed<I extends { readonly name: string; readonly isNode: boolean }>(
  identities: readonly I[],
  given: string,
): I | undefined {
  return (
    identities.find(({ name }) => name === given) ??
    (given === OWN ? identities.find(({ isNode }) => isNode) : undefined)
  );
}

/** @throws UsageError for a name that could be taken for the beginning of a key */
export function assertNoKey(name: string): void {
  if (HEX_LOOKING.test(name)) throw new UsageError(`"${name}" looks like a key; choose a name that does not`);
}

export class Identities {
  private readonly keystore: Keystore;
  private readonly signersByKey = new Map<Hex32, Signer>();

  constructor(keystore: Keystore) {
    this.keystore = keystore;
  }

  /** All of them, the node's own first. */
  list(): ListedIdentity[] {
    return this.keystore.list();
  }

  /** The name of the node's own identity. */
  get nodeName(): string {
    return this.keystore.nodeName;
  }

  /** A new identity with a key of its own. */
  async create(name: string): Promise<ListedIdentity> {
    assertNoKey(name);
    return this.keystore.add(name);
  }

  /** Gives an identity another name. */
  async rename(nameOrKey: string, newName: string): Promise<ListedIdentity> {
    assertNoKey(newName);
    return this.keystore.rename(this.find(nameOrKey).name, newName);
  }

  /** An identity by its name, its key, or a prefix of the key. */
  find(nameOrKey: string): ListedIdentity {
    const identities = this.keystore.list();
    // A key is never a name: otherwise a name could answer for somebody else's key.
    const named = isHex32(nameOrKey) ? undefined : identityNamed(identities, nameOrKey);
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

  /** The signer and the name of an identity; throws where the keys are locked. */
  signerNamed(nameOrKey: string): { readonly name: string; readonly signer: Signer } {
    const { name } = this.find(nameOrKey);
    return { name, signer: this.keystore.signer(name) };
  }

  /** The signer of a key, where this node holds it and can use it. */
  signerOf(publicKey: Hex32): Signer | undefined {
    const known = this.signersByKey.get(publicKey);
    if (known !== undefined) return known;
    if (this.keystore.locked) return undefined;
    const identity = this.keystore.list().find((one) => one.publicKey === publicKey);
    if (identity === undefined) return undefined;
    const signer = this.keystore.signer(identity.name);
    this.signersByKey.set(publicKey, signer);
    return signer;
  }
}
