/**
 * A node that is killed in the middle of a call under a key, at a chosen moment; of `publish_claim`, or another one. `served` answers over HTTP until
 * somebody kills it from outside.
 */
import { writeSync } from 'node:fs';
import { performOnce } from '../../interfaces/operations/idempotency.ts';
import { operationNamed } from '../../interfaces/operations/registry.ts';
import { BatteryNode } from '../../node.ts';
import { serveOverHttp, tokenFor } from '../support/mcp.ts';
import { CALLS, KEY } from './idempotent-call.ts';

const [, , data, moment, name = 'publish_claim'] = process.argv;
const node = await BatteryNode.openOrInit({ data: data!, waitMs: 10_000, durability: 'commit' });
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
};

if (moment === 'served') {
  const { port } = await serveOverHttp(node);
  writeSync(1, `${JSON.stringify({ port, token: tokenFor(node, 'node') })}\n`);
} else {
  const operation = operationNamed(name)!;
  const input = CALLS[name]!;
  const call = {
    ...{ node, identity: 'node', signal: new AbortController().signal },
    progress: () => {},
  };
  await performOnce(call, operation, input, {
    key: KEY,
    work: async () => {
      if (moment === 'written down') die();
      const result = await operation.run(call, input);
      writeSync(1, `${JSON.stringify(result)}\n`);
      if (moment === 'sealed') die();
      return result;
    },
  });
  // Its result is kept, and nobody has it yet.
  die();
}
