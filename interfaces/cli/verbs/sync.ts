/** Groups of other nodes: following them, and what waits for their sealers. */
import type { Command } from 'commander';
import { NotFoundError, UsageError } from '../../../actors/errors.ts';
import type { PeerHint } from '../../../actors/invites.ts';
import { type Hex32, isHex32 } from '../../../events/bytes.ts';
import { describeRefusal } from '../../../events/refusals.ts';
import type { Repair } from '../../../protocol/repair.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { namedPeers, networkOf, type PeerFlags, peerOption, subscriptionsOf } from '../network.ts';
import { parseSpan } from '../parse.ts';
import { subjectOf, subjectOption } from '../resolve.ts';
import { syncFailure } from '../sync-failure.ts';
import { type Column, printSentence, printTable } from '../table.ts';
import { formatSpan, formatTime, shortId } from '../text.ts';

const heading = 'Network';
/** How long a verb waits for blocks to come, and for its own work to be sealed. */
const SYNC_WAIT_MS = 60_000;
const SEALED_WAIT_MS = 10_000;

interface SetOptions {
  readonly interval?: string;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly acceptKept?: boolean;
}

export function registerSync(program: Command, context: CliContext): void {
  verb<PeerFlags>(
    program,
    context,
    {
      usage: 'subscribe',
      summary: 'Follow a group that another node holds.',
      heading,
      example: 'lb subscribe 7c1f… --peer /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…',
      details:
        'An admin of the group must have added this node, or an identity of it. With a join code, use join.',
      signs: true,
    },
    (command) => peerOption(subjectOption(command, 'group', 'id of the group, all 64 digits')),
    subscribe,
  );
  verb(
    program,
    context,
    {
      usage: 'unsubscribe',
      summary: 'Follow a group no more; what is here stays.',
      heading,
      example: 'lb unsubscribe --group 7c1f9a02',
      inGroup: true,
    },
    (command) => command,
    async (run) => {
      const { groupId } = await run.group();
      await (await subscriptionsOf(run)).change(groupId, { isPaused: true, sources: [] });
      (await run.node()).network?.groups.heed(groupId);
      run.print({ groupId }, () => printSentence(run.out, `${run.id(groupId)} is not followed any more`));
    },
  );
  verb(
    program,
    context,
    {
      usage: 'subscription-list',
      summary: 'List which groups are followed, and from whom.',
      heading,
      example: 'lb subscription-list',
    },
    (command) => command,
    list,
  );
  verb<SetOptions>(
    program,
    context,
    {
      usage: 'subscription-set',
      summary: 'Change how a group is followed.',
      heading,
      example: 'lb subscription-set --group 7c1f9a02 --interval 60s',
      inGroup: true,
    },
    (command) =>
      command
        .option('--interval <span>', 'how often to ask when nobody announces anything')
        .option('--pause', 'rest until --resume')
        .option('--resume', 'follow again')
        .option('--accept-kept', 'after a sealer sealed twice: go on with the block that is here'),
    change,
  );
  verb<PeerFlags>(
    program,
    context,
    {
      usage: 'sync-now',
      summary: 'Send what waits and fetch what is new, of all groups or one.',
      heading,
      example: 'lb sync-now',
      inGroup: true,
      signs: true,
    },
    peerOption,
    syncNow,
  );
  verb<PeerFlags & { acceptLoss?: boolean }>(
    program,
    context,
    {
      usage: 'repair',
      summary: 'Fetch a damaged group again from its other members.',
      heading,
      example: 'lb repair domain:research\nlb repair 7c1f9a02 --peer /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…',
      details:
        'Every block is verified and judged again. Nothing is given up before a member has shown that it has as much of the group as this node had; with --accept-loss, the blocks that only this node had are given up.',
      signs: true,
    },
    (command) =>
      peerOption(subjectOption(command, 'group', 'the group')).option(
        '--accept-loss',
        'go on where the members have fewer blocks than this node had',
      ),
    repair,
  );
  verb(
    program,
    context,
    {
      usage: 'evidence',
      summary: 'Show which sealers sealed two blocks at one height.',
      heading,
      example: 'lb evidence',
      details:
        'Both headers with their seals are kept: together they prove it to anybody. While it is open, the group is not followed until somebody decides. What the chain has left behind stops nothing.',
      inGroup: true,
    },
    (command) => command,
    showEvidence,
  );
  verb(
    program,
    context,
    {
      usage: 'outbox',
      summary: 'Show what waits for other sealers, and what they refused.',
      heading,
      example: 'lb outbox',
      inGroup: true,
    },
    (command) => command,
    outbox,
  );
}

/** How evidence stands, for people. */
const STANDINGS = {
  open: 'open: the group is not followed',
  decided: 'decided: somebody here went on with the block that is kept',
  past: 'past: the sealing has gone on to others since',
} as const;

