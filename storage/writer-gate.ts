/**
 * A gate between the end of the process and the writer thread.
 *
 * `process.exit` stops a thread wherever its JavaScript happens to be. In the middle of a transaction that would be
 * the end: lmdb-js 3.5.6 then waits, while it cleans up, for a lock that the stopped thread itself holds, and the
 * process never exits. So the thread passes this gate around each transaction, and an exit waits for it to be
 * outside and keeps it there. What was not acknowledged by then is not kept, as with any other end.
 */

/** Two numbers in shared memory: whether the thread is inside, and whether it may not go in any more. */
export type Gate = Int32Array<SharedArrayBuffer>;

const INSIDE = 0;
const SHUT = 1;

/** How long an exit waits for a transaction, milliseconds; a disk that takes longer is beyond help. */
const WAIT_MS = 10_000;

/** A gate that is open, with nobody inside. */
export function newGate(): Gate {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** The thread goes in; false when the gate is shut: it must not start anything. */
export function enter(gate: Gate): boolean {
  Atomics.store(gate, INSIDE, 1);
  if (Atomics.load(gate, SHUT) === 0) return true;
  leave(gate);
  return false;
}

/** The thread goes out. */
export function leave(gate: Gate): void {
  Atomics.store(gate, INSIDE, 0);
  Atomics.notify(gate, INSIDE);
}

const open = new Set<Gate>();

/** Shuts `gate` when the process exits; gives what undoes it, for when the thread has ended. */
export function shutAtExit(gate: Gate): () => void {
  if (open.size === 0) process.on('exit', shutAll);
  open.add(gate);
  return () => {
    open.delete(gate);
    if (open.size === 0) process.off('exit', shutAll);
  };
}

function shutAll(): void {
  for (const gate of open) Atomics.store(gate, SHUT, 1);
  for (const gate of open) if (Atomics.load(gate, INSIDE) === 1) Atomics.wait(gate, INSIDE, 1, WAIT_MS);
}
