/** Calls that are cut off, and sent again. */
export const KEY = 'sent again';
export const INPUT = { text: 'Said once, whatever happens.' };

/** Calls whose answers say more than their transactions, by the operation. */
export const CALLS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  publish_claim: INPUT,
  create_offer: { title: 'A report', content: 'What a buyer gets.', price: 5 },
  create_offer_by_hand: { title: 'A report', content: 'What a buyer gets.', price: 5 },
  create_invite: {},
  create_group: { name: 'another' },
  create_task: { title: 'Do it once' },
  next_task: {},
  delegate_task: { title: 'Handed over once', timeout_ms: 0 },
  record_experience: { text: 'What was done.' },
  create_identity: { name: 'worker' },
};
