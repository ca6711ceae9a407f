/** One measured figure. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it is measured against, and the share of it that was reached. */
  readonly against?: { readonly what: string; readonly share: number };
  /** What the design asks for, as text. */
  readonly bar?: string;
}
