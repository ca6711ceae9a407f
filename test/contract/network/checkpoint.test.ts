/** A new member of a very long group begins at a checkpoint, is of use at once, and fills in the history behind it. */
import { afterEach, expect, it } from 'vitest';
import { CHECKPOINT_PREFIX, StateHash, statementCodec } from '../../../actors/checkpoint/format.ts';
import { makeCheckpoint, peaksOf } from '../../../actors/checkpoint/make.ts';
import { historyGap } from '../../../actors/checkpoint/marker.ts';
import { type Checkpoint, CheckpointError, takeCheckpoint } from '../../../actors/checkpoint/take.ts';
import { HistoryIncompleteError, NotFoundError } from '../../../actors/errors.ts';
import { parseInviteCode } from '../../../actors/invites.ts';
import type { MomentEvent } from '../../../events/bus.ts';
import { decode, encode } from '../../../events/codec.ts';
import type { BatteryNode } from '../../../node.ts';
import { beginAtCheckpoint, join, subscribe } from '../../../protocol/membership.ts';
import { closePeers, connect, newDirectory, type Peer, peer } from '../../support/network.ts';
import { until } from '../../support/until.ts';

afterEach(closePeers);

const BLOCKS = 60;

/** A sealer with a group of many blocks, in which one claim, one task and one replaced sealer are to be found. */
async function longGroup(): Promise<{ sealer: Peer; groupId: string; claim: string; code: string }> {
  const sealer = await peer();
  const group = await sealer.node.createGroup({ name: 'long' });
  const founder = group.as('node');
  const { claim } = await founder.publishClaim({ text: 'From the beginning.' });
  const { publicKey } = await sealer.node.createIdentity('second');
  await founder.addMember(publicKey, 'admin');
  await founder.setSealers([publicKey]);
  await group.as('second').acceptSealing();
  await founder.createTask({ task: 'old', title: 'An old task' });
  for (let at = 0; at < BLOCKS; at++) await founder.setProfile(`name ${at}`);
  const { code } = await founder.createInvite({ role: 'member', expiresMs: Date.now() + 600_000 });
  return { sealer, groupId: group.groupId, claim, code };
}

const gapOf = ({ node }: { node: BatteryNode }, groupId: string) =>
  historyGap(node.networkPort.store.network, groupId);

it('it acts before the history is here, and audits it when it is', async () => {
  const { sealer, groupId, claim, code } = await longGroup();
  const newcomer = await peer({ checkpointBlocksMin: 20 });
  const progress: MomentEvent[] = [];
  newcomer.node.bus.moment$.subscribe((event) => {
    if (event.kind === 'history.progress') progress.push(event);
  });
  await join(newcomer.network, parseInviteCode(code));
  const group = newcomer.node.group(groupId);
  const sealed = sealer.node.group(groupId);
  expect(group.head.blockId).toBe(sealed.head.blockId);
  expect(group.now.task('old')?.title).toBe('An old task');
  await until('the text of the claim is here', () => group.claimContent(claim) !== undefined);
  const receipt = await group.as('node').publishClaim({ text: 'By the newcomer.' });
  await until('the sealer has it', () => sealed.head.height >= receipt.height);

  await until('the history is here', () => gapOf(newcomer, groupId) === undefined);
  expect(progress.at(-1)).toMatchObject({ groupId });
  expect((await group.audit()).status).toBe('sound');
  const kinds: string[] = [];
  for await (const { event } of group.events({ untilHead: true })) kinds.push(event.kind);
  expect(kinds[0]).toBe('group.created');
  expect(kinds).toContain('sealers.changed');
  expect(group.block(3).effects).toEqual(sealed.block(3).effects);
});

it('what needs the history says that it is on its way, and it goes on after a restart', async () => {
  const { sealer, groupId } = await longGroup();
  const data = newDirectory();
  const newcomer = await peer({ data });
  await sealer.node.group(groupId).as('node').addMember(newcomer.key, 'member');
  const { founding, checkpoint } = await checkpointOf(sealer, groupId);
  // Connected to nobody: the history stays away.
  await beginAtCheckpoint(newcomer.network, groupId, founding, checkpoint);
  const group = newcomer.node.group(groupId);
  expect(gapOf(newcomer, groupId)).toEqual({ filled: 0, height: group.head.height });
  expect(newcomer.network.status().groups).toMatchObject([{ groupId, history: { filled: 0 } }]);
  await expect(group.audit()).rejects.toBeInstanceOf(HistoryIncompleteError);
  await expect(group.replay()).rejects.toBeInstanceOf(HistoryIncompleteError);
  expect(() => group.block(group.head.height - 1)).toThrow(HistoryIncompleteError);
  await expect(group.events().next()).rejects.toBeInstanceOf(HistoryIncompleteError);
  expect(group.now.task('old')?.title).toBe('An old task');
  expect(group.recentClaims()).toEqual([]);
  expect(await newcomer.node.views.progress(groupId, { waitMs: 50 })).toMatchObject({ height: -1 });
  await newcomer.node.close();

  const restarted = await peer({ data });
  await connect(restarted, sealer);
  await until('the history is here', () => gapOf(restarted, groupId) === undefined);
  const { height } = restarted.node.group(groupId).head;
  expect(await restarted.node.views.progress(groupId)).toMatchObject({ height });
  const audit = await restarted.node.group(groupId).audit();
  expect(audit).toMatchObject({ status: 'sound' });
});

