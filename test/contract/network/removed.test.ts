/** Members who are removed learn it, from whoever is there; what waits is theirs again; and silence is said to be silence. */
import { afterEach, describe, expect, it } from 'vitest';
import { checkNetwork } from '../../../interfaces/cli/health/network.ts';
import { syncFailure } from '../../../interfaces/cli/sync-failure.ts';
import { describeSync, syncStateOf } from '../../../interfaces/cli/sync-state.ts';
import { health } from '../../../interfaces/observability/health.ts';
import { NetworkService } from '../../../protocol/network-service.ts';
import { closePeers, connect, joinGroup, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(() => closePeers());

const standingAt = ({ network }: Peer, groupId: string) =>
  network.status().groups.find((group) => group.groupId === groupId)!;
const lagAt = ({ network }: Peer, groupId: string) => new Map(network.gauges().syncLag()).get(groupId)!;

async function lineOf({ node }: Peer, groupId: string): Promise<string | undefined> {
  const { height } = node.group(groupId).head;
  return describeSync({ ...(await syncStateOf(node, groupId, height)), height });
}

async function checksOf({ node }: Peer): Promise<string[]> {
  const groups = node.groups().map((group) => {
    const { groupId, name, status, head } = group.info();
    return { groupId, name, status, height: head.height, tsMs: head.tsMs };
  });
  const findings = await checkNetwork(node, groups);
  return findings.filter(({ severity }) => severity !== 'ok').map(({ check }) => check);
}

describe('who is removed', () => {
  it('is told by the block, sees nothing after it, and hears it everywhere', async () => {
    const sealer = await peer();
    const removed = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'removed' });
    const joined = await joinGroup(sealer, removed, groupId, 'admin');
    const group = sealer.node.group(groupId);
    const { height, tsMs } = await group.as('node').removeMember(removed.key);
    await group.as('node').publishClaim({ text: 'not for former members' });
    await until('it is told', () => joined.now.roleOf(removed.key) === undefined);
    await removed.network.groups.pullNow(groupId, 5_000);
    expect(joined.head.height).toBe(height);
    const removal = { member: removed.key, height, tsMs, by: sealer.key };
    expect(joined.removalOf(removed.key)).toEqual(removal);
    expect(standingAt(removed, groupId)).toMatchObject({ removal, isCutOff: true });
    expect(lagAt(removed, groupId)).toBeGreaterThan(0);
    expect(await lineOf(removed, groupId)).toMatch(/^you were removed at .*, in block 2, by /);
    expect(await checksOf(removed)).toEqual(['membership']);
    expect(
      (await health(removed.node, removed.data)).checks.find(({ name }) => name === 'network'),
    ).toMatchObject({
      status: 'degraded',
      detail: expect.stringContaining('removed from: 1 ('),
    });
    await expect(joined.as('node').setProfile('still here')).rejects.toMatchObject({
      code: 'refused',
      refusal: { code: 'role_insufficient', actual: 'none' },
      removal,
    });
    expect(syncFailure(standingAt(removed, groupId), true)).toMatchObject({ code: 'removed' });
    expect(sealer.network.defence.isBanned(removed.key)).toBe(false);
    expect([...sealer.network.gauges().suspected()]).toEqual([]);
  });

  it('while away gets the blocks up to it from a member who does not seal, and the outbox back as refused', async () => {
    const sealer = await peer();
    const other = await peer();
    const removed = await peer({ receiptWaitMs: 1 });
    const { groupId } = await sealer.node.createGroup({ name: 'away' });
    const joined = await joinGroup(sealer, removed, groupId);
    await joinGroup(sealer, other, groupId);
    // Blocks come from members that one knows of.
    await until('the other is known', () => joined.now.roleOf(other.key) === 'member');
    await removed.network.stop();
    await expect(joined.as('node').publishClaim({ text: 'written offline' })).rejects.toMatchObject({
      code: 'pending',
    });
    const group = sealer.node.group(groupId);
    await group.as('node').publishClaim({ text: 'they were a member for this' });
    const { height } = await group.as('node').removeMember(removed.key);
    await until('the other has it', () => other.node.group(groupId).head.height >= height);
    await sealer.node.close();

    const again = await NetworkService.start(removed.node.networkPort, { mdns: false });
    await again.host.dial(other.key, other.network.host.addresses());
    await until('it is told', () => joined.now.roleOf(removed.key) === undefined);
    expect(joined.head.height).toBe(height);
    await until('nothing waits', () => removed.node.outbox.pending(groupId).length === 0);
    expect(removed.node.outbox.refused(groupId)).toMatchObject([
      { refusal: { code: 'role_insufficient', needed: 'member', actual: 'none' } },
    ]);
    await again.stop();
  });

  it('hears the refusal by the signed word of the sealer, before any block comes', async () => {
    const sealer = await peer();
    const removed = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'word' });
    const joined = await joinGroup(sealer, removed, groupId);
    // The blocks do not come; the work goes out.
    removed.network.groups.known(groupId)!.pause();
    await sealer.node.group(groupId).as('node').removeMember(removed.key);
    expect(joined.now.roleOf(removed.key)).toBe('member');
    const outcome = await joined.as('node').submit([{ type: 'profile_set', name: 'too late' }]);
    expect(outcome).toMatchObject({
      status: 'refused',
      refusal: { code: 'role_insufficient', actual: 'none' },
    });
  });

  it('follows again by itself when added again', async () => {
    const sealer = await peer();
    const removed = await peer({ syncIntervalMs: 1_000 });
    const { groupId } = await sealer.node.createGroup({ name: 'back' });
    const joined = await joinGroup(sealer, removed, groupId);
    const group = sealer.node.group(groupId);
    await group.as('node').removeMember(removed.key);
    await until('it is told', () => joined.now.roleOf(removed.key) === undefined);
    await group.as('node').addMember(removed.key, 'viewer');
    await until('they are back', () => joined.now.roleOf(removed.key) === 'viewer', 15_000);
    expect(standingAt(removed, groupId).removal).toBeUndefined();
  });

  it('is served nothing that a stranger is not, where the removal is of somebody else', async () => {
    const sealer = await peer();
    const stranger = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'strangers' });
    await connect(stranger, sealer);
    await expect(
      stranger.network.client.call(sealer.key, 'group_head', { groupId, height: undefined }),
    ).rejects.toMatchObject({ reason: 'not_found' });
    expect(await sealer.network.access.lastHeightFor(groupId, stranger.key)).toBeUndefined();
  });
});

