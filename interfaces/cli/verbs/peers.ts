/** Other nodes: the network in the foreground, peers by hand, and what they show. */
import { once } from 'node:events';
import type { Command } from 'commander';
import type { NetworkStatus } from '../../../protocol/network-types.ts';
import type { PeerEntry } from '../../../protocol/peers.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { givenPeers, knownPeer, networkOf, peerOption } from '../network.ts';
import { parseCount } from '../parse.ts';
import { type Column, printFields, printTable } from '../table.ts';
import { formatTime, shortId } from '../text.ts';

const heading = 'Network';
const HOST_DEFAULT = '0.0.0.0';
/** So that join codes stay good across restarts. */
const PORT_DEFAULT = '4242';

interface ListenOptions {
  readonly host: string;
  readonly port: string;
  readonly mdns: boolean;
  readonly peer?: readonly string[];
}

interface PeerOptions {
  readonly peer?: readonly string[];
}

export function registerPeers(program: Command, context: CliContext): void {
  verb<ListenOptions>(
    program,
    context,
    {
      usage: 'run-p2p',
      summary: 'Run the network of this node until it is interrupted.',
      heading,
      example: 'lb run-p2p --host 0.0.0.0 --port 4242',
      signs: true,
    },
    (command) =>
      peerOption(
        command
          .option('--host <host>', 'address to listen on', HOST_DEFAULT)
          .option('--port <port>', 'port to listen on; 0 takes a free one', PORT_DEFAULT)
          .option('--no-mdns', 'neither look for peers on the local network nor be found there'),
      ),
    runNetwork,
  );
  verb<PeerOptions>(
    program,
    context,
    {
      usage: 'connect',
      summary: 'Call a peer, and remember where it is.',
      heading,
      example: 'lb connect /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…',
      signs: true,
    },
    (command) => command.argument('<address>', '/ip4/HOST/tcp/PORT/p2p/PEER-ID or KEY@HOST:PORT'),
    connect,
  );
  verb<PeerOptions>(
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
  verb(
    program,
    context,
    {
      usage: 'peer-add',
      summary: 'Always keep a connection to a peer.',
      heading,
      example: 'lb peer-add /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…',
    },
    (command) => command.argument('<address>', '/ip4/HOST/tcp/PORT/p2p/PEER-ID or KEY@HOST:PORT'),
    async (run) => {
      const [{ key, addresses }] = (await givenPeers([run.args[0]!])) as [
        { key: string; addresses: string[] },
      ];
      await (await bookOf(run)).add(key, addresses, { isPinned: true, seenMs: Date.now() });
      run.print({ key, addresses }, () =>
        run.out.line(`${shortId(key)} is kept connected while the network runs`),
      );
    },
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
        { header: 'kept', value: ({ isPinned }) => (isPinned ? 'always' : 'when needed') },
        { header: 'seen', value: ({ seenMs }) => formatTime(seenMs) },
        { header: 'addresses', value: ({ addresses }) => addresses.join(' '), isFlexible: true },
      ];
      run.print({ peers: rows }, () => printTable(run.out, columns, rows, 'no peers yet'));
    },
  );
  verb(
    program,
    context,
    { usage: 'peer-remove', summary: 'Forget a peer.', heading, example: 'lb peer-remove 3f9c2a11' },
    (command) => command.argument('<peer>', 'key of the peer'),
    async (run) => {
      const book = await bookOf(run);
      const key = knownPeer(book, run.args[0]!);
      await book.remove(key);
      run.print({ key }, () => run.out.line(`${shortId(key)} is forgotten`));
    },
  );
  verb<PeerOptions>(
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

async function bookOf(run: Run) {
  const { PeerBook } = await import('../../../protocol/peers.ts');
  return new PeerBook((await run.node()).networkPort.store.network);
}

async function runNetwork(run: Run<ListenOptions>): Promise<void> {
  const { host, port, mdns } = run.options;
  const listen = { host, port: parseCount(port, '--port', 0, 65_535) };
  const network = await networkOf(run, { listen, mdns });
  for (const { key, addresses } of await givenPeers(run.options.peer))
    await network.book.add(key, addresses, { isPinned: true, seenMs: Date.now() });
  const { key, peerId, addresses } = network.status();
  run.print({ key, peerId, addresses }, () => {
    run.out.line(run.out.style('green', 'The network of this node runs; Ctrl-C ends it'));
    printFields(
      run.out,
      [['key', key], ...addresses.map((address) => ['address', `${address}/p2p/${peerId}`] as const)],
      '  ',
    );
  });
  const node = await run.node();
  const listening = node.bus.moment$.subscribe((event) => {
    if (event.kind === 'peer.connected') run.hint(`${shortId(event.peer)} is connected (${event.address})`);
    if (event.kind === 'peer.disconnected') run.hint(`${shortId(event.peer)} is gone`);
    if (event.kind === 'evidence.equivocation')
      run.hint(
        `the sealer of ${shortId(event.groupId)} sealed two blocks at height ${event.height}; it is not followed any more`,
      );
  });
  if (!run.signal.aborted) await once(run.signal, 'abort');
  listening.unsubscribe();
  await network.stop();
}

async function connect(run: Run<PeerOptions>): Promise<void> {
  const network = await networkOf(run);
  const { connectToAny } = await import('../../../protocol/membership.ts');
  const key = await connectToAny(network, await givenPeers([run.args[0]!]));
  const { nowMs } = await network.client.call(key, 'ping', {});
  const aheadMs = nowMs - Date.now();
  run.print({ key, clockAheadMs: aheadMs }, () => run.out.line(`${shortId(key)} answers, and is remembered`));
}

async function peers(run: Run<PeerOptions>): Promise<void> {
  const network = await networkOf(run, { mdns: true });
  for (const { key, addresses } of await givenPeers(run.options.peer))
    await network.book.add(key, addresses, { seenMs: Date.now() });
  await callAll(run, network);
  const { peers: rows } = network.status();
  const columns: readonly Column<NetworkStatus['peers'][number]>[] = [
    { header: 'peer', value: ({ key }) => shortId(key), plain: ({ key }) => key },
    { header: 'address', value: ({ address }) => address, isFlexible: true },
  ];
  run.print({ peers: rows }, () => printTable(run.out, columns, rows, 'no known peer can be reached'));
}

/** Calls every peer that is known, wanted or not. */
async function callAll(run: Run, network: Awaited<ReturnType<typeof networkOf>>): Promise<void> {
  const { NetworkError } = await import('../../../protocol/errors.ts');
  const calls = network.book.all().map(({ key, addresses }) => network.host.dial(key, addresses));
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'fulfilled') continue;
    if (!(outcome.reason instanceof NetworkError)) throw outcome.reason;
    run.hint(outcome.reason.message);
  }
}

async function discover(run: Run<PeerOptions>): Promise<void> {
  const network = await networkOf(run, { mdns: true });
  for (const { key, addresses } of await givenPeers(run.options.peer))
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
  run.print({ groups: rows }, () => printTable(run.out, columns, rows, 'no peer shows a group'));
}
