/** A new peer that fetches a whole group over loopback, as a share of the rate at which blocks are validated. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BatteryNode } from '../node.ts';
import { connectToAny, subscribe } from '../protocol/membership.ts';
import { NetworkService } from '../protocol/network-service.ts';
import type { Row } from './row.ts';
import { ONE, secondsToValidate } from './validation.ts';
import { benchSigner, buildWorkload, type Workload } from './workload.ts';

const CHILD = join(import.meta.dirname, 'catch-up-child.ts');
const WAIT_MS = 300_000;

interface CatchUp {
  readonly seconds: number;
  /** How much more memory the last quarter takes than the second. */
  readonly growthMb: number;
}

/** Blocks are fetched by a process of its own from another: both share the cores, as neighbours would. */
async function secondsToCatchUp(workload: Workload, threads: number): Promise<CatchUp> {
  const directory = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const file = join(directory, 'blocks');
  writeFileSync(file, Buffer.concat(workload.blocks.flatMap((block) => [lengthOf(block), block])));
  const source = spawn(process.execPath, [CHILD, join(directory, 'source'), file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const lines = createInterface({ input: source.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) throw new Error('the source ended before it served');
    const { addresses, head } = JSON.parse(first.value) as { addresses: string[]; head: number };
    return await fetchAll(join(directory, 'target'), { workload, threads, addresses, head });
  } finally {
    source.stdin.end();
    await new Promise((resolve) => (source.exitCode === null ? source.once('exit', resolve) : resolve(0)));
    rmSync(directory, { recursive: true, force: true });
  }
}

function lengthOf(block: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(block.length);
  return length;
}

async function fetchAll(
  data: string,
  {
    workload,
    threads,
    addresses,
    head,
  }: { workload: Workload; threads: number; addresses: string[]; head: number },
): Promise<CatchUp> {
  await using node = await BatteryNode.openOrInit({ data, threads });
  const signer = benchSigner('member 0');
  const port = { ...node.networkPort, signer, signers: () => [signer] };
  const network = await NetworkService.start(port, { mdns: false });
  const key = benchSigner('founder').publicKey;
  await connectToAny(network, [{ key, addresses }]);
  const samples: { height: number; rssMb: number }[] = [];
  const watch = setInterval(() => {
    const height = node.groupIds().length > 0 ? node.groups()[0]!.head.height : 0;
    samples.push({ height, rssMb: process.memoryUsage().rss / 2 ** 20 });
  }, 50);
  const start = performance.now();
  const done = new Promise<void>((resolve) =>
    node.bus.head$.subscribe(({ height }) => (height === head ? resolve() : undefined)),
  );
  await Promise.all([subscribe(network, workload.groupId, key, WAIT_MS), done]);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  await network.stop();
  const most = (from: number, to: number): number =>
    Math.max(
      ...samples
        .filter(({ height }) => height >= from * head && height <= to * head)
        .map(({ rssMb }) => rssMb),
    );
  return { seconds, growthMb: most(0.75, 1) - most(0.25, 0.5) };
}

export async function measureCatchUp(scale: number, threads: number): Promise<Row[]> {
  const workload = buildWorkload({ ...ONE, transactions: Math.ceil(100_000 * scale) });
  const before = await secondsToValidate(workload, threads);
  const { seconds, growthMb } = await secondsToCatchUp(workload, threads);
  const validation = (before + (await secondsToValidate(workload, threads))) / 2;
  return [
    {
      what: `catch-up of ${workload.transactions.toLocaleString('en-US')} transactions over loopback`,
      value: workload.transactions / seconds,
      unit: 'tx/s',
      against: { what: 'validation', share: validation / seconds },
      bar: '70 % of validation',
    },
    { what: 'growth of memory from the second quarter to the last', value: growthMb, unit: 'MB' },
  ];
}
