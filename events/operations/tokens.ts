/** Money: made, moved and spent. Amounts are whole tokens. */
import { amount, id, type OperationsOf, operation, optional } from './define.ts';

export const tokenOperations = {
  mint: operation(20, 'Creates tokens (admin).', { to: id, amount }),
  transfer: operation(21, 'Moves own tokens; the fee is paid on top.', {
    to: id,
    amount,
    /** The most that the author agrees to pay as the fee; nothing: whatever it is when the transfer is sealed. */
    feeMax: optional(amount),
  }),
  treasury_spend: operation(22, 'Pays out of the treasury (admin).', { to: id, amount }),
};
export type TokenOperation = OperationsOf<typeof tokenOperations>;