async function repair(run: Run<PeerFlags & { acceptLoss?: boolean }>): Promise<void> {
  const node = await run.node();
  const { groupId } = node.group(subjectOf('group', run.options.group, run.args[0]));
  const network = await networkOf(run);
  const peers = await namedPeers(run);
  const { acceptLoss: acceptsLoss = false } = run.options;
  const { repairGroup } = await import('../../../protocol/repair.ts');
  let done: Repair | undefined;
  await showingProgress(run, network.port.bus.moment$, async () => {
    done = await repairGroup(network, groupId, { peers, acceptsLoss, waitMs: SYNC_WAIT_MS });
  });
  const { from, height, isLevel } = done!;
  run.print(done!, () => {
    const rest = isLevel ? '' : '; the rest comes while the node is up, or with lb sync-now';
    printSentence(
      run.out,
      `${run.id(groupId)} is here again up to height ${height}, from ${shortId(from)}${rest}`,
    );
  });
}

async function showEvidence(run: Run): Promise<void> {
  const node = await run.node();
  const { evidences } = await import('../../../protocol/sync/evidence.ts');
  const { decodeHeader } = await import('../../../events/block.ts');
  const ids = run.options.group === undefined ? node.groupIds() : [(await run.group()).groupId];
  const rows = ids.flatMap((groupId) =>
    evidences(node.networkPort, groupId).map(({ kept, other, standing }) => {
      const { height, sealer } = decodeHeader(kept.header);
      return { groupId, height, sealer, standing, kept, other };
    }),
  );
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'group', value: ({ groupId }) => shortId(groupId), plain: ({ groupId }) => groupId },
    { header: 'height', value: ({ height }) => String(height), align: 'right' },
    { header: 'sealer', value: ({ sealer }) => run.nameOf(sealer), plain: ({ sealer }) => sealer },
    { header: 'state', value: ({ standing }) => STANDINGS[standing], isFlexible: true },
  ];
  run.print({ evidence: rows }, () =>
    printTable(run.out, columns, rows, 'no sealer sealed twice: there is nothing to do'),
  );
  if (rows.some(({ standing }) => standing === 'open'))
    run.hint('to go on with the block that is here:\n  lb subscription-set --group GROUP --accept-kept');
}

async function subscribe(run: Run<PeerFlags>): Promise<void> {
  const groupId = groupElsewhere(subjectOf('group', run.options.group, run.args[0]));
  await subscribeTo(run, groupId, await namedPeers(run));
}

/** A group that need not be here, by its id. */
export function groupElsewhere(given: string): Hex32 {
  const id = given.toLowerCase();
  if (isHex32(id)) return id;
  throw new UsageError('a group that is not here yet is named by all 64 digits of its id');
}

/** Follows a group from now on; of `given`, or else of all known peers, the first that can be reached is asked. */
export async function subscribeTo(run: Run, groupId: Hex32, given: readonly PeerHint[]): Promise<void> {
  const network = await networkOf(run);
  const { connectToAny, subscribe: follow } = await import('../../../protocol/membership.ts');
  const peer = await connectToAny(network, given.length > 0 ? given : network.book.all());
  await showingProgress(run, network.port.bus.moment$, () => follow(network, groupId, peer, SYNC_WAIT_MS));
  const { height } = (await run.node()).group(groupId).head;
  run.print({ groupId, height, from: peer }, () =>
    printSentence(run.out, `${run.id(groupId)} is followed; it is here up to height ${height}`),
  );
}

/** Shows `sync.progress` for as long as `work` takes, however it ends: the bus may be that of a node that stays. */
export async function showingProgress(
  run: Run,
  moment$: Awaited<ReturnType<Run['node']>>['bus']['moment$'],
  work: () => Promise<unknown>,
): Promise<void> {
  const bar = run.progress('fetching blocks');
  const listening = moment$.subscribe((event) => {
    if (event.kind === 'sync.progress') bar.update(event.height, event.target);
  });
  try {
    await work();
  } finally {
    listening.unsubscribe();
    bar.end();
  }
}

async function list(run: Run): Promise<void> {
  const subscriptions = await subscriptionsOf(run);
  const node = await run.node();
  const ids = [...new Set([...node.groupIds(), ...subscriptions.groupIds()])];
  const rows = ids.map((groupId) => ({ groupId, ...subscriptions.get(groupId) }));
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'group', value: ({ groupId }) => shortId(groupId), plain: ({ groupId }) => groupId },
    { header: 'state', value: ({ isPaused }) => (isPaused ? 'paused' : 'followed') },
    {
      header: 'interval',
      value: ({ intervalMs }) => (intervalMs === undefined ? 'default' : formatSpan(intervalMs)),
    },
    {
      header: 'from',
      value: ({ sources }) => sources.map(shortId).join(' ') || 'any member',
      plain: ({ sources }) => sources.join(' ') || 'any member',
      isFlexible: true,
    },
  ];
  run.print({ subscriptions: rows }, () =>
    printTable(
      run.out,
      columns,
      rows,
      'no groups yet; make one with: lb create-group --name NAME, or join one with: lb join CODE',
    ),
  );
}

