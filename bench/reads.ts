/**
 * What a read costs: at the port of the store, through the API of a node, and over HTTP.
 *
 * A value is checked whenever it is read, so that damage is found where it is. What that costs shows beside a tree
 * without it: `--against DIR` lays the same data with another tree's code, and the two take turns in short rounds, each in a
 * process of its own. The figure is the median of the ratios of rounds that follow one another. Processor time of the
 * thread that reads is compared, since a machine that others use changes from second to second.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './quantile.ts';
import type { FromChild, HttpAccess, ToChild } from './reads/child.ts';
import type { Row } from './row.ts';

const ROUNDS = 9;
/** What a round takes of the processor: far more than the 4 ms that some systems count in. */
const ROUND_MICROSECONDS = 60_000;
const OWN_TREE = fileURLToPath(new URL('../', import.meta.url));

/** What is asked over HTTP. */
const PATHS: readonly string[] = [
  'group_info?group_id=GROUP',
  'get_task?group_id=GROUP&task_id=task-14',
  'get_balance?group_id=GROUP',
  'get_recent_claims?limit=5',
  'list_tasks?group_id=GROUP&limit=5',
  'list_events?group_id=GROUP&limit=20',
];

type Laid = Extract<FromChild, { kind: 'laid' }>;

/** A tree's process. */
class Reader {
  readonly #child: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly laid: Laid;
  /** Rejects when the process ends. */
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess, laid: Laid, ended: Promise<never>) {
    this.#child = child;
    this.laid = laid;
    this.#ended = ended;
  }

  static async start(root: string, dir: string, scale: number): Promise<Reader> {
    const script = fileURLToPath(new URL('./reads/child.ts', import.meta.url));
    const child = fork(script, [root, dir, `${scale}`]);
    const ended = endOf(child);
    ended.catch(() => {});
    const [laid] = (await Promise.race([once(child, 'message'), ended])) as [Laid];
    return new Reader(child, laid, ended);
  }

  get cases(): readonly string[] {
    return [...this.laid.cases, ...PATHS.map((path) => `HTTP: GET /v1/${path.slice(0, path.indexOf('?'))}`)];
  }

  /** Microseconds that `count` reads of this case took. */
  async take(what: string, from: number, count: number): Promise<number> {
    const path = PATHS[this.cases.indexOf(what) - this.laid.cases.length];
    if (path === undefined) return this.#ask({ kind: 'read', what, from, count });
    const before = await this.#ask({ kind: 'usage' });
    for (let n = 0; n < count; n++) await this.#get(path, this.laid.http);
    return (await this.#ask({ kind: 'usage' })) - before;
  }

  async #ask(message: ToChild): Promise<number> {
    this.#child.send(message);
    const [answer] = (await Promise.race([once(this.#child, 'message'), this.#ended])) as [FromChild];
    if (answer.kind !== 'took') throw new Error('an answer to nothing');
    return answer.microseconds;
  }

  #get(path: string, { port, token, group }: HttpAccess): Promise<void> {
    const headers = { authorization: `Bearer ${token}` };
    return new Promise((resolved, rejected) => {
      const sent = request({
        port,
        path: `/v1/${path.replace('GROUP', group)}`,
        agent: this.#agent,
        headers,
      });
      sent.on('error', rejected);
      sent.on('response', (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 200 ? resolved() : rejected(new Error(`${path}: ${response.statusCode}`)),
        );
      });
      sent.end();
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    const ended = once(this.#child, 'exit');
    this.#child.send({ kind: 'end' } satisfies ToChild);
    await ended;
  }
}

async function endOf(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`a process that reads ended with ${code}`);
}

/** @param against the root of a tree that is measured beside this one */
export async function measureReads(scale: number, against: string | undefined): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'lb-bench-'));
  const readers: Reader[] = [];
  try {
    const roots = against === undefined ? [OWN_TREE] : [OWN_TREE, resolve(against)];
    for (const [at, root] of roots.entries())
      readers.push(await Reader.start(root, join(dir, `${at}`), scale));
    const rows: Row[] = [];
    for (const what of readers[0]!.cases) rows.push(await measure(readers, what, scale));
    return rows;
  } finally {
    for (const reader of readers) await reader.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(readers: readonly Reader[], what: string, scale: number): Promise<Row> {
  const [own, other] = readers as [Reader, Reader?];
  const count = await countFor(own, what, scale);
  const costs: number[] = [];
  const ratios: number[] = [];
  const rounds = scale < 1 ? 1 : ROUNDS;
  // The first round of each warms it up.
  for (let round = 0; round <= rounds; round++) {
    const turns = round % 2 === 0 ? [own, other] : [other, own];
    const took = new Map<Reader, number>();
    for (const reader of turns)
      if (reader !== undefined) took.set(reader, await reader.take(what, round * count, count));
    if (round === 0) continue;
    costs.push(took.get(own)! / count);
    if (other !== undefined) ratios.push(took.get(own)! / took.get(other)!);
  }
  const row = { what, value: median(costs), unit: 'µs' };
  return other === undefined ? row : { ...row, against: { what: 'the other tree', share: median(ratios) } };
}

/** How many reads take a round. */
async function countFor(reader: Reader, what: string, scale: number): Promise<number> {
  if (scale < 1) return 50;
  for (let count = 16; ; count *= 4) {
    const took = await reader.take(what, 0, count);
    if (took > ROUND_MICROSECONDS / 8) return Math.ceil((count * ROUND_MICROSECONDS) / took);
  }
}
