/** From the parameters of a call to what they mean: groups, agents, ids, amounts, pages. */
import type { Agent } from '../../actors/agent.ts';
import { NotFoundError, UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import { compareUtf8, type Hex32 } from '../../events/bytes.ts';
import { MAX_TOKEN } from '../../events/fields.ts';
import type { Receipt } from '../../events/receipt.ts';
import { namer } from '../cli/resolve.ts';
import { shortId } from '../cli/text.ts';
import { CURSOR_CHARACTERS_MAX } from './limits.ts';
import type { Call } from './operation.ts';
import { integer, longText, optional, point, text } from './schema.ts';

/** Groups that are named where one has to be chosen. */
const GROUPS_NAMED = 8;
/** Entries of one page. */
export const PAGE_MAX = 200;

/** Parameters that many operations share. */
export const groupId = optional(text('group: id or name; may be left out if there is one'));
export const limit = (standard: number) =>
  optional(integer(1, PAGE_MAX, { default: standard, description: 'entries at most' }));
export const cursor = optional(longText(CURSOR_CHARACTERS_MAX, 'next_cursor of the page before'));
/** All groups, unless one is named. */
export const onlyGroup = optional(text('only this group: id or name'));
/** From when on; 0 is the beginning. */
export const sinceMs = point('point in time: milliseconds since 1970', { isFromStart: true });
export const member = text('a member: identity of this node, or key');
/** Ids as callers name them. */
export const idOf = (what: string) => text(`id of ${what}, or its first 8 digits`);

/** The caller may read, and has no identity to sign with. */
export class IdentityRequiredError extends Error {
  override readonly name = 'IdentityRequiredError';
  readonly code = 'identity_required';

  constructor() {
    super('this caller may only read; give it an identity to act as');
  }
}

/** The group that is meant: the only one, if none is named. */
export function groupOf({ node }: Call, given: string | undefined): Group {
  if (given !== undefined) return node.group(given);
  const ids = node.groupIds();
  if (ids.length === 1) return node.group(ids[0]!);
  if (ids.length === 0) throw new NotFoundError('this node has no group yet; create_group makes one');
  const named = ids.slice(0, GROUPS_NAMED).map((id) => `${node.group(id).standing().name} (${shortId(id)})`);
  const more = ids.length > GROUPS_NAMED ? ', …' : '';
  throw new UsageError(`there are ${ids.length} groups; say which in group_id: ${named.join(', ')}${more}`);
}

/** The groups that are meant: all, if none is named. */
export function groupsOf({ node }: Call, given: string | undefined): Group[] {
  return given === undefined ? node.groups() : [node.group(given)];
}

/** The caller's identity at work in a group. @throws IdentityRequiredError */
export function agentIn({ identity }: Call, group: Group): Agent {
  if (identity === undefined) throw new IdentityRequiredError();
  return group.as(identity);
}

/** The caller's key; nothing for one who may only read. */
export function ownKey({ node, identity }: Call): Hex32 | undefined {
  return identity === undefined ? undefined : node.identity(identity).publicKey;
}

/** What keys are called: identities of this node by name, others by the name they gave themselves with their key. */
export function namesIn({ node }: Call, group: Group): (key: Hex32) => string {
  return namer(node, group.now);
}

/** A whole amount of tokens that is not zero. @throws UsageError */
export function amountOf(given: string | number, name: string): bigint {
  const isWhole =
    typeof given === 'number' ? Number.isSafeInteger(given) && given > 0 : /^\d{1,19}$/.test(given);
  const amount = isWhole ? BigInt(given) : 0n;
  if (amount < 1n || amount > MAX_TOKEN)
    throw new UsageError(`${name} must be a whole amount of tokens, at least 1, such as 250`);
  return amount;
}

/** Only what is there: the API knows "not given", and not "given as nothing". */
export function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

/** What a receipt says to callers. */
export function sealed({ txId, height, tsMs }: Pick<Receipt, 'txId' | 'height' | 'tsMs'>) {
  return { tx_id: txId, height, ts_ms: tsMs };
}

const CURSOR_PREFIX = 'p1.';

/** A page of `entries`, which come in the order of their keys' bytes. The cursor is the last key: what is added later never shifts it. */
export function pageOf<T>(
  entries: readonly T[],
  keyOf: (entry: T) => string,
  { cursor, limit }: { readonly cursor: string | undefined; readonly limit: number },
): { page: T[]; next: { next_cursor?: string } } {
  const after = cursor === undefined ? undefined : keyIn(cursor);
  const rest =
    after === undefined ? entries : entries.filter((entry) => compareUtf8(keyOf(entry), after) > 0);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  if (last === undefined || page.length === rest.length) return { page, next: {} };
  return { page, next: { next_cursor: cursorAfter(keyOf(last)) } };
}

/** The cursor of what comes behind an entry. */
export function cursorAfter(key: string): string {
  return CURSOR_PREFIX + Buffer.from(key).toString('base64url');
}

function keyIn(cursor: string): string {
  if (!cursor.startsWith(CURSOR_PREFIX))
    throw new UsageError('that is no cursor of this list; leave it out to begin at the start');
  return Buffer.from(cursor.slice(CURSOR_PREFIX.length), 'base64url').toString();
}
