/**
 * A database that something other than this program wrote to: single bits, pages of zeros, pages in each other's
 * place, an end that is missing. Whatever a node then says is what was written, or that it is damaged; a group that is
 * known to be damaged seals nothing, and the others go on.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { type Reading, readNode } from './damage-reading.ts';

const DAMAGES = Number(process.env.LB_DAMAGES ?? 60);
const SEED = Number(process.env.LB_SEED ?? Math.floor(Math.random() * 2 ** 31));
process.stderr.write(`damage: LB_SEED=${SEED}\n`);

const base = mkdtempSync(join(tmpdir(), 'lb-damage-'));
const whole = join(base, 'whole');
const ids: string[] = [];
let expected: Record<string, Reading>;
afterAll(() => rmSync(base, { recursive: true, force: true }));

beforeAll(async () => {
  const node = await BatteryNode.openOrInit({ data: whole, durability: 'commit', threads: 1 });
  for (const name of ['first', 'second']) {
    const group = await node.createGroup({ name, policy: { claim_reward_amount: 3n } });
    ids.push(group.groupId);
    const agent = group.as('node');
    for (let round = 0; round < 12; round++)
      await Promise.all(
        Array.from({ length: 10 }, async (_, at) => {
          const n = round * 10 + at;
          const length = n % 9 === 0 ? 6_000 : 20 + ((n * 37) % 400);
          await agent.publishClaim({
            text: `${name} ${n} ${'lorem '.repeat(length / 6)}`,
            tags: [`tag-${n % 5}`],
          });
          if (n % 2 === 0) await agent.createTask({ task: `task-${n}`, title: `Task ${n}`, reward: 2n });
        }),
      );
    for (const { task } of group.now.tasks().slice(0, 20)) await agent.takeTask(task);
  }
  expected = await readNode(node, ids);
  await node.close();
}, 120_000);

/** A small generator of its own, so that a seed gives the same damage on every machine. */
function drawer(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}

/** Damages the file; says how. */
function damage(file: string, seed: number): string {
  const draw = drawer(seed);
  const bytes = readFileSync(file);
  const pageBytes = bytes.readUInt32LE(48);
  const pages = Math.floor(bytes.length / pageBytes);
  const page = draw(pages);
  const at = page * pageBytes;
  const kind = draw(6);
  if (kind === 0) {
    const length = draw(bytes.length);
    truncateSync(file, length);
    return `cut to ${length} of ${bytes.length}`;
  }
  let what: string;
  if (kind === 1) {
    bytes.fill(0, at, at + pageBytes);
    what = `page ${page} zeroed`;
  } else if (kind === 2) {
    const other = draw(pages);
    const kept = Buffer.from(bytes.subarray(at, at + pageBytes));
    bytes.copy(bytes, at, other * pageBytes, (other + 1) * pageBytes);
    kept.copy(bytes, other * pageBytes);
    what = `pages ${page} and ${other} swapped`;
  } else if (kind === 3) {
    const from = at + draw(pageBytes - 512);
    for (let i = 0; i < 512; i++) bytes[from + i] = draw(256);
    what = `512 bytes of page ${page} overwritten`;
  } else {
    const flips = kind === 4 ? 1 : 1 + draw(20);
    for (let i = 0; i < flips; i++) bytes[draw(bytes.length)]! ^= 1 << draw(8);
    what = `${flips} bits turned`;
  }
  writeFileSync(file, bytes);
  return what;
}

interface Outcome {
  readonly data: string;
  readonly refused?: string;
  readonly readings?: Record<string, Reading>;
  readonly sealed?: Record<string, string>;
}

/** Lets processes work through the directories; those that one died over have no outcome. */
async function outcomesOf(directories: readonly string[]): Promise<Map<string, Outcome | 'died'>> {
  const outcomes = new Map<string, Outcome | 'died'>();
  let left = [...directories];
  while (left.length > 0) {
    const { stdout, code } = await run(left);
    const lines = stdout.trim().split('\n').filter(Boolean);
    for (const line of lines) {
      const outcome = JSON.parse(line) as Outcome;
      if (outcome.refused !== undefined || outcome.readings !== undefined)
        outcomes.set(outcome.data, outcome);
      else outcomes.set(outcome.data, 'died');
    }
    const before = left.length;
    left = left.filter((one) => !outcomes.has(one));
    if (left.length === before || (code === 0 && left.length > 0)) throw new Error(`no end: ${stdout}`);
  }
  return outcomes;
}

function run(directories: readonly string[]): Promise<{ stdout: string; code: number | null }> {
  const child = new URL('./damage-child.ts', import.meta.url).pathname;
  return new Promise((resolve) => {
    const options = { maxBuffer: 2 ** 28 };
    const started = execFile(process.execPath, [child, ids.join(','), ...directories], options, (_, stdout) =>
      resolve({ stdout, code: started.exitCode }),
    );
  });
}

/** Why an outcome is wrong, if it is. */
function wrongOf(outcome: Outcome | 'died'): string | undefined {
  if (outcome === 'died') return undefined;
  if (outcome.refused !== undefined) return /^[a-z_]+$/.test(outcome.refused) ? undefined : outcome.refused;
  for (const id of ids) {
    const reading = outcome.readings![id]!;
    let found: string | undefined;
    for (const [asked, answer] of Object.entries(reading)) {
      if (answer.startsWith('error ')) {
        found ??= `${asked}: ${answer}`;
        if (!/^error [a-z_]+$/.test(answer)) return `${asked}: ${answer}`;
      } else if (answer !== expected[id]![asked]) return `${asked} is another answer`;
    }
    const sealed = outcome.sealed![id]!;
    if (found !== undefined && sealed === 'sealed')
      return `a group was sealed on that is known to be damaged: ${found}`;
    if (sealed !== 'sealed' && !/^error [a-z_]+$/.test(sealed)) return sealed;
  }
  return undefined;
}

test(`${DAMAGES} random damages: never a wrong answer, and nothing is sealed over one that was found`, async () => {
  const told = new Map<string, string>();
  for (let n = 0; n < DAMAGES; n++) {
    const data = join(base, `damage-${n}`);
    cpSync(whole, data, { recursive: true });
    told.set(data, `${SEED} + ${n}: ${damage(join(data, 'chain', 'data.mdb'), SEED + n)}`);
  }
  const outcomes = await outcomesOf([...told.keys()]);
  const wrong: string[] = [];
  const counts = { died: 0, refused: 0, found: 0, harmless: 0 };
  for (const [data, outcome] of outcomes) {
    const why = wrongOf(outcome);
    if (why !== undefined) wrong.push(`${told.get(data)}: ${why}`);
    if (outcome === 'died') counts.died++;
    else if (outcome.refused !== undefined) counts.refused++;
    else if (JSON.stringify(outcome.readings).includes('error ')) counts.found++;
    else counts.harmless++;
  }
  process.stderr.write(`damage: ${JSON.stringify(counts)}\n`);
  const died = [...outcomes].flatMap(([data, outcome]) => (outcome === 'died' ? [told.get(data)] : []));
  if (died.length > 0) process.stderr.write(`died: ${died.join('; ')}\n`);
  expect(wrong).toEqual([]);
  // The harness does damage, and the node does find it.
  expect(counts.refused + counts.found).toBeGreaterThan(0);
}, 600_000);
