/**
 * The same call, sent again, is done once. A caller that did not hear the answer sends its call with the same key, and
 * gets the first answer, also from a node that was started again meanwhile.
 *
 * A call with a key is written down before it is done, with each transaction that it signs before that is submitted,
 * and with its result before it is answered. So whatever a crash leaves behind says enough: a transaction that is in
 * the chain was done, one that waits in the outbox will be, and one that is in neither never was.
 *
 * A key is of one identity, and stands for one call. It is remembered for `KEPT_MS`, and so many for each identity;
 * the oldest go first.
 */
import { type Noted, signedWithin } from '../../actors/chain/signed-within.ts';
import { NotFoundError, UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import { PendingError } from '../../actors/outbox.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';
import { ownKey } from './call.ts';
import { CancelledError } from './cancelled.ts';
import type { Call, Operation } from './operation.ts';
import { receiptOf, sealedOf } from './receipt-again.ts';

/**
 * Less than a day: a transaction that waits in the outbox for longer than its window is signed anew, under another id.
 */
const KEPT_MS = 23 * 3_600_000;
const KEYS_PER_IDENTITY_MAX = 4_096;
const BYTES_PER_IDENTITY_MAX = 16 * 1024 * 1024;
/** A longer result is not kept: a retry is answered with the receipt of its transaction. */
const RESULT_BYTES_MAX = 512 * 1024;
/** What a header of HTTP can hold, and a person can copy. */
const KEY = /^[\x20-\x7e]{1,255}$/;

export type IdempotencyErrorCode = 'idempotency_key_reused' | 'already_done' | 'outcome_unknown';

export class IdempotencyError extends Error {
  override readonly name = 'IdempotencyError';
  readonly code: IdempotencyErrorCode;

  constructor(code: IdempotencyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A call under a key, as it is kept. */
interface Kept {
  readonly atMs: number;
  /** The hash of the operation and its input. */
  readonly call: string;
  readonly signed: readonly { readonly group: Hex32; readonly tx: Hex32 }[];
  /** What no log can tell again. */
  readonly noted?: Noted;
  /** Not there while it is being done, and where the node went down meanwhile. */
  readonly result?: unknown;
}

export interface Performed<T> {
  readonly result: T;
  /** Whether it had been done before. */
  readonly isReplayed: boolean;
}

export interface Once<T> {
  /** Nothing for a call that is done as often as it comes. */
  readonly key: string | undefined;
  readonly work: () => Promise<T>;
  /** Whether the caller knows what to do with a handle, which some protocols give in place of the output. */
  readonly takesHandles?: boolean;
}

/**
 * Does a call, or gives back what came of it before, over whichever protocol that was.
 * @throws UsageError for a key that is none, IdempotencyError, and whatever `work` throws
 */
export async function performOnce<T>(
  call: Call,
  operation: Operation,
  input: unknown,
  { key, work, takesHandles = false }: Once<T>,
): Promise<Performed<T>> {
  if (key === undefined || operation.effect === 'reads') return { result: await work(), isReplayed: false };
  if (!KEY.test(key)) throw new UsageError('an idempotency key has 1 to 255 printable characters of ASCII');
  const performed = await keysOf(call).perform(call, operation, input, key, work);
  const { result, isReplayed } = performed;
  if (!isReplayed || takesHandles || !isHandle(result)) return performed;
  throw new IdempotencyError(
    'already_done',
    'this call was done before, and answered with a handle, which this caller does not take; look at what came of it',
  );
}

/** Whether a result is a handle of the output, and not the output itself: no output has a field of that name. */
export function isHandle(result: unknown): boolean {
  return typeof result === 'object' && result !== null && Object.hasOwn(result, 'resultType');
}

/** One for each database, however many look at its node. */
const known = new WeakMap<OpaqueMap, Keys>();

function keysOf({ node }: Call): Keys {
  const { agents } = node.networkPort.store;
  const keys = known.get(agents) ?? new Keys(agents);
  known.set(agents, keys);
  return keys;
}

interface Entry {
  readonly atMs: number;
  readonly bytes: number;
}

class Keys {
  private readonly map: OpaqueMap;
  /** What is kept of each identity, the oldest first. */
  private readonly entries = new Map<string, Map<string, Entry>>();
  private readonly running = new Map<string, { readonly call: string; readonly done: Promise<unknown> }>();

  constructor(map: OpaqueMap) {
    this.map = map;
    const found = Array.from(map.list(utf8(PREFIX)), ([name, value]) => {
      const { atMs } = JSON.parse(textOf(value)) as Kept;
      return { name: textOf(name), atMs, bytes: value.length };
    });
    for (const { name, ...entry } of found.sort((one, other) => one.atMs - other.atMs))
      this.entriesOf(name).set(name, entry);
  }

  async perform<T>(
    call: Call,
    operation: Operation,
    input: unknown,
    key: string,
    work: () => Promise<T>,
  ): Promise<Performed<T>> {
    const name = nameOf(ownKey(call) ?? nodeKey(call), key);
    const hash = hashOf([operation.name, input]);
    for (let under = this.running.get(name); under !== undefined; under = this.running.get(name)) {
      if (under.call !== hash) throw reused();
      const result = await under.done.catch((error: unknown) => {
        // Its caller has gone; this one is still there.
        if (!(error instanceof CancelledError)) throw error;
        return GONE;
      });
      if (result === GONE) continue;
      assertReached(call, this.get(name));
      return { result: result as T, isReplayed: true };
    }
    const done = this.performAlone(call, operation, { name, hash, input }, work);
    const running = { call: hash, done: done.then(({ result }) => result) };
    running.done.catch(() => {});
    this.running.set(name, running);
    return done.finally(() => {
      if (this.running.get(name) === running) this.running.delete(name);
    });
  }

  private async performAlone<T>(
    call: Call,
    operation: Operation,
    { name, hash, input }: { readonly name: string; readonly hash: string; readonly input: unknown },
    work: () => Promise<T>,
  ): Promise<Performed<T>> {
    const before = this.get(name);
    if (before !== undefined) {
      if (before.call !== hash) throw reused();
      assertReached(call, before);
      if (before.result !== undefined) return { result: before.result as T, isReplayed: true };
      const found = await settle(call, operation, input, before);
      if (found !== undefined) return { result: found as T, isReplayed: true };
    }
    let kept: Kept = { atMs: Date.now(), call: hash, signed: [] };
    await this.put(name, kept);
    const teller = {
      signed: (group: Hex32, tx: Hex32) => {
        kept = { ...kept, signed: [...kept.signed, { group, tx }] };
        return this.put(name, kept);
      },
      noted: (noted: Noted) => {
        kept = { ...kept, noted: { ...kept.noted, ...noted } };
        return this.put(name, kept);
      },
    };
    try {
      const result = await signedWithin(teller, work);
      const isLong = JSON.stringify(result).length > RESULT_BYTES_MAX;
      if (!isLong) await this.put(name, { ...kept, result });
      return { result, isReplayed: false };
    } catch (error) {
      // What left nothing behind may be tried again under the same key.
      const isLeft = kept.signed.some(({ group, tx }) => standingOf(call, group, tx) !== 'nowhere');
      if (!isLeft && kept.noted === undefined) await this.delete(name);
      throw error;
    }
  }

  private entriesOf(name: string): Map<string, Entry> {
    const identity = name.slice(0, PREFIX.length + HEX_DIGITS);
    const own = this.entries.get(identity) ?? new Map<string, Entry>();
    this.entries.set(identity, own);
    return own;
  }

  private get(name: string): Kept | undefined {
    const value = this.map.get(utf8(name));
    if (value === undefined) return undefined;
    const kept = JSON.parse(textOf(value)) as Kept;
    return kept.atMs + KEPT_MS > Date.now() ? kept : undefined;
  }

  /** Resolves when it is on disk, and what is too old or too much has gone. */
  private async put(name: string, kept: Kept): Promise<void> {
    const value = utf8(JSON.stringify(kept));
    const own = this.entriesOf(name);
    own.delete(name);
    own.set(name, { atMs: kept.atMs, bytes: value.length });
    const gone = this.surplusOf(own, name);
    for (const one of gone) own.delete(one);
    await this.map.write([[utf8(name), value], ...gone.map((one) => [utf8(one), undefined] as const)]);
  }

  private surplusOf(own: ReadonlyMap<string, Entry>, newest: string): string[] {
    const endMs = Date.now() - KEPT_MS;
    let bytes = 0;
    for (const entry of own.values()) bytes += entry.bytes;
    let count = own.size;
    const gone: string[] = [];
    for (const [name, entry] of own) {
      const isTooMuch = count > KEYS_PER_IDENTITY_MAX || bytes > BYTES_PER_IDENTITY_MAX;
      if (!isTooMuch && entry.atMs > endMs) break;
      if (name === newest || this.running.has(name)) continue;
      gone.push(name);
      count--;
      bytes -= entry.bytes;
    }
    return gone;
  }

  private async delete(name: string): Promise<void> {
    this.entriesOf(name).delete(name);
    await this.map.delete(utf8(name));
  }
}

const GONE = Symbol('gone');
const PREFIX = 'i';
const HEX_DIGITS = 64;

function nameOf(identity: Hex32, key: string): string {
  return `${PREFIX}${identity}${hashOf(key)}`;
}

/** Whoever has no identity acts as the node. */
function nodeKey({ node }: Call): Hex32 {
  return node.identities().find(({ isNode }) => isNode)!.publicKey;
}

function hashOf(value: unknown): string {
  return toHex(sha256(utf8(JSON.stringify(sorted(value)))));
}

/** The same input, however its fields are ordered. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return fields.map(([name, field]) => [name, sorted(field)]);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function reused(): IdempotencyError {
  return new IdempotencyError(
    'idempotency_key_reused',
    'this idempotency key stands for another call already; take a new key for each call, and the same one to send that call again',
  );
}

/**
 * A call that names no group means the one that its caller reaches: another caller of the same identity may reach
 * another one, and neither gets what came of it nor learns that it is there.
 */
function assertReached({ node }: Call, kept: Kept | undefined): void {
  const reached = new Set(node.groupIds());
  if (kept?.signed.some(({ group }) => !reached.has(group)) === true) throw reused();
}

/** Where a transaction is that was signed here. */
function standingOf({ node }: Call, group: Hex32, tx: Hex32): 'sealed' | 'waits' | 'nowhere' {
  if (node.groupIds().includes(group) && isSealed(node.group(group), tx)) return 'sealed';
  return node.outbox.pending(group).some(({ txId }) => txId === tx) ? 'waits' : 'nowhere';
}

function isSealed(group: Group, tx: Hex32): boolean {
  try {
    group.findTransaction(tx);
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

/**
 * What came of a call whose result was never written down; nothing where nothing did.
 * @throws PendingError, IdempotencyError
 */
async function settle(
  call: Call,
  operation: Operation,
  input: unknown,
  { signed, noted = {} }: Kept,
): Promise<unknown> {
  const standings = signed.map((one) => ({ ...one, is: standingOf(call, one.group, one.tx) }));
  const waiting = standings.find(({ is }) => is === 'waits');
  if (waiting !== undefined) throw new PendingError(waiting.tx);
  const done = standings.findLast(({ is }) => is === 'sealed');
  const sealed = done && sealedOf(call.node.group(done.group), done.tx);
  const again = await operation.again?.(call, input as never, { sealed, noted });
  if (again !== undefined) return again;
  if (sealed !== undefined) {
    const receipt = receiptOf(sealed, operation);
    if (receipt !== undefined) return receipt;
    const { tx } = done!;
    throw new IdempotencyError(
      'already_done',
      `this call was done before, by the transaction ${tx}; what it answered is not known any more`,
    );
  }
  // Whoever can look whether it was done has found nothing.
  if (operation.again !== undefined) return undefined;
  // What acts on the node itself signs nothing by which it could be found again.
  if (operation.effect !== 'adds' || Object.hasOwn(operation.input.properties, 'group_id')) return undefined;
  throw new IdempotencyError(
    'outcome_unknown',
    'the node went down while this call was done before; look whether it was, and take a new key if not',
  );
}
