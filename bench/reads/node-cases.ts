/** Reads as those who use a node have them: through its API here, and over HTTP. */
import { createHash } from 'node:crypto';
import type * as commitModule from '../../actors/chain/commit.ts';
import type * as claimModule from '../../events/claim-artifact.ts';
import type { Operation } from '../../events/registry.ts';
import type * as tokensModule from '../../interfaces/access/tokens.ts';
import type * as settingsModule from '../../interfaces/config/schema.ts';
import type * as httpModule from '../../interfaces/http/server.ts';
import type * as nodeModule from '../../node.ts';
import type * as directoryModule from '../../storage/directory.ts';
import type { CommitBatch, Head } from '../../storage/port.ts';
import type * as storeModule from '../../storage/store.ts';
import type * as workloadModule from '../workload.ts';
import type { HttpAccess, ImportOf, Reads } from './child.ts';

/** One operation in each, and as many in a block as make 120 KB of it. */
const TRANSACTIONS = 8_000;
const PER_BLOCK = 400;
const WORDS = 'a claim of some length, as agents write them when they have found something out. '.repeat(4);

interface Laid {
  readonly reads: Reads;
  readonly http: HttpAccess;
  close(): Promise<void>;
}

interface Chain {
  readonly groupId: string;
  readonly claims: readonly string[];
  readonly tasks: readonly string[];
}

export async function layNode(importOf: ImportOf, data: string, scale: number): Promise<Laid> {
  const { BatteryNode } = await importOf<typeof nodeModule>('node.ts');
  await BatteryNode.init({ data });
  const { groupId, claims, tasks } = await layChain(importOf, data, scale);
  const node = await BatteryNode.open({ data, durability: 'commit', threads: 1, embedder: { kind: 'none' } });
  // What follows the log in another thread has come to its end before anything is measured.
  for (let height = -1, headHeight = 0; height < headHeight; )
    ({ height, headHeight } = await node.views.progress(groupId));
  const group = node.group(groupId);
  const last = group.head.height;
  const at = <T>(values: readonly T[], index: number): T => values[(index * 7) % values.length]!;
  const page = async (height: number): Promise<void> => {
    let left = 100;
    for await (const _ of group.events({ after: { height, index: 0 }, untilHead: true }))
      if (--left === 0) return;
  };
  const reads: Reads = new Map<string, (n: number) => unknown>([
    ['node: a block of 400 transactions', (n: number) => group.block(2 + (n % (last - 1)))],
    ['node: a task', (n: number) => group.now.task(at(tasks, n))],
    ['node: a task that is not there', (n: number) => group.now.task(`no task ${n % 10_000}`)],
    ['node: a claim', (n: number) => group.now.claim(at(claims, n))],
    ['node: what a claim says', (n: number) => group.claimContent(at(claims, n))],
    ['node: an artifact', (n: number) => group.artifact(at(claims, n))],
    ['node: a balance', (n: number) => group.now.balance(at(claims, n))],
    ['node: the last 20 claims', () => group.recentClaims()],
    ['node: a page of 100 events', (n: number) => page(2 + (n % (last - 2)))],
  ]);
  const server = await serve(importOf, node, data);
  const close = async (): Promise<void> => {
    await server.close();
    await node.close();
  };
  return { reads, http: { ...server, group: groupId }, close };
}

/** A chain of claims with their texts, and of tasks, put into the store as a follower would. */
async function layChain(importOf: ImportOf, data: string, scale: number): Promise<Chain> {
  const { openStore } = await importOf<typeof storeModule>('storage/store.ts');
  const { openDirectory } = await importOf<typeof directoryModule>('storage/directory.ts');
  const { commitBatchOf, headAfter } = await importOf<typeof commitModule>('actors/chain/commit.ts');
  const { encodeClaim } = await importOf<typeof claimModule>('events/claim-artifact.ts');
  const { buildChain } = await importOf<typeof workloadModule>('bench/workload.ts');
  const claims: string[] = [];
  const tasks: string[] = [];
  const batches: CommitBatch[] = [];
  let artifacts: { hash: string; bytes: Uint8Array }[] = [];
  let head: Head | undefined;
  const next = (): Operation => {
    const number = claims.length + tasks.length;
    if (number % 2 === 0) {
      tasks.push(`task-${number}`);
      return { ...BARE_TASK, task: `task-${number}`, title: `Task ${number}`, description: WORDS };
    }
    const text = `${number} ${WORDS}`;
    const bytes = encodeClaim({ text, tags: ['bench'], createdMs: number, parent: undefined, evidence: [] });
    const artifact = createHash('sha256').update(bytes).digest('hex');
    claims.push(artifact);
    artifacts.push({ hash: artifact, bytes });
    return { type: 'claim', artifact, parent: undefined, evidence: [], tags: ['bench'] };
  };
  const shape = {
    transactions: Math.ceil(TRANSACTIONS * scale),
    operationsPerTransaction: 1,
    transactionsPerBlock: Math.ceil(PER_BLOCK * Math.min(1, scale * 5)),
    operations: (size: number) => Array.from({ length: size }, next),
  };
  const groupId = buildChain(shape, (final) => {
    head = headAfter(head, final);
    batches.push({ ...commitBatchOf([final], head, []), artifacts });
    artifacts = [];
  });
  const store = openStore(openDirectory(data).chain, { durability: 'commit' });
  const group = await store.addGroup(groupId, 'bench', 0);
  for (const batch of batches) await group.commit(batch);
  await store.close();
  return { groupId, claims, tasks };
}

const BARE_TASK = {
  type: 'task_create',
  assignee: undefined,
  dueMs: undefined,
  reward: undefined,
  rewardFrom: undefined,
  leaseMs: undefined,
  tags: ['bench'],
} as const;

async function serve(importOf: ImportOf, node: nodeModule.BatteryNode, data: string) {
  const { startHttp } = await importOf<typeof httpModule>('interfaces/http/server.ts');
  const { AccessTokens } = await importOf<typeof tokensModule>('interfaces/access/tokens.ts');
  const { SETTINGS } = await importOf<typeof settingsModule>('interfaces/config/schema.ts');
  const { token } = new AccessTokens(data).create({ name: 'bench', identity: 'node' });
  const server = await startHttp(
    node,
    {
      http_host: SETTINGS.http_host.default,
      http_port: 0,
      http_allowed_hosts: [],
      http_allowed_origins: [],
      http_max_req_per_min: 1_000_000_000,
      a2a: false,
      a2a_url: undefined,
      a2a_push_private: false,
    },
    // Nobody asks for these here.
    {
      metrics: undefined,
      health: () => Promise.reject(new Error()),
      ready: () => Promise.reject(new Error()),
    },
    (error) => {
      throw error;
    },
  );
  return { port: server.port, token, close: () => server.close() };
}
