/** A terminal that nobody sits at: for a verb that another verb runs. */
import { InterruptedError, type Terminal } from './terminal.ts';

export function silentTerminal(cwd: string): Terminal {
  return {
    isOutTerminal: false,
    isErrTerminal: false,
    isInteractive: false,
    columns: undefined,
    cwd,
    writeOut: () => {},
    writeErr: () => {},
    flush: async () => {},
    ask: () => Promise.reject(new InterruptedError()),
    readInput: async () => new Uint8Array(),
    async *input() {},
  };
}
