/** Pulls that find nothing new: they come for as long as a connection lives, and must leave nothing behind on it. */
import { afterEach, expect, it } from 'vitest';
import { SYNC_STREAMS_PER_CONNECTION_MAX } from '../../../protocol/limits.ts';
import { SYNC_PROTOCOL } from '../../../protocol/sync/stream.ts';
import { closePeers, joinGroup, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

it('a member that asks again and again for what is not there yet still gets what comes', async () => {
  const [sealer, member] = [await peer(), await peer()];
  const { groupId } = await sealer.node.createGroup({ name: 'quiet' });
  const joined = await joinGroup(sealer, member, groupId);
  for (let count = 0; count <= 2 * SYNC_STREAMS_PER_CONNECTION_MAX; count++)
    expect(await member.network.groups.pullNow(groupId, 5_000), `pull ${count}`).toBe(true);
  const open = () =>
    [sealer, member].flatMap(({ network }) =>
      network.host.node
        .getConnections()
        .flatMap(({ streams }) => streams.filter(({ protocol }) => protocol === SYNC_PROTOCOL)),
    );
  await until('no stream is left open', () => open().length === 0);
  await sealer.node.group(groupId).as('node').setProfile('still here');
  await until('the member has it', () => joined.head.height === sealer.node.group(groupId).head.height);
});
