/**
 * Money and how it moves. Every domain goes through here, so that the invariant has one place to be true:
 *
 *   Σ balances + Σ escrows + treasury = total supply, and nothing is negative.
 *
 * Three kinds of income, and what a cap does to each: what somebody asks for (mint, transfer, treasury spend)
 * is refused; of what the rules make by themselves (faucet, claim and task rewards) only so much is made as there is
 * room for, and an effect says what was left out; what was earned and is there already (a sale, a reward out of
 * escrow) fills the account, and what lies above goes to the treasury. So nobody gains by filling another's account
 * up: whoever owes something still pays it. One's own money coming back meets no cap.
 *
 * Shares are rounded against whoever pays: splitting a payment saves nothing.
 */
import type { Hex32 } from '../events/bytes.ts';
import type { RewardSource } from '../events/effects.ts';
import { MAX_TOKEN } from '../events/fields.ts';
import { BASIS_POINTS } from '../events/limits.ts';
import { type Refusal, refuse } from '../events/refusals.ts';
import type { RuleContext } from './domain.ts';
import type { Overlay, StateView, Write } from './state.ts';
import {
  balanceTable,
  escrowTable,
  MONEY_TABLES,
  policyTable,
  supplyTable,
  treasuryTable,
} from './tables.ts';

export function balanceOf(state: StateView, account: Hex32): bigint {
  return state.get(balanceTable, account)?.amount ?? 0n;
}

function setBalance(state: StateView, account: Hex32, amount: bigint): void {
  if (amount === 0n) state.delete(balanceTable, account);
  else state.put(balanceTable, account, { amount });
}

export function supplyOf(state: StateView): bigint {
  return state.get(supplyTable, '')?.amount ?? 0n;
}

export function treasuryOf(state: StateView): bigint {
  return state.get(treasuryTable, '')?.amount ?? 0n;
}

/** ⌊amount · bps / 10,000⌋: a share of what is given out. */
export function basisPointsOf(amount: bigint, bps: number): bigint {
  return (amount * BigInt(bps)) / BigInt(BASIS_POINTS);
}

/** ⌈amount · bps / 10,000⌉: a share that is owed. Many small ones are never less than one large one. */
export function basisPointsOwed(amount: bigint, bps: number): bigint {
  return (amount * BigInt(bps) + BigInt(BASIS_POINTS - 1)) / BigInt(BASIS_POINTS);
}

/** Adds to an account without looking at its cap: for own money that comes back, and after a check. */
export function credit(state: StateView, account: Hex32, amount: bigint): void {
  if (amount > 0n) setBalance(state, account, balanceOf(state, account) + amount);
}

/** Takes from an account that is known to hold enough. */
function debit(state: StateView, account: Hex32, amount: bigint): void {
  setBalance(state, account, balanceOf(state, account) - amount);
}

export function creditTreasury(state: StateView, amount: bigint): void {
  if (amount > 0n) state.put(treasuryTable, '', { amount: treasuryOf(state) + amount });
}

/** Refuses when `account` holds less than `needed`. */
export function cannotPay(state: StateView, account: Hex32, needed: bigint): Refusal | undefined {
  const balance = balanceOf(state, account);
  return balance < needed ? refuse('balance_too_low', { account, balance, needed }) : undefined;
}

/** Refuses when the account's cap forbids `amount` more. */
export function exceedsAccountCap(state: StateView, account: Hex32, amount: bigint): Refusal | undefined {
  const cap = state.get(policyTable, '')!.max_account_balance ?? MAX_TOKEN;
  const balance = balanceOf(state, account);
  return balance + amount > cap
    ? refuse('account_cap_exceeded', { account, balance, amount, cap })
    : undefined;
}

/** How much more an account may hold. */
function roomUnderCap(state: StateView, account: Hex32): bigint {
  const cap = state.get(policyTable, '')!.max_account_balance ?? MAX_TOKEN;
  const balance = balanceOf(state, account);
  return balance < cap ? cap - balance : 0n;
}

/** How much more there may be of the currency. */
function roomUnderSupplyCap(state: StateView): bigint {
  const cap = state.get(policyTable, '')!.max_total_supply ?? MAX_TOKEN;
  const supply = supplyOf(state);
  return supply < cap ? cap - supply : 0n;
}

