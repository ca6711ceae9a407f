/** The answer of a call, made again from the transaction that it signed: what the chain says of it. */
import type { Group } from '../../actors/group.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { fits, type Operation } from './operation.ts';

/** The answer that the operation would have given; nothing where the transaction does not say all of it. */
export function receiptOf(group: Group, txId: Hex32, { output }: Operation): unknown {
  const { location } = group.findTransaction(txId);
  const { height, index } = location;
  const { block, transactions } = group.block(height);
  const { operations } = transactions[index]!;
  const answer: Record<string, unknown> = { tx_id: txId, height, ts_ms: block.header.tsMs };
  for (const operation of operations) {
    if (operation.type === 'claim') answer.claim_id = operation.artifact;
    if (operation.type === 'task_complete' && operation.result !== undefined)
      answer.result = operation.result;
    if ('task' in operation) Object.assign(answer, taskIn(group, operation.task));
  }
  return fits(output, answer) ? answer : undefined;
}

function taskIn(group: Group, task: string): object {
  const now = group.now.task(task);
  return now === undefined ? {} : { task_id: task, status: now.status, attempt: now.attempt };
}
