/** Packages of up to 100 MiB: encrypted, stored, hashed and opened as streams, in a few megabytes of memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { sha256Stream } from '../../../crypto/hash.ts';
import { PACKAGE_CONTENT_BYTES_MAX } from '../../../crypto/package.ts';
import { toHex } from '../../../events/bytes.ts';
import { BatteryNode } from '../../../node.ts';

const MIB = 1024 * 1024;

async function openNode() {
  const folder = mkdtempSync(join(tmpdir(), 'lb-packages-'));
  const data = join(folder, 'node');
  const node = await BatteryNode.openOrInit({ data, threads: 1, durability: 'commit' });
  onTestFinished(async () => {
    await node.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const group = await node.createGroup({ name: 'packages' });
  const { publicKey } = await node.createIdentity('bob');
  await group.as('node').mint(publicKey, 100n);
  return { node, group };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use: what was dropped and not yet collected says nothing about bounds. */
function liveBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Bytes that no two places share, made as they are asked for. */
async function* pattern(bytes: number): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(MIB);
  for (let at = 0; at < bytes; at += MIB) {
    for (let word = 0; word < MIB; word += 4) piece.writeUInt32LE((at + word) >>> 2, word);
    yield Uint8Array.from(piece.subarray(0, Math.min(MIB, bytes - at)));
  }
}

it('the largest package is sold and read again, and memory stays bounded', async () => {
  const { node, group } = await openNode();
  const content = pattern(PACKAGE_CONTENT_BYTES_MAX);
  const startBytes = liveBytes();
  let peakBytes = 0;
  let lastBytes = startBytes;
  const sample = setInterval(() => {
    // Buffers are given back by another thread, a moment after the collection: what two samples see was in use.
    const bytes = liveBytes();
    peakBytes = Math.max(peakBytes, Math.min(bytes, lastBytes));
    lastBytes = bytes;
  }, 50);
  onTestFinished(() => clearInterval(sample));
  const { offer } = await group.as('node').createOffer({ title: 'large', content, price: 10n });
  const buyer = node.networkPort.signers().at(-1)!;
  const placed = await node.market.orders.buy({ groupId: group.groupId, offer, buyer });
  const order = await node.market.orders.until(placed.order, () => false);
  expect(order.state).toBe('settled');
  const delivery = await node.market.orders.open(order.order);
  if (delivery.status === 'bad') throw new Error(delivery.because);
  expect(delivery.bytes).toBe(PACKAGE_CONTENT_BYTES_MAX);
  const [got, wanted] = [sha256Stream(), sha256Stream()];
  for await (const piece of delivery.content()) got.update(piece);
  for await (const piece of pattern(PACKAGE_CONTENT_BYTES_MAX)) wanted.update(piece);
  expect(toHex(got.digest())).toBe(toHex(wanted.digest()));
  console.log(`peak above the start: ${((peakBytes - startBytes) / MIB).toFixed(1)} MiB`);
  expect(peakBytes).toBeGreaterThan(0);
  expect(peakBytes - startBytes).toBeLessThan(0.9 * PACKAGE_CONTENT_BYTES_MAX);
}, 120_000);

it('one byte more is refused, and nothing of it is left', async () => {
  const { node, group } = await openNode();
  const content = pattern(PACKAGE_CONTENT_BYTES_MAX + 1);
  const offering = group.as('node').createOffer({ title: 'too large', content, price: 10n });
  await expect(offering).rejects.toMatchObject({ code: 'package_too_large' });
  expect(group.now.offers()).toEqual([]);
  expect([...node.networkPort.store.wallet.list()]).toEqual([]);
}, 60_000);

it('a source that fails leaves nothing', async () => {
  const { node, group } = await openNode();
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* pattern(3 * MIB);
    throw Object.assign(new Error('the file went away'), { code: 'EIO' });
  }
  const offering = group.as('node').createOffer({ title: 'broken', content: failing(), price: 10n });
  await expect(offering).rejects.toMatchObject({ code: 'EIO' });
  expect(group.now.offers()).toEqual([]);
  expect([...node.networkPort.store.wallet.list()]).toEqual([]);
});
