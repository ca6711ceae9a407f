/** Other nodes: peers by hand, which of them can be reached, and what they show. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { PeerHint } from '../../../actors/invites.ts';
import { text } from '../../../events/fields.ts';
import type { NetworkStatus } from '../../../protocol/network-types.ts';
import type { PeerEntry } from '../../../protocol/peers.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { checkText } from '../fields.ts';
import {
  bookOf,
  checkToBeKept,
  givenPeers,
  knownPeer,
  namedPeers,
  networkOf,
  type PeerFlags,
  peerOption,
  placeOption,
} from '../network.ts';
import { type Column, printSentence, printTable } from '../table.ts';
import { formatTime, shortId } from '../text.ts';
import { groupElsewhere, subscribeTo } from './sync.ts';

const heading = 'Network';

interface AddOptions extends PeerFlags {
  readonly alias?: string;
}

const ADDRESS = '/ip4/HOST/tcp/PORT/p2p/PEER-ID or KEY@HOST:PORT';
const ALIAS = text({ min: 1, maxBytes: 64 });
const PLACE_ALONE =
  'With only a host and a port, whoever answers there is accepted, and their key is shown; an address with a key refuses everybody else.';

export function registerPeers(program: Command, context: CliContext): void {
  verb<PeerFlags>(
    program,
    context,
    {
      usage: 'connect',
      summary: 'Call a peer, and remember where it is.',
      heading,
      example: 'lb connect /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…\nlb connect --host 10.0.0.2 --port 4242',
      details: `With --group, that group is followed from now on, as by subscribe. ${PLACE_ALONE}`,
      signs: true,
    },
    (command) =>
      placeOption(command.argument('[address]', ADDRESS)).option('--group <group>', 'follow this group, too'),
    connect,
  );
  verb<PeerFlags>(
    program,
    context,
    {
      usage: 'peers',
      summary: 'Show which known peers can be reached now.',
      heading,
      example: 'lb peers',
      signs: true,
    },
    peerOption,
    peers,
  );
  registerBook(program, context);
}

function registerBook(program: Command, context: CliContext): void {
  verb<AddOptions>(
    program,
    context,
    {
      usage: 'peer-add',
      summary: 'Always keep a connection to a peer.',
      heading,
      example:
        'lb peer-add /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…\nlb peer-add --host 10.0.0.2 --port 4242 --alias server',
      details: PLACE_ALONE,
      signs: ({ host }) => host !== undefined,
    },
    (command) =>
      placeOption(command.argument('[address]', ADDRESS)).option('--alias <name>', 'what to call it here'),
    add,
  );
  verb(
    program,
    context,
    { usage: 'peer-list', summary: 'List the peers that this node knows.', heading, example: 'lb peer-list' },
    (command) => command,
    async (run) => {
      const rows = (await bookOf(run)).all();
      const columns: readonly Column<PeerEntry>[] = [
        { header: 'peer', value: ({ key }) => shortId(key), plain: ({ key }) => key },
        { header: 'alias', value: ({ alias }) => alias ?? '', isFlexible: true },
        { header: 'kept', value: ({ isPinned }) => (isPinned ? 'always' : 'when needed') },
        { header: 'seen', value: ({ seenMs }) => formatTime(seenMs) },
        { header: 'addresses', value: ({ addresses }) => addresses.join(' '), isFlexible: true },
      ];
      run.print({ peers: rows }, () =>
        printTable(
          run.out,
          columns,
          rows,
          'no peers yet; add one with: lb peer-add ADDRESS, or join a group with: lb join CODE',
        ),
      );
    },
  );
  verb(
    program,
    context,
    { usage: 'peer-remove', summary: 'Forget a peer.', heading, example: 'lb peer-remove 3f9c2a11' },
    (command) => command.argument('<peer>', 'key of the peer, or its alias'),
    async (run) => {
      const book = await bookOf(run);
      const key = knownPeer(book, run.args[0]!);
      await book.remove(key);
      run.print({ key }, () => printSentence(run.out, `${run.id(key)} is forgotten`));
    },
  );
  verb<PeerFlags>(
    program,
    context,
    {
      usage: 'discover-groups',
      summary: 'Show the groups that known peers show us.',
      heading,
      example: 'lb discover-groups',
      details:
        'Groups of which an identity of this node is a member, and those that are discoverable by all.',
      signs: true,
    },
    peerOption,
    discover,
  );
}

/** The peer of the argument, or who answers at `--host` and `--port`. */
async function thePeer(run: Run<PeerFlags>): Promise<PeerHint> {
  const [peer, ...others] = [...(await givenPeers(run.args)), ...(await namedPeers(run))];
  if (peer === undefined)
    throw new UsageError('which peer? give its address, or --host and --port of where it answers');
  if (others.length > 0)
    throw new UsageError('say once where the peer is: by its address, or by --host and --port');
  return peer;
}

