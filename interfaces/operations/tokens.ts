/** Money: who has how much, and what moves it. */

import { UsageError } from '../../actors/errors.ts';
import { tokenOperations } from '../../events/operations/tokens.ts';
import { memberKey } from '../cli/resolve.ts';
import { act } from './act.ts';
import { amountOf, groupId, groupOf, member, namesIn, ownKey } from './call.ts';
import { define, type Operation } from './operation.ts';
import { field, input, optional, output, text, tokensOut } from './schema.ts';

/** How much, and whose. */
const amount = (whose: string) => field(tokenOperations.mint.fields.amount, `whole tokens, ${whose}`);
const to = member;

const getBalance = define({
  name: 'get_balance',
  title: 'See a balance',
  description: 'The tokens of a member, yours if none is named, and those of the treasury.',
  toolset: 'tokens',
  effect: 'reads',
  input: input({ group_id: groupId, member: optional(member) }),
  output: output({
    member: text(),
    name: text(),
    balance: tokensOut('whole tokens of the member'),
    treasury: tokensOut('whole tokens of the group'),
    supply: tokensOut('whole tokens of everybody together'),
    currency: text(),
  }),
  run(call, { group_id, member: given }) {
    const group = groupOf(call, group_id);
    const view = group.now;
    const member = given === undefined ? ownKey(call) : memberKey(call.node, view, given);
    if (member === undefined) throw new UsageError('whose balance? name a member');
    const { treasury, supply } = view.money();
    return {
      member,
      name: namesIn(call, group)(member),
      balance: view.balance(member).toString(),
      treasury: treasury.toString(),
      supply: supply.toString(),
      currency: view.group().currency,
    };
  },
});

export const tokenDesk: readonly Operation[] = [
  getBalance,
  act('tokens', {
    name: 'transfer',
    title: 'Transfer tokens',
    description: 'Moves tokens of yours to somebody else; the fee is paid on top.',
    effect: 'adds',
    properties: { to, amount: amount('out of your balance; the fee comes on top') },
    act: ({ agent, view, call }, { to, amount }) =>
      agent.transfer(memberKey(call.node, view, to), amountOf(amount, 'amount')),
  }),
  act('tokens', {
    name: 'mint',
    title: 'Mint tokens',
    description: 'Creates tokens for a member (admin).',
    effect: 'adds',
    properties: { to, amount: amount('made anew: the supply grows') },
    act: ({ agent, view, call }, { to, amount }) =>
      agent.mint(memberKey(call.node, view, to), amountOf(amount, 'amount')),
  }),
  act('tokens', {
    name: 'spend_treasury',
    title: 'Spend the treasury',
    description: 'Pays a member out of the treasury (admin).',
    effect: 'adds',
    properties: { to, amount: amount('out of the treasury') },
    act: ({ agent, view, call }, { to, amount }) =>
      agent.spendTreasury(memberKey(call.node, view, to), amountOf(amount, 'amount')),
  }),
];