it('a member that has not all of the history gives what it has, and no more', async () => {
  const { sealer, groupId } = await longGroup();
  const early = await peer();
  const third = await peer();
  for (const { key } of [early, third]) await sealer.node.group(groupId).as('node').addMember(key, 'member');
  const { founding, checkpoint } = await checkpointOf(sealer, groupId);
  await beginAtCheckpoint(early.network, groupId, founding, checkpoint);
  await connect(third, early);
  // Not even block 0 counts as here before it was judged.
  await expect(subscribe(third.network, groupId, early.key)).rejects.toBeInstanceOf(NotFoundError);
  await connect(early, sealer);
  await until('the history is here', () => gapOf(early, groupId) === undefined);
  await subscribe(third.network, groupId, early.key);
  expect(third.node.group(groupId).head.height).toBe(sealer.node.group(groupId).head.height);
});

/** The checkpoint that a node would give, as it is taken in. */
async function checkpointOf(
  { node }: Peer,
  groupId: string,
): Promise<{ founding: Uint8Array; checkpoint: Checkpoint }> {
  const { store } = node.networkPort;
  const reader = store.group(groupId);
  const { height } = reader.head()!;
  const signer = node.networkPort
    .signers()
    .find(({ publicKey }) => publicKey === node.group(groupId).now.sealers()[0])!;
  const handOvers = [];
  for (let at = 1; at < height; at++)
    if (
      node
        .group(groupId)
        .block(at)
        .effects.some(({ effect }) => effect.kind === 'sealers.changed')
    )
      handOvers.push(reader.block(at)!);
  const entries = [];
  const spent = [];
  for await (const part of makeCheckpoint(reader, signer)) {
    if (part.kind === 'state') entries.push(...part.entries);
    else if (part.kind === 'spent') spent.push(...part.spent);
    else
      return {
        founding: reader.block(0)!,
        checkpoint: {
          handOvers,
          block: reader.block(height)!,
          peaks: peaksOf(reader, height),
          entries,
          spent,
          sealed: part.sealed,
        },
      };
  }
  throw new Error('the checkpoint has no end');
}

it('one that was tampered with, or made up, is not taken', async () => {
  const { sealer, groupId } = await longGroup();
  const { founding, checkpoint } = await checkpointOf(sealer, groupId);
  expect(takeCheckpoint(groupId, founding, checkpoint).head?.height).toBe(
    sealer.node.group(groupId).head.height,
  );
  const { entries, spent, sealed } = checkpoint;
  const richer = entries.map((entry, at) =>
    at === 0 ? { ...entry, value: Uint8Array.from([...entry.value, 0]) } : entry,
  );
  const reader = sealer.node.networkPort.store.group(groupId);
  const mallory = sealer.node.networkPort.signer;
  const forged = encode(statementCodec, { ...decode(statementCodec, sealed.statement), operations: 1 });
  const signer = sealer.node.networkPort
    .signers()
    .find(({ publicKey }) => publicKey === sealer.node.group(groupId).now.sealers()[0])!;
  const older = sealed.statement.slice();
  older[1] = 0;
  const lies: Record<string, Partial<Checkpoint>> = {
    'another state': { entries: richer },
    'fewer entries': { entries: entries.slice(1) },
    'fewer spent ids': { spent: spent.slice(1) },
    'another statement': { sealed: { ...sealed, statement: forged } },
    'version 0, signed by the sealer': {
      sealed: { statement: older, signature: signer.sign(CHECKPOINT_PREFIX, older) },
    },
    'the word of somebody else': {
      sealed: { statement: forged, signature: mallory.sign(CHECKPOINT_PREFIX, forged) },
    },
    'no hand-over': { handOvers: [] },
    'another block': { block: reader.block(3)! },
    'another history': { peaks: peaksOf(reader, 7) },
    garbage: { block: Uint8Array.of(1, 2, 3) },
  };
  for (const [what, lie] of Object.entries(lies))
    expect(() => takeCheckpoint(groupId, founding, { ...checkpoint, ...lie }), what).toThrow(CheckpointError);
});

it('a state that the sealer made up is found out by the history, named, and not gone on with', async () => {
  const { sealer, groupId } = await longGroup();
  const { founding, checkpoint } = await checkpointOf(sealer, groupId);
  const liar = sealer.node.networkPort
    .signers()
    .find(({ publicKey }) => publicKey === sealer.node.group(groupId).now.sealers()[0])!;
  const task = checkpoint.entries.findIndex(({ key }) => key.startsWith('task/'));
  const entries = checkpoint.entries.filter((_, at) => at !== task);
  const state = new StateHash();
  for (const { key, value } of entries) state.add(key, value);
  const honest = decode(statementCodec, checkpoint.sealed.statement);
  const statement = encode(statementCodec, { ...honest, stateHash: state.digest() });
  const sealed = { statement, signature: liar.sign(CHECKPOINT_PREFIX, statement) };

  const victim = await peer();
  await sealer.node.group(groupId).as('node').addMember(victim.key, 'member');
  const told: MomentEvent[] = [];
  victim.node.bus.moment$.subscribe((event) => {
    if (event.kind === 'evidence.checkpoint') told.push(event);
  });
  await beginAtCheckpoint(victim.network, groupId, founding, { ...checkpoint, entries, sealed });
  await victim.network.subscriptions.addSource(groupId, sealer.key);
  await connect(victim, sealer);
  await until('the lie is found', () => told.length === 1);
  expect(told).toMatchObject([{ groupId, height: honest.height, sealer: liar.publicKey, what: 'the state' }]);
  expect(victim.network.status().groups[0]!.status).toBe('paused');
  expect(gapOf(victim, groupId)).toBeDefined();
});
