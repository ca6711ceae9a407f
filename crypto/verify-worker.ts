/**
 * What runs on a verification thread: one function, a packed batch in, a packed answer out.
 *
 * The answer is moved back, not copied. Nothing here keeps state, so a thread may end at any time.
 */
import { move } from 'piscina';
import { verifyPackedBatch } from './packed-batch.ts';

/** Piscina calls this with each task. */
export default function verifyOnThread(request: ArrayBuffer): ArrayBuffer {
  return move(verifyPackedBatch(request)) as ArrayBuffer;
}
