/** One effect out of a receipt, for methods that give out the id that their operation made. */
import type { Receipt } from '../events/receipt.ts';
import { NotFoundError } from './errors.ts';

/** @throws NotFoundError where the receipt has none of this kind */
export function effectOf<K extends Receipt['effects'][number]['kind']>(
  receipt: Receipt,
  kind: K,
): Extract<Receipt['effects'][number], { kind: K }> {
  const effect = receipt.effects.find((one) => one.kind === kind);
  if (effect === undefined) throw new NotFoundError(`the receipt has no ${kind}`);
  return effect as Extract<Receipt['effects'][number], { kind: K }>;
}
