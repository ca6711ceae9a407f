/** `market-pull`, `market-gossip`: announcements, which tell people outside a group what is for sale in it. */
import type { Command } from 'commander';
import type { PeerHint } from '../../../actors/invites.ts';
import type { NetworkService } from '../../../protocol/network-service.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { namedPeers, networkOf, type PeerFlags, peerOption } from '../network.ts';
import { offerOf, subjectOption } from '../resolve.ts';
import { printSentence } from '../table.ts';
import { count } from '../text.ts';

const heading = 'Market';

interface GossipOptions extends PeerFlags {
  readonly offer?: string;
}

export function registerAnnouncing(program: Command, context: CliContext): void {
  verb<PeerFlags>(
    program,
    context,
    {
      usage: 'market-pull',
      summary: 'Ask peers what is for sale.',
      heading,
      example: 'lb market-pull --peer /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…',
      details:
        'Asks the peers that are named, or all that this node is connected to. What they answer is signed by the sellers; lb list-offers shows it.',
      signs: true,
    },
    peerOption,
    pull,
  );
  verb<GossipOptions>(
    program,
    context,
    {
      usage: 'market-gossip',
      summary: 'Tell peers what is for sale here; with an offer, begin to announce it.',
      heading,
      example: 'lb market-gossip OFFER --peer /ip4/10.0.0.2/tcp/4242/p2p/12D3KooW…',
      details:
        'An announcement is good for a day and renewed while the network of this node runs. Whoever gets it learns that the group exists, what the offer is called and what it costs.',
      inGroup: true,
      signs: true,
    },
    (command) => peerOption(subjectOption(command, 'offer', 'an offer of yours')),
    gossip,
  );
}

async function pull(run: Run<PeerFlags>): Promise<void> {
  const network = await networkOf(run);
  const named = await callNamed(run, network);
  if (named.length === 0) await network.dialer.tried();
  const peers = named.length > 0 ? named.map(({ key }) => key) : network.peers.connectedKeys();
  let taken = 0;
  for (const peer of peers) taken += await network.market.announcements.pull(peer);
  const known = (await run.node()).market.announcements.list().length;
  run.print({ peers, taken, known }, () =>
    printSentence(
      run.out,
      `${count(taken, 'new announcement')} from ${count(peers.length, 'peer')}; ${known} known`,
    ),
  );
}

/** Connects to each of the peers that are named, and remembers where they are. */
async function callNamed(run: Run<PeerFlags>, network: NetworkService): Promise<PeerHint[]> {
  const named = await namedPeers(run);
  for (const { key, addresses } of named) {
    await network.book.add(key, addresses, { seenMs: Date.now() });
    await network.host.dial(key, addresses);
  }
  return named;
}

async function gossip(run: Run<GossipOptions>): Promise<void> {
  const { options } = run;
  const network = await networkOf(run);
  const node = await run.node();
  await callNamed(run, network);
  await network.dialer.tried();
  const given = options.offer ?? run.args[0];
  const offer = given === undefined ? undefined : offerOf((await run.group()).now, given).offer;
  if (offer !== undefined) await node.market.announce((await run.group()).groupId, offer);
  const { peers, taken } = await network.market.announcements.push();
  run.print({ offer, peers, taken }, () =>
    printSentence(
      run.out,
      `Told ${count(peers, 'peer')}, to whom ${count(taken, 'announcement')} ${taken === 1 ? 'was' : 'were'} new`,
    ),
  );
}
