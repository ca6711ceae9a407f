/**
 * Who wants to know what is signed in the course of a piece of work, before anybody else has it: whoever promises that
 * the work is done once writes down what it signs, and finds it again after a crash by what the chain holds.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Hex32 } from '../../events/bytes.ts';

/** What the answer of the work will hold and no log can tell again: the secret of an invite, the id of an order. */
export type Noted = Readonly<Record<string, string>>;

interface Teller {
  signed(groupId: Hex32, txId: Hex32): Promise<void>;
  noted(noted: Noted): Promise<void>;
}

const within = new AsyncLocalStorage<Teller>();

/** Does `work`; each transaction that is signed in it is submitted when `signed` has resolved. */
export function signedWithin<T>(teller: Teller, work: () => Promise<T>): Promise<T> {
  return within.run(teller, work);
}

/** Tells whoever wants to know; nothing where nobody does. */
export function tellSigned(groupId: Hex32, txId: Hex32): Promise<void> | undefined {
  return within.getStore()?.signed(groupId, txId);
}

/** The same for what is noted, before anything is done by it. */
export function tellNoted(noted: Noted): Promise<void> | undefined {
  return within.getStore()?.noted(noted);
}