describe('a sealer', () => {
  it('gives signs of life through others, with how far the group is', async () => {
    const sealer = await peer({ beatIntervalMs: 3_600_000 });
    const relay = await peer();
    const member = await peer({ syncIntervalMs: 3_600_000 });
    const { groupId } = await sealer.node.createGroup({ name: 'signs' });
    await joinGroup(sealer, relay, groupId);
    await sealer.node.group(groupId).as('node').addMember(member.key, 'member');
    await until('the relay knows', () => relay.node.group(groupId).now.roleOf(member.key) !== undefined);
    for (const { network } of [member, sealer]) network.dialer.keep = () => {};
    const { subscribe } = await import('../../../protocol/membership.ts');
    await connect(member, relay);
    await subscribe(member.network, groupId, relay.key);
    const before = member.node.group(groupId).info().sealerHeardMs!;
    const mesh = () => relay.network.host.node.services.pubsub.getPeers().length === 2;
    await until('they gossip', mesh);
    await until('it is heard', () => {
      sealer.network.beatNow();
      return member.node.group(groupId).info().sealerHeardMs! > before;
    });
    expect(member.network.host.isConnected(sealer.key)).toBe(false);
    expect(standingAt(member, groupId)).toMatchObject({ isSealerSilent: false, isCutOff: false });
    expect(lagAt(member, groupId)).toBe(0);
  });

  it('that is silent is said to be, and what waits names it', async () => {
    let aheadMs = 0;
    const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
    const sealer = await peer({ open: { clock } });
    const other = await peer({ open: { clock } });
    const member = await peer({ receiptWaitMs: 1, open: { clock } });
    const { groupId } = await sealer.node.createGroup({ name: 'silent' });
    await joinGroup(sealer, other, groupId);
    const joined = await joinGroup(sealer, member, groupId);
    await connect(member, other);
    await sealer.node.close();
    await until('it is gone', () => !member.network.host.isConnected(sealer.key));
    expect(standingAt(member, groupId).isSealerSilent).toBe(false);
    aheadMs = 6 * 60_000;
    expect(standingAt(member, groupId)).toMatchObject({ isSealerSilent: true, isCutOff: true });
    expect(lagAt(member, groupId)).toBeGreaterThan(0);
    expect(await lineOf(member, groupId)).toContain('its sealer is silent: last heard ');
    expect(await checksOf(member)).toContain('sealer');
    const { detail } = (await health(member.node, member.data)).checks.find(
      ({ name }) => name === 'network',
    )!;
    expect(detail).toContain('silent');
    const silences = new Map(member.network.gauges().sealerSilence!());
    expect(silences.get(groupId)).toBeGreaterThan(300_000);
    await expect(joined.as('node').setProfile('waiting')).rejects.toThrow(
      /^the sealer was not reached: only other members are connected \(last heard \d{4}-/,
    );
    expect(syncFailure(standingAt(member, groupId), true)).toMatchObject({ code: 'pending' });
    // What was heard is kept.
    await member.node.close();
    const again = await peer({ data: member.data, open: { clock } });
    expect(again.node.group(groupId).info().sealerHeardMs).toBeLessThan(clock.nowMs() - 300_000);
    expect(lagAt(again, groupId)).toBeGreaterThan(0);
    expect(await lineOf(again, groupId)).toContain('its sealer is silent');
  });

  it('that seals here has no lag, and is not silent', async () => {
    const sealer = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'own' });
    expect(standingAt(sealer, groupId)).toMatchObject({ isCutOff: false, isSealerSilent: false });
    expect(standingAt(sealer, groupId).sealerHeardMs).toBeUndefined();
    expect(lagAt(sealer, groupId)).toBe(0);
    expect([...sealer.network.gauges().sealerSilence!()]).toEqual([]);
  });

  it('that is connected and does not answer is not called unreached', async () => {
    const sealer = await peer();
    const member = await peer({ receiptWaitMs: 50 });
    const { groupId } = await sealer.node.createGroup({ name: 'slow' });
    const joined = await joinGroup(sealer, member, groupId);
    sealer.node.networkPort.holdSealing(groupId);
    await expect(joined.as('node').setProfile('waiting')).rejects.toThrow(
      /^the sealer is connected and has not answered in time \(last heard /,
    );
  });
});
