/**
 * The thread that writes.
 *
 * It takes all commits that are waiting, applies them in one synchronous transaction, and answers when that is
 * on disk: whatever came while the disk was busy shares the next flush (group commit), over all groups.
 *
 * Why a thread of our own and not lmdb-js's asynchronous writes, which have one too. Measured with 1,000 puts a
 * commit: 0.5 ms of the main thread a commit, against 1.3 ms for `batch()` and 9.7 ms for `transactionSync` on
 * the main thread; throughput is the same, since the disk sets it. And a synchronous transaction is atomic by
 * construction and throws what went wrong, whereas an asynchronous batch commits its first half when its
 * callback throws, and never settles when a transaction cannot begin.
 */
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { openEnvironment } from './environment.ts';
import { errnoOf } from './errors.ts';
import { forEachWrite } from './packed-writes.ts';
import { enter, leave } from './writer-gate.ts';
import { type FromWriter, NODE_GROUP, type ToWriter, type WriterData } from './writer-protocol.ts';

type Commit = Extract<ToWriter, { kind: 'commit' }>;

/**
 * How much one transaction takes in. More waiting commits than this wait for the next flush: it bounds the memory
 * for dirty pages and the time that one caller waits for the commits of others, and 16 MiB (four full blocks)
 * already make the flush itself cheap.
 */
const TRANSACTION_BYTES_MAX = 16 * 1024 * 1024;

interface Failure {
  readonly epoch: number;
  readonly errno: number | undefined;
  readonly detail: string;
}

/** Does `use`, which may be a transaction, unless the process is about to exit. */
function inside<T>(use: () => T): T | undefined {
  if (!enter(options.gate)) return undefined;
  try {
    return use();
  } finally {
    leave(options.gate);
  }
}

const port = parentPort!;
const options = workerData as WriterData;
/** Undefined when the process is already on its way out. */
const environment = inside(() => openEnvironment(options));
const dataFile = join(options.dir, 'data.mdb');

/** For each group, the last failure: commits of that epoch or an earlier one stand on something that is not there. */
const failures = new Map<number, Failure>();

function answer(message: FromWriter): void {
  port.postMessage(message);
}

/** Never returns anything: lmdb-js waits for a promise that the callback returns, and a put() is one. */
function apply(commits: readonly Commit[]): void {
  const { root, tableById } = environment!;
  root.transactionSync((): void => {
    for (const commit of commits) {
      forEachWrite(commit.writes, (tableId, key, value) => {
        if (value === undefined) tableById[tableId]!.removeSync(key);
        else tableById[tableId]!.putSync(key, value);
      });
    }
  });
}

/**
 * Room that a transaction may take. Each write may copy a leaf and the branches above it, but no page is copied
 * twice; what is new takes its bytes and as much again twice over, for pages that are split half full. A reserve
 * stays for the free list and for whoever else writes to this disk.
 */
const COPIED_BYTES_PER_WRITE = 3 * 4096;
const NEW_BYTES_PER_BYTE = 3;
const RESERVE_BYTES = 8 * 1024 * 1024;

class NoRoom extends Error {
  readonly code = 28; // ENOSPC
}

/**
 * Refuses what would fill the disk before LMDB tries. It would roll back too; but in lmdb-js 3.5.6 the message for
 * a failed write is printed into a buffer that is too short for it (`mdb_page_flush`), and now and then the process
 * ends by that. Nothing is lost then either, but a refusal is better than a crash.
 */
function assertRoom(commits: readonly Commit[]): void {
  const { bavail, bsize } = statfsSync(options.dir);
  const free = bavail * bsize;
  let copied = 0;
  let added = 0;
  for (const { count, writes } of commits) {
    copied += count * COPIED_BYTES_PER_WRITE;
    added += writes.byteLength * NEW_BYTES_PER_BYTE;
  }
  const needed = Math.min(copied, statSync(dataFile).size) + added + RESERVE_BYTES;
  if (free < needed) throw new NoRoom(`${free} bytes are free, up to ${needed} may be needed`);
}

function commitTogether(commits: readonly Commit[]): void {
  try {
    assertRoom(commits);
    apply(commits);
  } catch (error) {
    const errno = errnoOf(error);
    const detail = error instanceof Error ? error.message : String(error);
    for (const { group, epoch } of commits)
      if (group !== NODE_GROUP) failures.set(group, { epoch, errno, detail });
    answer({ kind: 'failed', seqs: commits.map((commit) => commit.seq), errno, detail });
    return;
  }
  answer({ kind: 'committed', first: commits[0]!.seq, last: commits.at(-1)!.seq });
}

function refusalOf(commit: Commit): Failure | undefined {
  const failure = failures.get(commit.group);
  return failure && commit.epoch <= failure.epoch ? failure : undefined;
}

/** Works off `first` and everything that is waiting behind it. */
function work(first: ToWriter): void {
  let waiting: Commit[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (waiting.length > 0) inside(() => commitTogether(waiting));
    waiting = [];
    bytes = 0;
  };
  for (let message: ToWriter | undefined = first; message; message = nextMessage()) {
    if (message.kind === 'close') {
      flush();
      void close();
      return;
    }
    let refusal = refusalOf(message);
    if (refusal || bytes >= TRANSACTION_BYTES_MAX) {
      flush();
      // The flush may have been the failure that this one stands on.
      refusal = refusalOf(message);
    }
    if (refusal) {
      answer({ kind: 'failed', seqs: [message.seq], errno: refusal.errno, detail: refusal.detail });
      continue;
    }
    waiting.push(message);
    bytes += message.writes.byteLength;
  }
  flush();
}

function nextMessage(): ToWriter | undefined {
  return receiveMessageOnPort(port)?.message as ToWriter | undefined;
}

async function close(): Promise<void> {
  await environment?.root.close();
  port.close();
}

port.on('message', work);
