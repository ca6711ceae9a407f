/** What there is after a round: the group in numbers, and whether its money adds up. */
import type { AuditReport } from '../../../actors/history/audit.ts';
import type { TaskStatus } from '../../../events/effects.ts';
import type { Output } from '../output.ts';
import { displayWidth, wrap } from '../table.ts';
import { count, shortId } from '../text.ts';
import { AGENTS, type Workshop } from './cast.ts';
import type { PartTime } from './narrator.ts';
import type { DemoAnswer } from './question.ts';

export interface DemoSummary {
  readonly groupId: string;
  readonly round: number;
  readonly height: number;
  readonly transactions: number;
  readonly operations: number;
  readonly claims: { readonly total: number; readonly retracted: number; readonly out: number };
  /** Claims without a parent, and the claims of the longest thread. */
  readonly threads: { readonly total: number; readonly longest: number };
  readonly tasks: Readonly<Record<TaskStatus, number>>;
  readonly market: { readonly offers: number; readonly purchases: number; readonly settled: number };
  readonly balances: Readonly<Record<string, bigint>>;
  readonly money: { balances: bigint; escrows: bigint; treasury: bigint; supply: bigint; addsUp: boolean };
  readonly audit: AuditReport;
  /** What was asked of the documents at the end, and found first. */
  readonly answer?: DemoAnswer;
  readonly times: readonly PartTime[];
}

export function summarize(
  { group, agents, narrator }: Workshop,
  round: number,
  audit: AuditReport,
  answer: DemoAnswer | undefined,
): DemoSummary {
  const { now, head, groupId } = group;
  const { height, transactions, operations } = head;
  const purchases = now.purchases();
  const tasks = { pending: 0, assigned: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
  for (const { status } of now.tasks()) tasks[status]++;
  return {
    groupId,
    round,
    height,
    transactions,
    operations,
    ...countClaims(now),
    tasks,
    market: {
      offers: now.offers().length,
      purchases: purchases.length,
      settled: purchases.filter(({ status }) => status === 'settled').length,
    },
    balances: Object.fromEntries(AGENTS.map((name) => [name, now.balance(agents[name].publicKey)])),
    money: countMoney(now),
    audit,
    ...(answer === undefined ? {} : { answer }),
    times: narrator.times,
  };
}

function countClaims(now: Workshop['group']['now']): Pick<DemoSummary, 'claims' | 'threads'> {
  const parents = new Map<string, string | undefined>();
  let retracted = 0;
  let out = 0;
  for (const { claim, parent, retraction } of now.claims()) {
    parents.set(claim, parent);
    if (retraction !== undefined) retracted++;
    if (!now.holds(claim)) out++;
  }
  const sizes = new Map<string, number>();
  const rootOf = (claim: string): string => {
    let root = claim;
    for (let above = parents.get(root); above !== undefined; above = parents.get(root)) root = above;
    return root;
  };
  for (const claim of parents.keys()) sizes.set(rootOf(claim), (sizes.get(rootOf(claim)) ?? 0) + 1);
  const longest = [...sizes.values()].reduce((most, size) => Math.max(most, size), 0);
  return { claims: { total: parents.size, retracted, out }, threads: { total: sizes.size, longest } };
}

function countMoney(now: Workshop['group']['now']): DemoSummary['money'] {
  const { balances, escrows, treasury, supply } = now.money();
  const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((total, one) => total + one, 0n);
  const parts = { balances: sum(balances.values()), escrows: sum(escrows.values()), treasury };
  const held = parts.balances + parts.escrows + parts.treasury;
  return { ...parts, supply, addsUp: held === supply };
}

const number = (value: number | bigint): string => value.toLocaleString('en-US');

/** Prints the summary in two columns; values that do not fit go on below themselves. */
export function printSummary(out: Output, summary: DemoSummary): void {
  const rows = rowsOf(summary);
  const labelWidth = Math.max(...rows.map(([label]) => displayWidth(label)));
  const indent = ' '.repeat(labelWidth + 4);
  out.line(`\n${out.style('bold', 'Summary')}`);
  for (const [label, value] of rows) {
    const [first = '', ...rest] = wrap(`${indent}${value}`, out.width, indent);
    out.line(`  ${out.style('dim', label.padEnd(labelWidth))}  ${first.slice(indent.length)}`);
    for (const line of rest) out.line(line);
  }
}

function rowsOf(summary: DemoSummary): [label: string, value: string][] {
  const { claims, threads, tasks, market, money, audit, times } = summary;
  const states = Object.entries(tasks).filter(([, many]) => many > 0);
  const seconds = times.reduce((sum, time) => sum + time.seconds, 0);
  return [
    ['group', shortId(summary.groupId)],
    [
      'history',
      `${number(summary.height + 1)} blocks, ${number(summary.transactions)} transactions, ${number(summary.operations)} operations`,
    ],
    ['claims', `${number(claims.total)}; ${claims.retracted} retracted, ${claims.out} do not hold`],
    ['threads', `${number(threads.total)}, the longest of ${number(threads.longest)} claims`],
    ['tasks', states.map(([status, many]) => `${many} ${status.replace('_', ' ')}`).join(', ')],
    [
      'market',
      `${count(market.offers, 'offer')}, ${count(market.purchases, 'purchase')}, ${market.settled} settled`,
    ],
    [
      'balances',
      Object.entries(summary.balances)
        .map(([name, amount]) => `${name} ${number(amount)}`)
        .join(', '),
    ],
    [
      'money',
      `${number(money.balances)} in accounts + ${number(money.escrows)} in escrow + ${number(money.treasury)} in the treasury ${money.addsUp ? '=' : '≠'} supply ${number(money.supply)}`,
    ],
    [
      'audit',
      `sound: ${number(audit.signatures)} signatures and ${number(audit.artifacts)} artifacts in ${audit.seconds.toFixed(2)} s`,
    ],
    [
      'validated',
      `${number(rate(audit.transactions, audit.seconds))} transactions/s, ${number(audit.operationsPerSecond)} operations/s, ${number(audit.signaturesPerSecond)} signatures/s`,
    ],
    [
      'time',
      `${times.map(({ part, seconds }) => `${part.toLowerCase()} ${seconds.toFixed(1)} s`).join(', ')}; ${seconds.toFixed(1)} s in all`,
    ],
  ];
}

function rate(count: number, seconds: number): number {
  return seconds > 0 ? Math.round(count / seconds) : 0;
}
