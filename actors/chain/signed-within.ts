/**
 * Who wants to know what is signed in the course of a piece of work, before anybody else has it: whoever promises that
 * the work is done once writes down what it signs, and finds it again after a crash by what the chain holds.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Hex32 } from '../../events/bytes.ts';

type Told = (groupId: Hex32, txId: Hex32) => Promise<void>;

const within = new AsyncLocalStorage<Told>();

/** Does `work`; each transaction that is signed in it is submitted when `told` has resolved. */
export function signedWithin<T>(told: Told, work: () => Promise<T>): Promise<T> {
  return within.run(told, work);
}

/** Tells whoever wants to know; nothing where nobody does. */
export function tellSigned(groupId: Hex32, txId: Hex32): Promise<void> | undefined {
  return within.getStore()?.(groupId, txId);
}
