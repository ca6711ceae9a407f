/** Work of members that do not seal: written offline, sent later, carried by others, refused with a reason. */
import { afterEach, describe, expect, it } from 'vitest';
import { NetworkService } from '../../../protocol/network-service.ts';
import type { RequestOf, Verdict } from '../../../protocol/rpc/methods.ts';
import { closePeers, connect, joinGroup, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

describe('a member that does not seal', () => {
  it('writes offline, sees what waits, and has it sealed after reconnecting, across a restart', async () => {
    const sealer = await peer();
    const member = await peer({ receiptWaitMs: 1 });
    const { groupId } = await sealer.node.createGroup({ name: 'offline' });
    await joinGroup(sealer, member, groupId);
    const { port } = member.network;
    sealer.network.host.hangUp(member.key);
    await until('the connection is gone', () => !member.network.host.isConnected(sealer.key));
    await member.network.stop();

    const agent = member.node.group(groupId).as('node');
    await expect(agent.publishClaim({ text: 'first, offline' })).rejects.toMatchObject({ code: 'pending' });
    await expect(agent.createTask({ task: 't', title: 'second' })).rejects.toMatchObject({ code: 'pending' });
    await expect(agent.takeTask('t')).rejects.toMatchObject({ code: 'pending' });
    expect(port.outbox.pending(groupId)).toHaveLength(3);
    await member.node.close();

    const again = await peer({ data: member.data });
    expect(again.node.outbox.pending(groupId)).toHaveLength(3);
    await connect(again, sealer);
    const group = sealer.node.group(groupId);
    await until('all is sealed', () => group.now.task('t')?.status === 'assigned');
    await until('nothing waits', () => again.node.outbox.pending(groupId).length === 0);
    expect(again.node.group(groupId).head.blockId).toBe(group.head.blockId);
    expect(group.recentClaims()[0]?.content?.text).toBe('first, offline');
  });

  it('hears the reason of a refusal, which is kept', async () => {
    const sealer = await peer();
    const member = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'refusal' });
    const group = await joinGroup(sealer, member, groupId);
    const outcome = await group.as('node').submit([{ type: 'mint', to: member.key, amount: 5n }]);
    expect(outcome).toMatchObject({
      status: 'refused',
      refusal: { code: 'role_insufficient', actual: 'member' },
    });
    expect(member.node.outbox.refused(groupId)).toMatchObject([{ refusal: { code: 'role_insufficient' } }]);
    expect(member.node.outbox.pending(groupId)).toEqual([]);
  });

  it('reaches a sealer whom it is not connected to through a third member, refusals included', async () => {
    const sealer = await peer();
    const relay = await peer();
    const member = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'relay' });
    await joinGroup(sealer, relay, groupId);
    await sealer.node.group(groupId).as('node').addMember(member.key, 'member');
    await until(
      'the relay knows the member',
      () => relay.node.group(groupId).now.roleOf(member.key) !== undefined,
    );
    // They may hear of each other from the relay, and neither calls.
    const { subscribe } = await import('../../../protocol/membership.ts');
    for (const { network } of [member, sealer]) network.dialer.keep = () => {};
    await connect(member, relay);
    await subscribe(member.network, groupId, relay.key);
    expect(member.network.host.isConnected(sealer.key)).toBe(false);
    const agent = member.node.group(groupId).as('node');
    const { height, claim } = await agent.publishClaim({ text: 'by a third' });
    expect(sealer.node.group(groupId).now.claim(claim)).toBeDefined();
    expect(member.node.group(groupId).head.height).toBeGreaterThanOrEqual(height);
    await expect(agent.mint(member.key, 1n)).rejects.toMatchObject({
      refusal: { code: 'role_insufficient' },
    });
    expect(member.network.host.isConnected(sealer.key)).toBe(false);
  });

  it('does nothing twice, however often it is sent', async () => {
    const sealer = await peer();
    const member = await peer();
    const { groupId } = await sealer.node.createGroup({ name: 'twice' });
    const group = await joinGroup(sealer, member, groupId);
    await group.as('node').publishClaim({ text: 'once' });
    const sealed = sealer.node.group(groupId).block(sealer.node.group(groupId).head.height);
    const submissions = [{ transaction: sealed.block.transactions[0]!, artifacts: [] }];
    const before = sealer.node.group(groupId).head.height;
    for (let at = 0; at < 3; at++) {
      const { verdicts } = await member.network.client.call(sealer.key, 'tx_submit', {
        groupId,
        isRelayed: false,
        submissions: [...submissions, ...submissions],
      });
      expect(verdicts.map(({ status }) => status)).toEqual(['sealed', 'sealed']);
    }
    expect(sealer.node.group(groupId).head.height).toBe(before);
  });

  it('signs anew what outlived its window, and does it once', async () => {
    let aheadMs = 0;
    const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
    const sealer = await peer({ open: { clock } });
    const member = await peer({ open: { clock } });
    const { groupId } = await sealer.node.createGroup({ name: 'old' });
    await joinGroup(sealer, member, groupId);
    await member.network.stop();
    const agent = member.node.group(groupId).as('node');
    await expect(agent.publishClaim({ text: 'a day late' })).rejects.toMatchObject({ code: 'pending' });
    const [first] = member.node.outbox.pending(groupId);
    aheadMs = 25 * 3_600_000;
    const second = await member.node.outbox.signAnew(first!);
    // Its window closes in a few minutes.
    aheadMs = 48.9 * 3_600_000;
    const network = await NetworkService.start(member.node.networkPort, { mdns: false });
    await network.host.dial(sealer.key, sealer.network.host.addresses());
    await until('it is sealed', () => sealer.node.group(groupId).recentClaims().length === 1, 40_000);
    await until('nothing waits', () => member.node.outbox.pending(groupId).length === 0);
    const { transactions } = sealer.node.group(groupId).block(sealer.node.group(groupId).head.height);
    expect(transactions[0]!.replaces).toBe(first!.txId);
    expect(transactions[0]!.bytes).not.toEqual(second!.transaction);
    // Whoever kept an earlier one for later has nothing that could be done again.
    const chain = sealer.node.networkPort.chain(groupId);
    const kept = await chain.submitSigned(second!.transaction, second!.artifacts);
    expect(kept).toMatchObject({ status: 'refused', refusal: { code: 'transaction_replaced' } });
    await network.stop();
  });
});

