/** What a node keeps for itself: damage is found where it is read, and by the audit before anybody needs it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { utf8 } from '../../../events/bytes.ts';
import { BatteryNode } from '../../../node.ts';
import { openDirectory } from '../../../storage/directory.ts';
import { NODE_TABLES } from '../../../storage/schema.ts';
import { newDirectory } from '../../support/network.ts';

/** Turns a bit in every copy of these bytes that is in the database. */
function spoil(data: string, mark: string): void {
  const path = `${openDirectory(data).chain}/data.mdb`;
  const bytes = readFileSync(path);
  let count = 0;
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    bytes[at + 3]! ^= 1;
    count++;
  }
  expect(count).toBeGreaterThan(0);
  writeFileSync(path, bytes);
}

async function opened(data: string): Promise<BatteryNode> {
  const node = await BatteryNode.openOrInit({
    data,
    threads: 1,
    durability: 'commit',
    embedder: { kind: 'none' },
  });
  onTestFinished(() => node.close());
  return node;
}

test.each(['wallet', 'market', 'agents'] as const)('a damaged entry of %s', async (table) => {
  const data = newDirectory();
  const before = await opened(data);
  const group = await before.createGroup({ name: 'own' });
  const key = utf8('package/ours/one');
  await before.networkPort.store[table].put(key, utf8(`a secret of ${table} on disk`));
  await before.networkPort.store[table].put(utf8('package/ours/two'), utf8('another'));
  expect((await group.audit()).status).toBe('sound');
  await before.close();
  spoil(data, `a secret of ${table} on disk`);

  const node = await opened(data);
  const { store } = node.networkPort;
  expect(() => store[table].get(key)).toThrow(
    expect.objectContaining({ code: 'corrupt', message: expect.stringContaining('lb restore') }),
  );
  expect(store[table].get(utf8('package/ours/two'))).toEqual(utf8('another'));
  expect(await node.group(group.groupId).audit()).toMatchObject({
    status: 'broken',
    finding: { check: 'entries', entries: [{ table, key: 'package/ours/one' }] },
  });
});

test('what the network keeps is asked for by the audit itself, which says the way back', async () => {
  const data = newDirectory();
  const before = await opened(data);
  const group = await before.createGroup({ name: 'own' });
  await before.networkPort.store.network.put(utf8('a/one'), utf8('what a peer said'));
  await before.close();
  spoil(data, 'what a peer said');
  const node = await opened(data);
  const failure = { code: 'corrupt', message: expect.stringContaining('lb restore') };
  await expect(node.group(group.groupId).audit()).rejects.toMatchObject(failure);
});

test('a lost entry of the wallet', async () => {
  const data = newDirectory();
  const before = await opened(data);
  const group = await before.createGroup({ name: 'own' });
  await before.networkPort.store.wallet.put(utf8('package/ours/one'), utf8('a secret'));
  await before.close();
  // The key is another one now, so what is asked for is not there.
  spoil(data, 'package/ours/one');
  const node = await opened(data);
  expect(() => node.networkPort.store.wallet.get(utf8('package/ours/one'))).toThrow(
    expect.objectContaining({ code: 'corrupt' }),
  );
  const audit = await node.group(group.groupId).audit();
  expect(audit).toMatchObject({
    status: 'broken',
    finding: { check: 'entries', entries: [{ table: 'wallet' }] },
  });
});

test('every table of the node itself is looked through', () => {
  expect([...NODE_TABLES].sort()).toEqual(['agents', 'market', 'network', 'outbox', 'wallet']);
});
