/** The tables of the state, with what stands under their keys. */
import type { Table } from '../../machines/state.ts';
import { TABLES } from '../../machines/tables.ts';
import { describeField, type Field, fieldsOf } from './fields.ts';
import { table } from './table.ts';

/** What follows a prefix in a key, and what the record says. A table that is not here stops the generator. */
const TABLE_NOTES: Readonly<Record<string, readonly [id: string, note: string]>> = {
  group: ['', 'What genesis said, and the version of the rules.'],
  policy: ['', 'The policy; see [Policy](#policy).'],
  sealers: ['', 'The keys that may seal the next block.'],
  'hand-over': ['', 'Who is to seal next, and which admin proposed it; absent where nobody is.'],
  admins: ['', 'The number of admins.'],
  'correction/': ['height, decimal', 'Where block time went back; see **time_correct**.'],
  'member/': ['key', 'Role nil: a former member.'],
  'invite/': ['invite key', ''],
  'profile/': ['key', ''],
  'balance/': ['key', 'Deleted when it becomes zero.'],
  'escrow/': ['`task/` task id, or `purchase/` purchase id', 'Deleted when it is released.'],
  treasury: ['', 'Absent until something was paid in; may become zero.'],
  supply: ['', 'Absent until something was made.'],
  'claim/': ['artifact hash', 'Never written again.'],
  'retraction/': ['artifact hash', 'Deleted when the claim is reinstated.'],
  'experience/': ['artifact hash', ''],
  'task/': ['task id', 'What changes while the task lives.'],
  'task-text/': ['task id', 'What the task is about; never written again.'],
  'assignment/': ['key `/` task id', 'The open tasks that are assigned to a member.'],
  'load/': ['key', 'How many of those the member has agreed to. Deleted when it becomes zero.'],
  'presence/': ['key', ''],
  'offer/': ['offer id', ''],
  'purchase/': ['purchase id', ''],
  'open-purchase/': ['key `/` offer id', 'The open purchase of a buyer for an offer.'],
  'seller/': ['key', 'Disputes that a seller has lost.'],
};

function describeRecord(codec: Field): string {
  if (codec.describe.kind !== 'record') return describeField(codec);
  const fields = fieldsOf(codec).map(([name, field]) => `\`${name}\` ${describeField(field)}`);
  return `[ ${fields.join('<br>')} ]`;
}

export function stateTable(): string {
  const rows = (TABLES as unknown as readonly Table<unknown>[]).map(({ prefix, codec }) => {
    const note = TABLE_NOTES[prefix];
    if (note === undefined) throw new Error(`docs: the table ${prefix} has no note`);
    const [id, text] = note;
    return [`\`${prefix}\`${id === '' ? '' : ` ${id}`}`, describeRecord(codec), text];
  });
  return table(['key', 'record, in order', 'note'], rows);
}
