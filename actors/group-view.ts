/**
 * Questions about a group's state, now or at a past height. The same answers come from storage and from a
 * replay, since both are a `StateBase`.
 */
import type { Hex32 } from '../events/bytes.ts';
import { compareUtf8 } from '../events/bytes.ts';
import { decode } from '../events/codec.ts';
import type { PresenceStatus, Role, TaskStatus } from '../events/effects.ts';
import { PRESENCE_STALE_MS_DEFAULT } from '../events/limits.ts';
import type { Policy } from '../events/operations/group.ts';
import { standingOf } from '../machines/knowledge.ts';
import { isStale } from '../machines/presence.ts';
import type { StateBase, Table, TableKeys } from '../machines/state.ts';
import {
  adminsTable,
  balanceTable,
  type ClaimRecord,
  claimTable,
  escrowTable,
  experienceTable,
  type GroupRecord,
  groupTable,
  handOverTable,
  type InviteRecord,
  inviteTable,
  memberTable,
  type OfferRecord,
  offerTable,
  type PurchaseRecord,
  policyTable,
  presenceTable,
  profileTable,
  purchaseTable,
  type RetractionRecord,
  retractionTable,
  sealersTable,
  sellerTable,
  supplyTable,
  TABLES,
  type TaskRecord,
  type TaskText,
  taskTable,
  taskTextTable,
  treasuryTable,
} from '../machines/tables.ts';
import { isOpen } from '../machines/task.machine.ts';
import type { GroupReader } from '../storage/port.ts';
import { Verdicts } from './verdicts.ts';

export interface Member {
  readonly member: Hex32;
  readonly role: Role;
  readonly joinedMs: number;
  readonly addedBy: Hex32;
  readonly name: string | undefined;
}

export interface Presence {
  readonly member: Hex32;
  readonly status: PresenceStatus;
  readonly metadata: string | undefined;
  /** Block time of the member's last change. */
  readonly tsMs: number;
  /** The later of that and the member's last beat. */
  readonly lastSeenMs: number;
  readonly isStale: boolean;
}

export type Task = TaskRecord & TaskText & { readonly task: string };
export type Claim = ClaimRecord & {
  readonly claim: Hex32;
  /** Where it is retracted now. */
  readonly retraction: RetractionRecord | undefined;
};
export type Offer = OfferRecord & { readonly offer: Hex32 };
export type Purchase = PurchaseRecord & { readonly purchase: Hex32 };
export type Invite = InviteRecord & { readonly invite: Hex32 };

export interface TaskFilter {
  /** `open`: not ended yet. */
  readonly status?: TaskStatus | 'open';
  readonly assignee?: Hex32;
}

/** Where the money is: `Σ balances + Σ escrows + treasury = supply`. */
export interface Money {
  readonly supply: bigint;
  readonly treasury: bigint;
  readonly balances: ReadonlyMap<Hex32, bigint>;
  readonly escrows: ReadonlyMap<string, bigint>;
}

/** A state whose tables can be read through in one pass: looking up each id again would cost as much once more. */
export interface ReadableState extends StateBase {
  /** The records of `table` whose ids begin with `idPrefix`, ascending by the UTF-8 bytes of their ids. */
  records<T>(table: Table<T>, idPrefix: string): Iterable<readonly [id: string, record: T]>;
}

/** The stored state, as it is on disk: what has a receipt, and nothing that has none yet. */
export class StoredState implements ReadableState {
  private readonly reader: Pick<GroupReader, 'state' | 'stateRange'>;

  constructor(reader: Pick<GroupReader, 'state' | 'stateRange'>) {
    this.reader = reader;
  }

  get<T>(table: Table<T>, id: string): T | undefined {
    const bytes = this.reader.state(table.prefix + id);
    return bytes === undefined ? undefined : decode(table.codec, bytes);
  }

  *ids(table: TableKeys, idPrefix: string): Iterable<string> {
    for (const [key] of this.reader.stateRange(table.prefix + idPrefix)) yield key.slice(table.prefix.length);
  }

  *records<T>(table: Table<T>, idPrefix = ''): Generator<[id: string, record: T]> {
    for (const [key, value] of this.reader.stateRange(table.prefix + idPrefix))
      yield [key.slice(table.prefix.length), decode(table.codec, value)];
  }
}

export class GroupView {
  private readonly base: ReadableState;
  /** The height that the answers are of. */
  readonly height: number;
  /** Block time at that height. */
  readonly tsMs: number;

  private readonly openTasks: () => Iterable<string> | undefined;
  private readonly verdicts: Verdicts;

