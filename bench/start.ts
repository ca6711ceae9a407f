/** Row 6: opening a node with a million operations on disk, in a process of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commitBatchOf, headAfter } from '../actors/chain/commit.ts';
import type { FinalBlock } from '../actors/chain/judge.ts';
import { BatteryNode } from '../node.ts';
import { openDirectory } from '../storage/directory.ts';
import type { Head } from '../storage/port.ts';
import { openStore } from '../storage/store.ts';
import type { Row } from './row.ts';
import { buildChain } from './workload.ts';

const OPERATIONS = 1_000_000;
const PER_TRANSACTION = 64;

export async function measureStart(scale: number): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const data = join(dir, 'node');
  try {
    await BatteryNode.init({ data });
    const operations = await fill(data, Math.ceil(OPERATIONS * scale));
    const child = fileURLToPath(new URL('./start-child.ts', import.meta.url));
    const runs = Array.from(
      { length: 3 },
      () => JSON.parse(execFileSync(process.execPath, [child, data], { encoding: 'utf8' })) as Start,
    ).sort((a, b) => a.openMs - b.openMs);
    const { openMs, rssBytes } = runs[1]!;
    return [
      {
        what: `open with ${operations.toLocaleString('en-US')} operations on disk`,
        value: openMs,
        unit: 'ms',
        bar: '≤ 1,000',
      },
      { what: '  resident memory after opening', value: rssBytes / 2 ** 20, unit: 'MiB', bar: '≤ 300' },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Start {
  readonly openMs: number;
  readonly rssBytes: number;
}

/** Seals a long chain and stores it the way a follower does, in batches. */
async function fill(data: string, operations: number): Promise<number> {
  const store = openStore(openDirectory(data).chain, { durability: 'flush' });
  const transactions = Math.ceil(operations / PER_TRANSACTION);
  const commits: Promise<void>[] = [];
  let head: Head | undefined;
  const pending: { final: FinalBlock; head: Head }[] = [];
  const groupId = buildChain(
    { transactions, operationsPerTransaction: PER_TRANSACTION, transactionsPerBlock: 64 },
    (final) => {
      head = headAfter(head, final);
      pending.push({ final, head });
    },
  );
  const group = await store.addGroup(groupId, 'bench', 0);
  for (const one of pending) {
    commits.push(group.commit(commitBatchOf([one.final], one.head, [])));
    if (commits.length >= 16) await Promise.all(commits.splice(0));
  }
  await Promise.all(commits);
  await store.close();
  return head!.operations;
}
