/**
 * Who a verb talks to: what it is shown, what it types, and what it pipes in.
 *
 * A verb never touches `process` itself, because it may run in another process than the one the person started:
 * while a node is up, it runs there, and its terminal is at the other end of a socket.
 */

import { UsageError } from '../../actors/errors.ts';

/** More input than any verb takes; it is in memory as a whole. */
export const INPUT_BYTES_MAX = 256 * 1024 * 1024;

/** More was piped in than `INPUT_BYTES_MAX`. */
export function inputTooLong(): UsageError {
  const mebibytes = INPUT_BYTES_MAX / 1024 ** 2;
  return new UsageError(`standard input has more than ${mebibytes} MiB, which is more than any verb takes`);
}

/** Thrown by `writeOut` once nobody reads any more. Ends the verb with success. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
}

/** The user pressed Ctrl-C at a question. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

export interface Terminal {
  /** Whether results go to a person. */
  readonly isOutTerminal: boolean;
  /** Whether messages go to a person. */
  readonly isErrTerminal: boolean;
  /** Whether a person can be asked. */
  readonly isInteractive: boolean;
  /** Columns of the screen, where there is one. */
  readonly columns: number | undefined;
  /** Where relative paths begin. */
  readonly cwd: string;
  /** Results. @throws OutputClosedError */
  writeOut(chunk: string | Uint8Array): void;
  /** Messages. */
  writeErr(text: string): void;
  /** Resolves when everything written has been handed on. */
  flush(): Promise<void>;
  /**
   * Asks for one line.
   * @throws InterruptedError at Ctrl-C and when `signal` is aborted
   */
  ask(
    question: string,
    options: { readonly isShown: boolean; readonly signal: AbortSignal },
  ): Promise<string>;
  /** Everything that is piped in, to its end. @throws UsageError beyond `INPUT_BYTES_MAX` */
  readInput(): Promise<Uint8Array>;
  /** What is piped in as it comes: for a verb that answers line by line. */
  input(): AsyncIterable<Uint8Array>;
}
