/** The part of pino-roll that is used here; the package has no types of its own. */
declare module 'pino-roll' {
  import type { pino } from 'pino';

  interface RollOptions {
    readonly file: string;
    /** A number and its unit: `1024b`, `10m`. */
    readonly size: string;
    readonly limit: { readonly count: number; readonly removeOtherLogFiles: boolean };
    readonly sync: boolean;
    readonly mode: number;
    readonly maxLength: number;
  }

  export default function roll(options: RollOptions): Promise<ReturnType<typeof pino.destination>>;
}
