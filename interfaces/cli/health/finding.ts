/** What a look at a node's health finds: one thing that was looked at, how it is, and what to do about it. */

export type Severity = 'ok' | 'warning' | 'critical';

export interface Finding {
  /** What was looked at: stable, for machines. */
  readonly check: string;
  readonly severity: Severity;
  /** One line. */
  readonly message: string;
  /** What to do, where something is to be done. Never anything that takes something away. */
  readonly advice?: string;
}

const ORDER: readonly Severity[] = ['ok', 'warning', 'critical'];

export function levelOf(severity: Severity): number {
  return ORDER.indexOf(severity);
}

/** The worst of them. */
export function worst(findings: readonly Finding[]): Severity {
  return ORDER[Math.max(0, ...findings.map(({ severity }) => levelOf(severity)))]!;
}

export const ok = (check: string, message: string): Finding => ({ check, severity: 'ok', message });

export const warning = (check: string, message: string, advice: string): Finding => ({
  check,
  severity: 'warning',
  message,
  advice,
});

export const critical = (check: string, message: string, advice: string): Finding => ({
  check,
  severity: 'critical',
  message,
  advice,
});
