/** Health as monitoring systems read it: a line for Nagios and its kin, an exposition for Prometheus. */
import { count } from '../text.ts';
import { levelOf, worst } from './finding.ts';
import type { Health } from './health.ts';

const WORDS = { ok: 'OK', warning: 'WARNING', critical: 'CRITICAL' } as const;

/** One line: the state, what is wrong, and behind the bar the figures. A bar in a text would end it. */
export function nagiosLine({ findings, groups, diskFree }: Health): string {
  const severity = worst(findings);
  const wrong = findings.filter((one) => levelOf(one.severity) > 0);
  // The worst first: screens cut long lines.
  wrong.sort((a, b) => levelOf(b.severity) - levelOf(a.severity));
  const text =
    wrong.length === 0
      ? `${count(findings.length, 'check')}, ${count(groups.length, 'group')}`
      : wrong.map(({ check, message }) => `${check}: ${message}`).join('; ');
  const figures = [`groups=${groups.length}`, ...(diskFree === undefined ? [] : [`disk_free=${diskFree}B`])];
  return `BATTERY NODE ${WORDS[severity]} - ${text.replaceAll('|', '/')} | ${figures.join(' ')}`;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The text format of Prometheus, version 0.0.4, as the textfile collector takes it. */
export function prometheusText({ findings, groups, diskFree }: Health, nowMs: number): string {
  const byCheck = new Map<string, number>();
  for (const { check, severity } of findings)
    byCheck.set(check, Math.max(levelOf(severity), byCheck.get(check) ?? 0));
  const ofGroups = (value: (group: Health['groups'][number]) => number): Sample[] =>
    groups.map((group) => ({ labels: { group: group.groupId, name: group.name }, value: value(group) }));
  const plain = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    metric(
      'lb_check_status',
      'How a check ended: 0 in order, 1 warning, 2 critical.',
      Array.from(byCheck, ([check, value]) => ({ labels: { check }, value })),
    ),
    metric('lb_check_groups', 'Groups on this node.', plain(groups.length)),
    metric(
      'lb_check_group_height',
      'Height of the last block of a group.',
      ofGroups(({ height }) => height),
    ),
    metric(
      'lb_check_group_halted',
      'Whether a group is halted.',
      ofGroups(({ status }) => (status === 'halted' ? 1 : 0)),
    ),
    metric(
      'lb_check_disk_free_bytes',
      'Room on the disk of the data directory.',
      diskFree === undefined ? [] : plain(diskFree),
    ),
    metric('lb_check_timestamp_seconds', 'When the check was made.', plain(Math.floor(nowMs / 1_000))),
  ].join('');
}

function metric(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
