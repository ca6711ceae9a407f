/**
 * Replays blocks from standard input with everything stubbed that a pure room must not touch, and prints the
 * head and a hash of the state. With an argument it uses one of the stubbed things, and must die of it.
 *
 * Only what is imported here by its name runs before the stubs are in place; the rooms are imported after.
 */
import { readFileSync } from 'node:fs';
import { exit, stdout } from 'node:process';

const blocks = JSON.parse(readFileSync(0, 'utf8')) as string[];
const canary = process.argv[2];

function banned(name: string): never {
  throw new Error(`${name} is not for the pure rooms`);
}
const trap = (name: string): unknown =>
  new Proxy(() => {}, {
    apply: () => banned(name),
    construct: () => banned(name),
    get: () => banned(name),
    has: () => banned(name),
  });
for (const name of [
  'Date',
  'performance',
  'crypto',
  'Intl',
  'Buffer',
  'process',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
])
  Object.defineProperty(globalThis, name, { value: trap(name), configurable: true, writable: true });
Math.random = () => banned('Math.random');
for (const [prototype, methods] of [
  [String.prototype, ['localeCompare', 'toLocaleLowerCase', 'toLocaleUpperCase']],
  [Number.prototype, ['toLocaleString']],
  [BigInt.prototype, ['toLocaleString']],
  [Array.prototype, ['toLocaleString']],
] as const)
  for (const method of methods)
    Object.defineProperty(prototype, method, { value: () => banned(method), configurable: true });

const uses: Record<string, () => unknown> = {
  Date: () => Date.now(),
  random: () => Math.random(),
  performance: () => performance.now(),
  timer: () => setTimeout(() => {}, 0),
  crypto: () => globalThis.crypto.randomUUID(),
  Intl: () => new Intl.NumberFormat(),
  locale: () => 'a'.localeCompare('b'),
  Buffer: () => Buffer.alloc(1),
  process: () => process.env,
};
if (canary !== undefined) uses[canary]!();

const { ed25519 } = await import('@noble/curves/ed25519.js');
const { sha256 } = await import('@noble/hashes/sha2.js');
const { decodeBlock } = await import('../../events/block.ts');
const { fromHex, toHex, utf8 } = await import('../../events/bytes.ts');
const { decodeTransaction, markVerified } = await import('../../events/transaction.ts');
const { SpentSet } = await import('../../machines/spent.ts');
const { nobleX25519 } = await import('../../machines/sealed-key.ts');
const { ChainJudge } = await import('../../actors/chain/judge.ts');
const { MemoryState } = await import('../../actors/chain/state-cache.ts');

const state = new MemoryState();
const spent = new SpentSet(sha256);
const judge = new ChainJudge({
  groupId: undefined,
  tip: undefined,
  base: state,
  crypto: {
    sha256,
    verifySignature: (publicKey, message, signature) =>
      ed25519.verify(signature, message, publicKey, { zip215: true }),
    x25519: nobleX25519,
  },
  spent,
});
for (const hex of blocks) {
  const block = decodeBlock(fromHex(hex));
  const transactions = block.transactions.map((bytes) => {
    const transaction = decodeTransaction(bytes);
    const txId = sha256(transaction.payload);
    return markVerified(transaction, toHex(txId), txId);
  });
  const final = judge.judgeBlock({ block, blockIdBytes: sha256(block.headerBytes), transactions });
  if ('code' in final) throw new Error(`a block was refused: ${final.code}`);
  state.apply(final.judged.writes);
  for (const transaction of final.judged.accepted) spent.add(transaction);
}
const dump = [...state.entries()]
  .map(([key, value]) => [key, toHex(value)] as const)
  .sort(([a], [b]) => (a < b ? -1 : 1));
const answer = { head: judge.tip!.blockId, state: toHex(sha256(utf8(JSON.stringify(dump)))) };
stdout.write(JSON.stringify(answer), () => exit(0));
