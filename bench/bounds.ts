/**
 * The raw bounds: what the libraries under the node do on this machine in this run, with nothing around them.
 * Every result is read as a ratio to one of these, because machines differ and are noisy.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { open } from 'lmdb';
import sodium from 'sodium-native';

/** Runs `work` for about `ms` and returns calls per second. */
export function rateOf(ms: number, work: () => void): number {
  for (let warm = 0; warm < 200; warm++) work();
  let calls = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < ms) {
    for (let batch = 0; batch < 100; batch++) work();
    calls += 100;
    elapsed = performance.now() - start;
  }
  return (calls / elapsed) * 1000;
}

function keyPair(): { publicKey: Buffer; secretKey: Buffer } {
  const publicKey = Buffer.alloc(32);
  const secretKey = Buffer.alloc(64);
  sodium.crypto_sign_keypair(publicKey, secretKey);
  return { publicKey, secretKey };
}

export function rawSign(ms: number): number {
  const { secretKey } = keyPair();
  const message = randomBytes(200);
  const signature = Buffer.alloc(64);
  return rateOf(ms, () => sodium.crypto_sign_detached(signature, message, secretKey));
}

/**
 * Verification alone, over signatures that all differ. The same one over and over is some 4 % faster, since the
 * processor learns its branches by heart; no chain gives it that chance.
 */
const VERIFY_SOURCE = `
  const { workerData, parentPort } = require('node:worker_threads');
  const sodium = require(workerData.sodium);
  const jobs = Array.from({ length: 4096 }, (_, at) => {
    const pk = Buffer.alloc(32), sk = Buffer.alloc(64), sig = Buffer.alloc(64), m = Buffer.alloc(200, at & 255);
    sodium.crypto_sign_keypair(pk, sk);
    sodium.crypto_sign_detached(sig, m, sk);
    return { pk, sig, m };
  });
  parentPort.on('message', () => {
    const start = performance.now();
    let n = 0;
    while (performance.now() - start < workerData.ms)
      for (const end = n + 64; n < end; n++) {
        const { pk, sig, m } = jobs[n & 4095];
        if (!sodium.crypto_sign_verify_detached(sig, m, pk)) throw new Error('a good signature was refused');
      }
    parentPort.postMessage(n / (performance.now() - start) * 1000);
  });
  parentPort.postMessage('ready');`;

/** libsodium's verification alone, in a loop on `threads` threads at once: the ceiling of any validation. */
export async function rawVerifyThreads(ms: number, threads: number): Promise<number> {
  const workerData = { ms, sodium: fileURLToPath(import.meta.resolve('sodium-native')) };
  const workers = Array.from(
    { length: threads },
    () => new Worker(VERIFY_SOURCE, { eval: true, workerData }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const rates = workers.map(async (worker) => {
    const [rate] = (await once(worker, 'message')) as [number];
    return rate;
  });
  for (const worker of workers) worker.postMessage('go');
  const total = (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return total;
}

/** LMDB's puts a second in batches of `size`, each batch flushed to disk before the next. */
export function rawFlushedPuts(ms: number, size: number): number {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const database = open<Buffer, Buffer>({
    path: join(dir, 'raw'),
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  const value = Buffer.alloc(100, 7);
  let puts = 0;
  const start = performance.now();
  while (performance.now() - start < ms) {
    // Returns nothing: a returned promise would leave the transaction open and commit nothing.
    database.transactionSync(() => {
      for (let at = 0; at < size; at++) database.put(Buffer.from(`key ${puts + at}`), value);
    });
    puts += size;
  }
  const rate = (puts / (performance.now() - start)) * 1000;
  void database.close();
  rmSync(dir, { recursive: true, force: true });
  return rate;
}
