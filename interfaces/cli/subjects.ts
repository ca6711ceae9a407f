/** Whatever an id in a group stands for, found and printed: what `show` is made of. */
import { AmbiguousIdError, NotFoundError } from '../../actors/errors.ts';
import type { Group, ReadBlock } from '../../actors/group.ts';
import type { GroupView } from '../../actors/group-view.ts';
import { PREFIX_DIGITS_MIN } from '../../actors/ids.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Run } from './context.ts';
import { describeFact, nameOrId } from './facts.ts';
import { taskOf, tasksNamed } from './resolve.ts';
import { type Field, printFields, printText } from './table.ts';
import { formatTime } from './text.ts';
import { describeClaim, standing } from './verbs/knowledge.ts';
import { offerFields } from './verbs/market.ts';
import { purchaseFields } from './verbs/purchases.ts';
import { resultTextOf, taskFields } from './verbs/tasks.ts';

type Kind =
  | 'block'
  | 'transaction'
  | 'claim'
  | 'experience'
  | 'task'
  | 'member'
  | 'offer'
  | 'purchase'
  | 'invite';

export interface Subject {
  readonly kind: Kind;
  /** The whole id; of a block, its height. */
  readonly id: string;
}

/**
 * The one thing that goes by `given`. A number is a height; an identity of this node goes by its name; a task's id
 * is any text; everything else is hex. The state is asked first and the log only when the state knows nothing, since
 * the log is long.
 * @param identities keys by the names of this node's identities
 */
export function findSubject(
  group: Group,
  view: GroupView,
  given: string,
  identities: ReadonlyMap<string, Hex32>,
): Subject {
  if (/^\d{1,7}$/.test(given)) return { kind: 'block', id: String(group.findBlock(given)) };
  const identity = identities.get(given);
  if (identity !== undefined) {
    if (view.task(given) === undefined) return { kind: 'member', id: identity };
    // Anybody may call a task what an identity is called here.
    throw new AmbiguousIdError('thing', given, [`member ${identity}`, `task ${given} (lb show-task)`]);
  }
  // Ids come before the ids of tasks, which anybody may choose as they like.
  const found = given.length < PREFIX_DIGITS_MIN ? [] : inState(view, given);
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    const tasks = tasksNamed(view, given);
    if (tasks.length === 1) return { kind: 'task', id: tasks[0]! };
    if (tasks.length > 1) return { kind: 'task', id: taskOf(view, given).task };
  }
  if (found.length > 1)
    throw new AmbiguousIdError(
      'thing',
      given,
      found.map(({ kind, id }) => `${kind} ${id}`),
    );
  return inLog(group, given);
}

function inState(view: GroupView, given: string): Subject[] {
  const prefix = given.toLowerCase();
  const fitting = (kind: Kind, ids: Iterable<string>, start = prefix): Subject[] =>
    Array.from(ids)
      .filter((id) => id.startsWith(start))
      .map((id) => ({ kind, id }));
  const found = [
    ...fitting('claim', view.claimIds(prefix)),
    ...fitting('experience', view.experienceIds(prefix)),
    ...fitting('member', view.keys()),
    ...fitting(
      'offer',
      view.offers().map(({ offer }) => offer),
    ),
    ...fitting(
      'purchase',
      view.purchases().map(({ purchase }) => purchase),
    ),
    ...fitting(
      'invite',
      view.invites().map(({ invite }) => invite),
    ),
    ...fitting('task', view.taskIds(), given),
  ];
  return found.length > 1 ? preferWhole(found, prefix) : found;
}

function preferWhole(found: Subject[], prefix: string): Subject[] {
  const whole = found.filter(({ id }) => id === prefix);
  return whole.length > 0 ? whole : found;
}

function inLog(group: Group, given: string): Subject {
  const isId = given.length >= PREFIX_DIGITS_MIN && /^[0-9a-f]{8,64}$/i.test(given);
  if (isId)
    for (const find of [
      (): Subject => ({ kind: 'block', id: String(group.findBlock(given.toLowerCase())) }),
      (): Subject => ({ kind: 'transaction', id: group.findTransaction(given.toLowerCase()).txId }),
    ])
      try {
        return find();
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
      }
  throw new NotFoundError(
    `there is nothing called ${given} in the group; show takes a height, the name of an identity of this node, the id of a task, or the first ${PREFIX_DIGITS_MIN} digits or more of any other id: block, transaction, claim, member, offer, purchase, invite`,
  );
}

/** Prints a thing, as it was at the view's height. */
export async function printSubject(run: Run, group: Group, view: GroupView, subject: Subject): Promise<void> {
  const { kind, id } = subject;
  const nameOf = await run.namer(view);
  const name = nameOrId(nameOf, view.keys(), (id) => run.id(id));
  if (kind === 'block') return printBlock(run, group.block(Number(id)), name);
  if (kind === 'transaction') return printTransaction(run, group, id, name);
  const { data, fields } = await describe(group, view, subject, nameOf, run.timeOf(view));
  run.print({ kind, ...data }, () => printFields(run.out, fields));
}