async function add(run: Run<AddOptions>): Promise<void> {
  const { alias } = run.options;
  if (alias !== undefined) checkText(alias, '--alias', ALIAS);
  const { key, addresses } = await thePeer(run);
  await checkToBeKept(addresses);
  const book = await bookOf(run);
  await book.add(key, addresses, { isPinned: true, seenMs: Date.now() });
  if (alias !== undefined) await book.name(key, alias);
  (await run.node()).network?.dialer.retry(key);
  run.print({ key, addresses, alias }, () =>
    printSentence(run.out, `${alias ?? run.id(key)} is kept connected while the network runs`),
  );
}

async function connect(run: Run<PeerFlags>): Promise<void> {
  const { group } = run.options;
  const groupId = group === undefined ? undefined : groupElsewhere(group);
  const network = await networkOf(run);
  const { connectToAny } = await import('../../../protocol/membership.ts');
  const peer = await thePeer(run);
  const key = await connectToAny(network, [peer]);
  const { nowMs } = await network.client.call(key, 'ping', {});
  const aheadMs = nowMs - Date.now();
  await network.peers.remember(key);
  if (groupId !== undefined) return subscribeTo(run, groupId, [peer]);
  const isKept = network.book.get(key) !== undefined;
  run.print({ key, clockAheadMs: aheadMs }, () =>
    printSentence(
      run.out,
      `${run.id(key)} answers, and is ${isKept ? 'remembered' : 'not remembered: its address is good on that link only'}`,
    ),
  );
}

async function peers(run: Run<PeerFlags>): Promise<void> {
  const network = await networkOf(run);
  for (const { key, addresses } of await namedPeers(run))
    await network.book.add(key, addresses, { seenMs: Date.now() });
  await callAll(run, network);
  const { peers: rows } = network.status();
  const columns: readonly Column<NetworkStatus['peers'][number]>[] = [
    { header: 'peer', value: ({ key }) => shortId(key), plain: ({ key }) => key },
    { header: 'address', value: ({ address }) => address, isFlexible: true },
  ];
  run.print({ peers: rows }, () =>
    printTable(run.out, columns, rows, 'no known peer can be reached; see the addresses with: lb peers'),
  );
}

/** Calls every peer that is known, wanted or not. */
async function callAll(run: Run, network: Awaited<ReturnType<typeof networkOf>>): Promise<void> {
  const { NetworkError } = await import('../../../protocol/errors.ts');
  const calls = network.book.all().map(({ key }) => network.host.dial(key, network.book.waysTo(key)));
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'fulfilled') continue;
    if (!(outcome.reason instanceof NetworkError)) throw outcome.reason;
    run.hint(outcome.reason.message);
  }
}

async function discover(run: Run<PeerFlags>): Promise<void> {
  const network = await networkOf(run);
  for (const { key, addresses } of await namedPeers(run))
    await network.book.add(key, addresses, { seenMs: Date.now() });
  await callAll(run, network);
  const { discoverGroups } = await import('../../../protocol/membership.ts');
  const rows = await discoverGroups(network);
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { header: 'group', value: ({ groupId }) => shortId(groupId), plain: ({ groupId }) => groupId },
    { header: 'name', value: ({ name }) => name, isFlexible: true },
    { header: 'height', value: ({ height }) => String(height), align: 'right' },
    { header: 'we are', value: ({ isMember }) => (isMember ? 'members' : 'strangers') },
    { header: 'peer', value: ({ peer }) => shortId(peer), plain: ({ peer }) => peer },
  ];
  run.print({ groups: rows }, () =>
    printTable(
      run.out,
      columns,
      rows,
      'no peer shows a group; connect to one who has it with: lb connect ADDRESS',
    ),
  );
}
