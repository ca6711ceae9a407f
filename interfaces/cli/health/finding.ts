/** What a look at a node's health finds: one thing that was looked at, how it is, and what to do about it. */

/** A notice is a choice of the operator's that is worth knowing: shown to people, and no alarm for monitors. */
export type Severity = 'ok' | 'notice' | 'warning' | 'critical';

export interface Finding {
  /** What was looked at: stable, for machines. */
  readonly check: string;
  readonly severity: Severity;
  /** One line. */
  readonly message: string;
  /** What to do, where something is to be done. Never anything that takes something away. */
  readonly advice?: string;
}

const LEVELS: Readonly<Record<Severity, number>> = { ok: 0, notice: 0, warning: 1, critical: 2 };
const BY_LEVEL = ['ok', 'warning', 'critical'] as const;

/** 0 in order, 1 warning, 2 critical: what monitors end with. */
export function levelOf(severity: Severity): number {
  return LEVELS[severity];
}

/** The worst of them. */
export function worst(findings: readonly Finding[]): (typeof BY_LEVEL)[number] {
  return BY_LEVEL[Math.max(0, ...findings.map(({ severity }) => levelOf(severity)))]!;
}

export const ok = (check: string, message: string): Finding => ({ check, severity: 'ok', message });

export const notice = (check: string, message: string, advice: string): Finding => ({
  check,
  severity: 'notice',
  message,
  advice,
});

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
