/** The value that this share of `values` is below; they may stand in any order. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