async function describe(
  group: Group,
  view: GroupView,
  { kind, id }: Subject,
  name: (key: Hex32) => string,
  nowMs: number,
): Promise<{ data: Record<string, unknown>; fields: Field[] }> {
  if (kind === 'claim') return describeAsClaim(group, view, id, name);
  if (kind === 'task') return describeAsTask(group, view, id, name, nowMs);
  if (kind === 'offer')
    return { data: { offer: view.offer(id) }, fields: offerFields(view.offer(id)!, name) };
  if (kind === 'purchase')
    return { data: { purchase: view.purchase(id) }, fields: purchaseFields(view.purchase(id)!, name, nowMs) };
  if (kind === 'member') return describeAsMember(view, id, name);
  if (kind === 'invite') {
    const invite = view.invites().find((one) => one.invite === id)!;
    return {
      data: { invite },
      fields: [
        ['invite', id],
        ['terms', describeFact({ ...invite, invite: undefined }, name)],
      ],
    };
  }
  const bytes = group.artifact(id)?.length;
  return {
    data: { artifact: id, bytes },
    fields: [
      ['experience', id],
      ['bytes', String(bytes ?? 'not on this node')],
    ],
  };
}

function describeAsTask(
  group: Group,
  view: GroupView,
  id: string,
  name: (key: Hex32) => string,
  nowMs: number,
) {
  const task = view.task(id)!;
  const resultText = resultTextOf(group, task);
  return { data: { task, resultText }, fields: taskFields(task, name, nowMs, resultText) };
}

async function describeAsClaim(group: Group, view: GroupView, id: Hex32, name: (key: Hex32) => string) {
  const claim = await describeClaim(group, view, id);
  const { retraction } = claim;
  const fields: Field[] = [
    ['claim', id],
    ['author', name(claim.author)],
    ['sealed', formatTime(claim.tsMs)],
    ['standing', standing(claim)],
    ['retracted', retraction && `${formatTime(retraction.tsMs)} by ${name(retraction.by)}`],
    ['reason', retraction?.reason],
    ['tags', claim.tags.join(', ') || undefined],
    ['parent', claim.parent],
    ['evidence', claim.evidence.join('\n') || undefined],
    ['text', claim.text ?? '(not on this node)'],
  ];
  return { data: { claim }, fields };
}

function describeAsMember(view: GroupView, member: Hex32, name: (key: Hex32) => string) {
  const role = view.roleOf(member);
  const balance = view.balance(member);
  const joinedMs = view.members().find((one) => one.member === member)?.joinedMs;
  const disputesLost = view.disputesLost(member);
  const tasks = view.taskIds({ assignee: member });
  const fields: Field[] = [
    ['member', member],
    ['name', name(member)],
    ['role', role ?? 'none: no member at this height'],
    ['joined', joinedMs === undefined ? undefined : formatTime(joinedMs)],
    ['balance', String(balance)],
    ['tasks', tasks.join(', ') || undefined],
    ['disputes lost', disputesLost === 0 ? undefined : String(disputesLost)],
  ];
  const data = {
    member,
    name: view.nameOf(member),
    role: role ?? 'none',
    joinedMs,
    balance,
    tasks,
    disputesLost,
  };
  return { data, fields };
}

function printBlock(run: Run, read: ReadBlock, name: (id: Hex32) => string): void {
  const { header } = read.block;
  const transactions = read.transactions.map((_, at) => transactionWire(read, at));
  run.print({ kind: 'block', blockId: read.blockId, ...header, transactions }, () => {
    printFields(run.out, [
      ['block', String(header.height)],
      ['id', read.blockId],
      ['previous', header.prev],
      ['time', formatTime(header.tsMs)],
      ['sealer', name(header.sealer)],
      ['transactions', String(header.txCount)],
      ['transaction root', header.txRoot],
      ['history root', header.historyRoot],
      ['effects hash', header.effectsHash],
    ]);
    for (const at of read.transactions.keys()) printTransactionLines(run, read, at, name);
  });
}

function printTransaction(run: Run, group: Group, txId: Hex32, name: (id: Hex32) => string): void {
  const { height, index } = group.findTransaction(txId).location;
  const read = group.block(height);
  const { blockId } = read;
  const place = { height, index, blockId, blockTsMs: read.block.header.tsMs };
  run.print({ kind: 'transaction', ...place, ...transactionWire(read, index) }, () => {
    printText(run.out, `block ${height} (${blockId}), position ${index}`, '');
    printTransactionLines(run, read, index, name);
  });
}

function transactionWire({ transactions, effects }: ReadBlock, at: number): object {
  const { txId, author, tsMs, nonce, replaces, operations } = transactions[at]!;
  const own = effects.filter(({ transaction }) => transaction === at);
  return { txId, author, tsMs, nonce, replaces, operations, effects: own.map(({ effect }) => effect) };
}

function printTransactionLines(
  run: Run,
  { transactions, effects }: ReadBlock,
  at: number,
  name: (id: Hex32) => string,
): void {
  const { txId, author, tsMs, operations } = transactions[at]!;
  run.out.line();
  run.out.line(run.out.style('bold', txId));
  printText(run.out, `${name(author)}  ${formatTime(tsMs)}`, '  ');
  for (const [position, operation] of operations.entries()) {
    printText(run.out, `${operation.type}  ${describeFact(operation, name)}`, '  ');
    for (const one of effects)
      if (one.transaction === at && one.operation === position)
        printText(run.out, `→ ${one.effect.kind}  ${describeFact(one.effect, name)}`, '    ', 'dim');
  }
}