  /**
   * @param openTasks ids of the tasks that have not ended, where somebody keeps them
   * @param verdicts which claims are in, where somebody keeps it up with a state that moves on
   */
  constructor(
    base: ReadableState,
    at: { height: number; tsMs: number },
    openTasks: () => Iterable<string> | undefined = () => undefined,
    verdicts = new Verdicts((claim) => standingOf(base, claim)),
  ) {
    this.base = base;
    this.openTasks = openTasks;
    this.verdicts = verdicts;
    this.height = at.height;
    this.tsMs = at.tsMs;
  }

  private records<T>(table: Table<T>): Iterable<readonly [id: string, record: T]> {
    return this.base.records(table, '');
  }

  /** Name, currency, creator and version of the rules. */
  group(): GroupRecord {
    return this.base.get(groupTable, '')!;
  }

  policy(): Policy {
    return this.base.get(policyTable, '')!;
  }

  sealers(): readonly Hex32[] {
    return this.base.get(sealersTable, '') ?? [];
  }

  /** Who is to seal next, by the word of which admin, while they have not accepted; nothing where nobody is. */
  handOver(): { readonly sealers: readonly Hex32[]; readonly by: Hex32 } | undefined {
    return this.base.get(handOverTable, '');
  }

  adminCount(): number {
    return this.base.get(adminsTable, '')?.count ?? 0;
  }

  /** Present members; former ones have no role and are left out. */
  members(): Member[] {
    const members: Member[] = [];
    for (const [member, { role, joinedMs, addedBy }] of this.records(memberTable))
      if (role !== undefined) members.push({ member, role, joinedMs, addedBy, name: this.nameOf(member) });
    return members;
  }

  roleOf(member: Hex32): Role | undefined {
    return this.base.get(memberTable, member)?.role;
  }

  /** The name that a member chose. */
  nameOf(member: Hex32): string | undefined {
    return this.base.get(profileTable, member)?.name;
  }

  /** Every key that the group has met as a member, present or former, or as the holder of a balance. */
  keys(): Set<Hex32> {
    return new Set([...this.base.ids(memberTable, ''), ...this.base.ids(balanceTable, '')]);
  }

  invites(): Invite[] {
    return Array.from(this.records(inviteTable), ([invite, record]) => ({ ...record, invite }));
  }

  balance(account: Hex32): bigint {
    return this.base.get(balanceTable, account)?.amount ?? 0n;
  }

  money(): Money {
    return {
      supply: this.base.get(supplyTable, '')?.amount ?? 0n,
      treasury: this.base.get(treasuryTable, '')?.amount ?? 0n,
      balances: new Map(Array.from(this.records(balanceTable), ([account, { amount }]) => [account, amount])),
      escrows: new Map(Array.from(this.records(escrowTable), ([escrow, { amount }]) => [escrow, amount])),
    };
  }

  task(task: string): Task | undefined {
    const record = this.base.get(taskTable, task);
    return record === undefined ? undefined : this.wholeTask(task, record);
  }

  private wholeTask(task: string, record: TaskRecord): Task {
    return { ...this.base.get(taskTextTable, task)!, ...record, task };
  }

  /** Tasks by id: all, or those of a status (`open`: not ended yet) and of an assignee. */
  tasks(filter: TaskFilter = {}): Task[] {
    if (filter.status !== undefined || filter.assignee !== undefined)
      return Array.from(this.tasksThat(filter), ([task, record]) => this.wholeTask(task, record));
    const all = this.beside(taskTable, taskTextTable);
    return Array.from(all, ([task, record, text]) => ({ ...text!, ...record, task }));
  }

  /** The ids of `tasks`: what they are about is not read. */
  taskIds(filter: TaskFilter = {}): string[] {
    if (filter.status === undefined && filter.assignee === undefined)
      return Array.from(this.base.ids(taskTable, ''));
    return Array.from(this.tasksThat(filter), ([task]) => task);
  }

  private *tasksThat({ status, assignee }: TaskFilter): Generator<readonly [id: string, record: TaskRecord]> {
    for (const [task, record] of this.tasksToLookAt(status)) {
      if (status === 'open' ? !isOpen(record) : status !== undefined && record.status !== status) continue;
      if (assignee === undefined || record.assignee === assignee) yield [task, record];
    }
  }

  /** All records of `table`, with what `others` has under the same ids: both are read once, side by side. */
  private *beside<T, U>(
    table: Table<T>,
    others: Table<U>,
  ): Generator<readonly [id: string, record: T, other: U | undefined]> {
    const rest = this.records(others)[Symbol.iterator]();
    let next = rest.next();
    for (const [id, record] of this.records(table)) {
      while (!next.done && compareUtf8(next.value[0], id) < 0) next = rest.next();
      yield [id, record, !next.done && next.value[0] === id ? next.value[1] : undefined];
    }
  }

