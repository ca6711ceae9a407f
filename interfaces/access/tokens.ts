/**
 * Access tokens: what a caller over the network holds instead of the socket of the node's user. Each says what its
 * bearer may do: read, sign as one identity, act on the node.
 *
 * A token has 256 bits of its own and is kept as a hash, so that whoever reads the file has none of them. The file is
 * replaced as a whole, and looked at again whenever it is another one: a token that is revoked is refused at once.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { NotFoundError, UsageError } from '../../actors/errors.ts';
import { resolveId } from '../../actors/ids.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import { layoutOf } from '../../storage/directory.ts';
import { StorageError, withFileErrors } from '../../storage/errors.ts';
import { syncFolder, writeNewFile } from '../../storage/folders.ts';
import type { Scope } from '../operations/operation.ts';

const PREFIX = 'lbt1';
const TOKEN_BYTES = 32;
const FORMAT = 1;
/** Tokens of one node; each request looks one of them up. */
const TOKENS_MAX = 10_000;

/** What is kept of a token. */
export interface AccessToken {
  /** The hash of the token; its first digits name it. */
  readonly id: string;
  /** What it is for. */
  readonly name: string;
  /** The identity that its bearer signs as; nothing for one who may only read. */
  readonly identity?: string;
  readonly isAdmin: boolean;
  /** The groups that it reaches, by id; all of the node, if not given. */
  readonly groups?: readonly Hex32[];
  readonly createdMs: number;
  /** Nothing for a token that does not end by itself. */
  readonly expiresMs?: number;
}

export interface NewToken {
  readonly name: string;
  readonly identity?: string;
  readonly isAdmin?: boolean;
  readonly groups?: readonly Hex32[];
  readonly expiresMs?: number;
}

export class AccessTokens {
  private readonly path: string;
  private known = new Map<string, AccessToken>();
  /** Which file `known` was read from. */
  private stamp = '';

  /** @param data the data directory */
  constructor(data: string) {
    this.path = layoutOf(data).access;
  }

  /** @throws StorageError */
  list(): AccessToken[] {
    this.look();
    return [...this.known.values()];
  }

  /**
   * Makes a token and gives it out, once.
   * @throws UsageError, StorageError
   */
  create(given: NewToken): { token: string; access: AccessToken } {
    const { name, identity, isAdmin = false, groups, expiresMs } = given;
    if (isAdmin && groups !== undefined)
      throw new UsageError('a token acts on the node, or is confined to some groups; it cannot be both');
    const all = this.list();
    if (all.length >= TOKENS_MAX) throw new UsageError(`there are ${TOKENS_MAX} tokens; revoke some first`);
    if (all.some((one) => one.name === name))
      throw new UsageError(`there is a token "${name}" already; choose another name, or revoke that one`);
    const token = PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
    const access: AccessToken = {
      id: idOf(token),
      name,
      ...(identity === undefined ? {} : { identity }),
      isAdmin,
      ...(groups === undefined ? {} : { groups }),
      createdMs: Date.now(),
      ...(expiresMs === undefined ? {} : { expiresMs }),
    };
    this.write([...all, access]);
    return { token, access };
  }

  /**
   * Ends a token, by its name or the first digits of its id.
   * @throws NotFoundError, AmbiguousIdError, StorageError
   */
  revoke(nameOrId: string): AccessToken {
    const all = this.list();
    const named = all.find(({ name }) => name === nameOrId);
    const id = named?.id ?? this.resolve(nameOrId, all);
    const access = all.find((one) => one.id === id)!;
    this.write(all.filter((one) => one !== access));
    return access;
  }

  private resolve(given: string, all: readonly AccessToken[]): string {
    if (!/^[0-9a-f]{8,64}$/i.test(given)) throw new NotFoundError(`there is no token ${given}`);
    return resolveId(
      'token',
      given,
      all.map(({ id }) => id),
    );
  }

  /** What the bearer of `token` may do; nothing where it is none of ours, or its time is over. */
  verify(token: string, nowMs: number): AccessToken | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    this.look();
    // The hash is what is compared: how long a search takes tells nothing about the token.
    return this.current(idOf(token), nowMs);
  }

  /** Whether the token of that id still lets its bearer in. */
  isValid(id: string, nowMs: number): boolean {
    try {
      this.look();
    } catch (error) {
      if (error instanceof StorageError) return false;
      throw error;
    }
    return this.current(id, nowMs) !== undefined;
  }

  private current(id: string, nowMs: number): AccessToken | undefined {
    const access = this.known.get(id);
    const isOver = access?.expiresMs !== undefined && access.expiresMs <= nowMs;
    return isOver ? undefined : access;
  }

  private look(): void {
    const found = statSync(this.path, { throwIfNoEntry: false });
    const stamp = found === undefined ? 'none' : `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (stamp === this.stamp) return;
    this.known = found === undefined ? new Map() : read(this.path);
    this.stamp = stamp;
  }

  private write(tokens: readonly AccessToken[]): void {
    withFileErrors('write', this.path, () => {
      const draft = `${this.path}.${process.pid}.tmp`;
      rmSync(draft, { force: true });
      writeNewFile(draft, `${JSON.stringify({ format: FORMAT, tokens }, undefined, 2)}\n`);
      renameSync(draft, this.path);
      syncFolder(dirname(this.path));
    });
  }
}

function idOf(token: string): string {
  return toHex(sha256(new TextEncoder().encode(token)));
}

function read(path: string): Map<string, AccessToken> {
  const text = withFileErrors('read', path, () => readFileSync(path, 'utf8'));
  const tokens = tokensIn(text);
  // Nobody comes in by a file that cannot be understood.
  if (tokens === undefined)
    throw new StorageError(
      'corrupt',
      `${path} is not a list of access tokens; move it away, and make new ones`,
    );
  return new Map(tokens.map((one) => [one.id, one]));
}

function tokensIn(text: string): AccessToken[] | undefined {
  try {
    const { format, tokens } = JSON.parse(text) as { format?: unknown; tokens?: unknown };
    return format === FORMAT && Array.isArray(tokens) && tokens.every(isToken) ? tokens : undefined;
  } catch {
    return undefined;
  }
}

function isToken(value: unknown): value is AccessToken {
  const { id, name, identity, isAdmin, groups, createdMs, expiresMs } = (value ?? {}) as Record<
    string,
    unknown
  >;
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    (identity === undefined || typeof identity === 'string') &&
    typeof isAdmin === 'boolean' &&
    (groups === undefined || (Array.isArray(groups) && groups.every((one) => typeof one === 'string'))) &&
    typeof createdMs === 'number' &&
    (expiresMs === undefined || typeof expiresMs === 'number')
  );
}

/** The scopes of a token. Every token reads. */
export function scopesOf({ identity, isAdmin }: AccessToken): ReadonlySet<Scope> {
  const scopes: Scope[] = ['read'];
  if (identity !== undefined) scopes.push('write');
  if (isAdmin) scopes.push('admin');
  return new Set(scopes);
}