describe('three members', () => {
  it('are the same again after the sealer was cut off while both others wrote', async () => {
    const sealer = await peer({ syncIntervalMs: 2_000 });
    const bob = await peer({ receiptWaitMs: 1, syncIntervalMs: 2_000 });
    const carol = await peer({ receiptWaitMs: 1, syncIntervalMs: 2_000 });
    const { groupId } = await sealer.node.createGroup({ name: 'three' });
    for (const member of [bob, carol]) await joinGroup(sealer, member, groupId);
    await connect(bob, carol);
    for (const member of [bob, carol]) sealer.network.defence.punish(member.key, 'cut off by the test');
    for (const member of [bob, carol]) sealer.network.host.hangUp(member.key);
    await until('the sealer is alone', () => sealer.network.status().peers.length === 0);

    const texts: string[] = [];
    for (const [name, member] of Object.entries({ bob, carol }))
      for (let at = 0; at < 5; at++) {
        const text = `${name} writes ${at} while the sealer is away`;
        texts.push(text);
        await member.node
          .group(groupId)
          .as('node')
          .publishClaim({ text })
          .catch((error: { code?: string }) => {
            if (error.code !== 'pending') throw error;
          });
      }
    const mine = await sealer.node.group(groupId).as('node').publishClaim({ text: 'the sealer writes too' });
    expect(mine.height).toBeGreaterThan(0);
    for (const member of [bob, carol]) sealer.network.defence.forgive(member.key);

    const groups = [sealer, bob, carol].map(({ node }) => node.group(groupId));
    const head = (): string => groups[0]!.head.blockId;
    await until('all is sealed', () => groups[0]!.recentClaims({ limit: 100 }).length === 11, 30_000);
    await until('all heads are equal', () => groups.every((group) => group.head.blockId === head()), 30_000);
    await until('all texts are everywhere', () =>
      groups.every((group) =>
        group.recentClaims({ limit: 100 }).every(({ content }) => content !== undefined),
      ),
    );
    for (const group of groups) {
      const found = group.recentClaims({ limit: 100 }).map(({ content }) => content!.text);
      expect(found.toSorted()).toEqual([...texts, 'the sealer writes too'].toSorted());
    }
  });
});

