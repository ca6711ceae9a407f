/** What is wrong with a configuration, as one line for people. */
import { closest, distance } from 'fastest-levenshtein';

export type ConfigErrorCode =
  | 'config_invalid'
  | 'config_unreadable'
  | 'log_dir_unwritable'
  | 'metrics_port_unusable'
  | 'http_port_unusable';

/** The node must not start: what was meant is not what would be done. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  /** Each thing that is wrong, one line each. */
  readonly problems: readonly string[];

  constructor(code: ConfigErrorCode, problems: readonly string[]) {
    super(problems.join('; '));
    this.code = code;
    this.problems = problems;
  }
}

/** Typing errors in one name that still count as a slip. */
const SLIPS_MAX = 4;

/** ` (did you mean …?)` where a known name is near, or nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  const candidate = closest(given, known);
  const isNear = distance(given, candidate) <= Math.min(SLIPS_MAX, Math.floor(candidate.length / 2));
  return isNear ? ` (did you mean ${candidate}?)` : '';
}

/** A value as it was given, short enough for one line. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