async function change(run: Run<SetOptions>): Promise<void> {
  const { interval, pause, resume, acceptKept } = run.options;
  if (pause && resume) throw new UsageError('--pause and --resume exclude each other');
  const node = await run.node();
  const { groupId } = await run.group();
  const { INTERVAL_MS_MAX, INTERVAL_MS_MIN } = await import('../../../protocol/subscriptions.ts');
  const intervalMs = interval === undefined ? undefined : parseSpan(interval, '--interval');
  if (intervalMs !== undefined && (intervalMs < INTERVAL_MS_MIN || intervalMs > INTERVAL_MS_MAX))
    throw new UsageError('--interval is between a second and a day');
  if (acceptKept) {
    const { settleEvidence } = await import('../../../protocol/sync/evidence.ts');
    await settleEvidence(node.networkPort, groupId);
  }
  const changed = await (await subscriptionsOf(run)).change(groupId, {
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(pause || resume ? { isPaused: pause === true } : {}),
  });
  node.network?.groups.heed(groupId);
  run.print({ groupId, ...changed }, () =>
    printSentence(run.out, `${run.id(groupId)} is ${changed.isPaused ? 'paused' : 'followed'}`),
  );
}

async function syncNow(run: Run<PeerFlags>): Promise<void> {
  const network = await networkOf(run);
  const given = await namedPeers(run);
  if (given.length > 0) {
    const { connectToAny } = await import('../../../protocol/membership.ts');
    await connectToAny(network, given);
  }
  await network.dialer.tried();
  const { NetworkError } = await import('../../../protocol/errors.ts');
  if (network.status().peers.length === 0)
    throw new NetworkError(
      'peer_unreachable',
      'no peer that has a group of this node was reached; name one with --peer',
    );
  const wanted = run.options.group === undefined ? network.port.groupIds() : [(await run.group()).groupId];
  const times = { waitMs: SYNC_WAIT_MS, sealedMs: SEALED_WAIT_MS };
  const reached = new Set<Hex32>();
  await showingProgress(run, network.port.bus.moment$, () =>
    Promise.all(
      wanted.map(async (groupId) => {
        if (await network.syncGroup(groupId, times)) reached.add(groupId);
      }),
    ),
  );
  const rows = network.status().groups.filter(({ groupId }) => wanted.includes(groupId));
  const failed = rows.flatMap((row) => syncFailure(row, reached.has(row.groupId)) ?? []);
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'group', value: ({ groupId }) => shortId(groupId), plain: ({ groupId }) => groupId },
    { header: 'height', value: ({ height }) => String(height), align: 'right' },
    { header: 'waiting', value: ({ pending }) => String(pending), align: 'right' },
    { header: 'refused', value: ({ refused }) => String(refused), align: 'right' },
    { header: 'missing', value: ({ artifactsMissing }) => String(artifactsMissing), align: 'right' },
    {
      header: 'sealer heard',
      value: ({ isSealedHere, sealerHeardMs }) =>
        isSealedHere ? 'here' : sealerHeardMs === undefined ? 'never' : formatTime(sealerHeardMs),
    },
    {
      header: 'state',
      value: (row) => syncFailure(row, reached.has(row.groupId))?.message ?? 'level',
      isFlexible: true,
    },
  ];
  run.print({ groups: rows.map((row) => ({ ...row, isReached: reached.has(row.groupId) })) }, () =>
    printTable(
      run.out,
      columns,
      rows,
      'no groups yet; make one with: lb create-group --name NAME, or join one with: lb join CODE',
    ),
  );
  // What could not be done is said by the exit code as well: of several, by the first.
  const [first] = failed;
  if (first !== undefined) throw first;
}

async function outbox(run: Run): Promise<void> {
  const node = await run.node();
  const wanted = run.options.group === undefined ? undefined : (await run.group()).groupId;
  if (wanted === undefined && node.groupIds().length === 0 && node.outbox.groupIds().length === 0)
    throw new NotFoundError('this node has no group yet; make one with: lb create-group --name NAME');
  const ids = wanted === undefined ? [...new Set([...node.groupIds(), ...node.outbox.groupIds()])] : [wanted];
  const rows = ids.flatMap((groupId) => [
    ...node.outbox.pending(groupId).map((entry) => ({ ...entry, status: 'pending' as const })),
    ...node.outbox.refused(groupId).map((entry) => ({ ...entry, status: 'refused' as const })),
  ]);
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'group', value: ({ groupId }) => shortId(groupId) },
    { header: 'transaction', value: ({ txId }) => shortId(txId), plain: ({ txId }) => txId },
    { header: 'by', value: ({ author }) => run.nameOf(author) },
    { header: 'state', value: ({ status }) => status },
    {
      header: 'why',
      value: ({ refusal }) => (refusal === undefined ? '' : describeRefusal(refusal)),
      isFlexible: true,
    },
  ];
  const wire = rows.map(({ groupId, txId, author, status, queuedMs, refusal }) => ({
    groupId,
    txId,
    author,
    status,
    queuedMs,
    refusal,
  }));
  run.print({ entries: wire }, () =>
    printTable(run.out, columns, rows, 'nothing waits: everything is sealed'),
  );
}