describe('a relay that spoils what it carries', () => {
  type Submit = RequestOf<'tx_submit'>;
  type Carry = (request: Submit, call: (request: Submit) => Promise<Verdict[]>) => Promise<Verdict[]>;
  const UNROUTED: Verdict = { status: 'unrouted', ruling: undefined, signature: undefined };

  /** A member whose only way to the sealer is a relay, which hands on what it gets as `carry` says. */
  async function behindRelay(carry: Carry) {
    const sealer = await peer();
    const relay = await peer();
    const member = await peer({ receiptWaitMs: 1 });
    const { groupId } = await sealer.node.createGroup({ name: 'spoilt' });
    await joinGroup(sealer, relay, groupId);
    await sealer.node.group(groupId).as('node').addMember(member.key, 'member');
    await until(
      'the relay knows the member',
      () => relay.node.group(groupId).now.roleOf(member.key) !== undefined,
    );
    const { subscribe } = await import('../../../protocol/membership.ts');
    for (const { network } of [member, sealer]) network.dialer.keep = () => {};
    await connect(member, relay);
    await subscribe(member.network, groupId, relay.key);
    const { client } = relay.network;
    type Call = (to: string, method: string, request: unknown) => Promise<{ verdicts: readonly Verdict[] }>;
    const call = client.call.bind(client) as unknown as Call;
    const carried: Call = async (to, method, request) => {
      if (method !== 'tx_submit') return call(to, method, request);
      const pass = async (one: Submit) => [...(await call(to, method, one)).verdicts];
      return { verdicts: await carry(request as Submit, pass) };
    };
    client.call = carried as unknown as typeof client.call;
    return { sealer, member, groupId, agent: member.node.group(groupId).as('node') };
  }

  it('gets a signed refusal, and the work waits for an honest way all the same', async () => {
    let rulings = 0;
    const { sealer, member, groupId, agent } = await behindRelay(async (request, pass) => {
      const submissions = request.submissions.map((one) => ({ ...one, artifacts: [] }));
      const verdicts = await pass({ ...request, submissions });
      rulings += verdicts.filter(({ status }) => status === 'refused').length;
      return verdicts;
    });
    await expect(agent.publishClaim({ text: 'whole' })).rejects.toMatchObject({ code: 'pending' });
    await until('the sealer has refused what came', () => rulings > 0);
    await member.network.flush(groupId);
    expect(member.node.outbox.refused(groupId)).toEqual([]);
    expect(member.node.outbox.pending(groupId)).toHaveLength(1);
    expect(sealer.node.group(groupId).recentClaims()).toEqual([]);
  });

  it('cannot have the second piece of work refused by holding back the first', async () => {
    let isOpen = false;
    let rulings = 0;
    const { member, groupId, agent } = await behindRelay(async (request, pass) => {
      if (!isOpen || request.submissions.length < 2) return request.submissions.map(() => UNROUTED);
      const [ruled] = await pass({ ...request, submissions: request.submissions.slice(1) });
      rulings += Number(ruled!.status === 'refused');
      return [{ ...UNROUTED, status: 'sealed' }, ruled!];
    });
    await expect(agent.createTask({ task: 't', title: 'first' })).rejects.toMatchObject({ code: 'pending' });
    await expect(agent.takeTask('t')).rejects.toMatchObject({ code: 'pending' });
    isOpen = true;
    await member.network.flush(groupId);
    await until('the sealer has refused the second alone', () => rulings > 0);
    await member.network.flush(groupId);
    expect(member.node.outbox.refused(groupId)).toEqual([]);
    expect(member.node.outbox.pending(groupId)).toHaveLength(2);
  });
});