/** Refuses when the supply's cap forbids `amount` more. */
export function exceedsSupplyCap(state: StateView, amount: bigint): Refusal | undefined {
  const cap = state.get(policyTable, '')!.max_total_supply ?? MAX_TOKEN;
  const supply = supplyOf(state);
  return supply + amount > cap ? refuse('supply_cap_exceeded', { supply, amount, cap }) : undefined;
}

/** Makes new tokens for an account, after the caps were checked. */
export function issue(state: StateView, account: Hex32, amount: bigint): void {
  state.put(supplyTable, '', { amount: supplyOf(state) + amount });
  credit(state, account, amount);
}

/** Moves tokens between accounts and the fee to the treasury, after all checks. */
export function move(state: StateView, from: Hex32, to: Hex32, amount: bigint, fee: bigint): void {
  debit(state, from, amount + fee);
  credit(state, to, amount);
  creditTreasury(state, fee);
}

/** Pays from the treasury, which is known to hold enough. */
export function spendTreasury(state: StateView, to: Hex32, amount: bigint): void {
  state.put(treasuryTable, '', { amount: treasuryOf(state) - amount });
  credit(state, to, amount);
}

/** Makes an automatic reward, as much of it as the caps leave room for; effects say what was made and what not. */
export function reward(context: RuleContext, source: RewardSource, to: Hex32, amount: bigint): void {
  const { state } = context;
  const supplyRoom = roomUnderSupplyCap(state);
  const accountRoom = roomUnderCap(state, to);
  const isSupplyShort = supplyRoom <= accountRoom;
  const room = isSupplyShort ? supplyRoom : accountRoom;
  const made = amount <= room ? amount : room;
  if (made > 0n) {
    issue(state, to, made);
    context.emit({ kind: 'reward.paid', source, to, amount: made });
  }
  if (made === amount) return;
  const because = isSupplyShort ? 'supply_cap' : 'account_cap';
  context.emit({ kind: 'reward.skipped', source, to, amount: amount - made, because });
}

/**
 * Pays what was earned and is there already: up to the account's cap to the account, what lies above it to the
 * treasury. Returns both parts.
 */
export function payEarned(state: StateView, to: Hex32, amount: bigint): { paid: bigint; above: bigint } {
  const room = roomUnderCap(state, to);
  const paid = amount <= room ? amount : room;
  credit(state, to, paid);
  creditTreasury(state, amount - paid);
  return { paid, above: amount - paid };
}

/** Puts an account's money aside under `escrow`, after `cannotPay`. */
export function holdInEscrow(state: StateView, from: Hex32, escrow: string, amount: bigint): void {
  debit(state, from, amount);
  state.put(escrowTable, escrow, { amount });
}

/** Ends an escrow and returns what it held; the caller gives it to somebody in the same transaction. */
export function releaseEscrow(state: StateView, escrow: string): bigint {
  const held = state.get(escrowTable, escrow)?.amount ?? 0n;
  state.delete(escrowTable, escrow);
  return held;
}

/**
 * Crashes when the open transaction's writes break the money invariant. By induction over all transactions,
 * the sums agree at every block; the audit adds everything up as well.
 */
export function assertMoneyConserved(overlay: Overlay): void {
  let held = 0n;
  let supply = 0n;
  for (const write of overlay.openWrites()) {
    if (write.table === supplyTable) supply += changeBy(overlay, write);
    else if (MONEY_TABLES.includes(write.table)) held += changeBy(overlay, write);
  }
  if (held !== supply)
    throw new Error(`money is not conserved: held changes by ${held}, supply by ${supply}`);
}

/** By how much a write of the open transaction changes what stands under its key. */
function changeBy(overlay: Overlay, { table, id, value }: Write): bigint {
  const before = overlay.getBefore(table, id) as { amount: bigint } | undefined;
  const after = value as { amount: bigint } | undefined;
  if (after !== undefined && after.amount < 0n)
    throw new Error(`money is negative under ${table.prefix}${id}`);
  return (after?.amount ?? 0n) - (before?.amount ?? 0n);
}

/** Adds up all money of a state: the audit's oracle. */
export function sumMoney(state: StateView): { held: bigint; supply: bigint } {
  let held = treasuryOf(state);
  for (const account of state.ids(balanceTable, '')) held += state.get(balanceTable, account)!.amount;
  for (const escrow of state.ids(escrowTable, '')) held += state.get(escrowTable, escrow)!.amount;
  return { held, supply: supplyOf(state) };
}