  /** Whether the task's assignee may no longer act, and left it where it was: whoever wants it takes it. */
  isLeft({ assignee, status }: Pick<Task, 'assignee' | 'status'>): boolean {
    if (assignee === undefined || !isOpen({ status })) return false;
    const role = this.roleOf(assignee);
    return role === undefined || role === 'viewer';
  }

  private *tasksToLookAt(
    status: TaskStatus | 'open' | undefined,
  ): Generator<readonly [id: string, record: TaskRecord]> {
    const isOfOpen = status === 'open' || (status !== undefined && isOpen({ status }));
    const known = isOfOpen ? this.openTasks() : undefined;
    if (known === undefined) return yield* this.records(taskTable);
    for (const task of [...known].sort(compareUtf8)) {
      const record = this.base.get(taskTable, task);
      if (record !== undefined) yield [task, record];
    }
  }

  claim(claim: Hex32): Claim | undefined {
    const record = this.base.get(claimTable, claim);
    if (record === undefined) return undefined;
    return { ...record, claim, retraction: this.base.get(retractionTable, claim) };
  }

  /** Claims by id. */
  *claims(): Generator<Claim> {
    for (const [claim, record, retraction] of this.beside(claimTable, retractionTable))
      yield { ...record, claim, retraction };
  }

  /**
   * Whether a claim is in: see `holding`. What was found once is known from then on; the first to ask waits for as
   * long as the evidence is deep, and the thread with them: `holdsInTurns` is for threads that have other work.
   */
  holds(claim: Hex32): boolean {
    return this.verdicts.now(claim);
  }

  /** As `holds`, with whoever else has work at work in between. */
  holdsInTurns(claim: Hex32): Promise<boolean> {
    return this.verdicts.inTurns(claim);
  }

  claimIds(idPrefix = ''): Iterable<Hex32> {
    return this.base.ids(claimTable, idPrefix);
  }

  experienceIds(idPrefix = ''): Iterable<Hex32> {
    return this.base.ids(experienceTable, idPrefix);
  }

  /**
   * @param options.nowMs the time to judge staleness by; the view's block time if not given
   * @param options.lastBeatMs when a member was last heard by a beat; nobody was, if not given
   */
  presence(
    options: { nowMs?: number; staleMs?: number; lastBeatMs?: (member: Hex32) => number | undefined } = {},
  ): Presence[] {
    const { nowMs = this.tsMs, staleMs = PRESENCE_STALE_MS_DEFAULT, lastBeatMs } = options;
    return Array.from(this.records(presenceTable), ([member, record]) => {
      const beatMs = lastBeatMs?.(member);
      return {
        member,
        ...record,
        lastSeenMs: Math.max(record.tsMs, beatMs ?? 0),
        isStale: isStale(record, beatMs, nowMs, staleMs),
      };
    });
  }

  offer(offer: Hex32): Offer | undefined {
    const record = this.base.get(offerTable, offer);
    return record === undefined ? undefined : { ...record, offer };
  }

  offers(): Offer[] {
    return Array.from(this.records(offerTable), ([offer, record]) => ({ ...record, offer }));
  }

  purchase(purchase: Hex32): Purchase | undefined {
    const record = this.base.get(purchaseTable, purchase);
    return record === undefined ? undefined : { ...record, purchase };
  }

  purchases(): Purchase[] {
    return Array.from(this.records(purchaseTable), ([purchase, record]) => ({ ...record, purchase }));
  }

  /** Disputes that a seller has lost. */
  disputesLost(seller: Hex32): number {
    return this.base.get(sellerTable, seller)?.disputesLost ?? 0;
  }

  /** Keys of the state that begin with `prefix`, as the effects hash orders them: by their UTF-8 bytes. */
  *stateKeys(prefix = ''): Generator<string> {
    for (const table of TABLES) {
      // A table of one record has its prefix as the whole key.
      const isInside = prefix.startsWith(table.prefix);
      if (!isInside && !table.prefix.startsWith(prefix)) continue;
      const idPrefix = isInside ? prefix.slice(table.prefix.length) : '';
      for (const id of this.base.ids(table, idPrefix)) yield table.prefix + id;
    }
  }

  /** The record under a key of the state, decoded; nothing where there is none. */
  stateRecord(key: string): unknown {
    const table = TABLES.find(({ prefix }) => key.startsWith(prefix));
    return table === undefined ? undefined : this.base.get(table, key.slice(table.prefix.length));
  }
}
