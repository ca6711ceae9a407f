/** The demo, run as a user runs it: once, again, killed in the middle, and where it cannot run. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { lb, lbJson } from './spawn-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-demo-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const docs = join(base, 'docs');
const DOCUMENTS: Readonly<Record<string, string>> = {
  'queue/README.md': "# queue\n\nA queue.\n\n## Use\n\n```js\nconst queue = require('queue');\n```\n",
  'cache/README.md':
    "# cache\n\n## Use\n\n```js\nrequire('cache');\nrequire('queue');\n```\n\n## API\n\nget, set\n",
  'cache/CHANGES.md': '# Changes\n\n## 2.0\n\n`peek` is deprecated.\n\n## 1.0\n\nSee http://cache.dev/news\n',
};
for (const [path, text] of Object.entries(DOCUMENTS)) {
  mkdirSync(join(docs, path, '..'), { recursive: true });
  writeFileSync(join(docs, path), text);
}

interface Summary {
  round: number;
  transactions: number;
  claims: { total: number; retracted: number; out: number };
  tasks: Record<string, number>;
  market: { offers: number; purchases: number; settled: number };
  money: { adds_up: boolean; escrows: string; supply: string };
  audit: { transactions: number; signatures: number; artifacts: number };
  answer?: { question: string; heading: string; claims: number; vectors: number };
}

/** What there is after so many rounds, whatever happened in between: 8 imported claims, and 10 of each round. */
const worldAfter = (rounds: number) => ({
  round: rounds,
  claims: { total: 8 + 10 * rounds, retracted: rounds, out: 2 * rounds },
  tasks: {
    pending: 0,
    assigned: 0,
    in_progress: 0,
    completed: 2 * rounds,
    failed: rounds,
    cancelled: rounds,
  },
  market: { offers: 1 + rounds, purchases: rounds, settled: rounds },
  money: { adds_up: true, escrows: '0' },
});

const demo = ['demo', '--docs', docs];

describe('the demo', () => {
  it('tells a round from the first key to a sound audit', async () => {
    const { exitCode, stdout } = await lb(demo, { data: join(base, 'told'), env: { COLUMNS: '50' } });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/architect {2}imports \d+ sections of 3 Markdown/);
    expect(stdout).toMatch(/✗ wants to take it too:\s+task_state/);
    expect(stdout).toMatch(/too late:\s+task_attempt_stale/);
    expect(stdout).toMatch(/✗ is out [0-9a-f]{12} the plan/);
    expect(stdout).toMatch(/✓ holds {2}[0-9a-f]{12} the order/);
    expect(stdout).toMatch(/royalty/);
    expect(stdout).toMatch(/audit +sound/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(50);
  });

  it('ends with a question and the right claim first, at the first run', { timeout: 240_000 }, async () => {
    const readme = join(import.meta.dirname, '../../node_modules/commander/Readme.md');
    const library = join(base, 'library');
    mkdirSync(join(library, 'commander'), { recursive: true });
    cpSync(docs, library, { recursive: true });
    cpSync(readme, join(library, 'commander/Readme.md'));
    cpSync(join(readme, '../package.json'), join(library, 'commander/package.json'));
    const data = join(base, 'asked');
    const { answer } = await lbJson<Summary>(['demo', '--docs', library], { data });
    expect(answer).toMatchObject({
      question: 'How do I declare a required (mandatory) option?',
      heading: 'Required option',
    });
    expect(answer!.vectors).toBeLessThan(answer!.claims);
    // Other documents are asked about what they say.
    const other = await lbJson<Summary>(demo, { data: join(base, 'asked-too') });
    expect(other.answer!.question).toContain(other.answer!.heading);
  });

  it('begins a new round in the same group each time', async () => {
    const data = join(base, 'twice');
    const first = await lbJson<Summary>(demo, { data });
    expect(first).toMatchObject(worldAfter(1));
    expect(first.audit.transactions).toBe(first.transactions);
    expect(await lbJson<Summary>(demo, { data })).toMatchObject(worldAfter(2));
  });

  it('goes on after every kill as if nothing had happened', async () => {
    const data = join(base, 'killed');
    const moments = [
      'makes a key',
      'founds the group',
      'round 1 begins',
      'takes round-1/check',
      'of the reviewer go into escrow',
      'and releases it',
      'retracts',
      'for 60 WT',
      'purchase ',
      'grants the key',
      'under way at a time',
    ];
    const kills: string[] = [];
    for (const killAt of moments) {
      // A kill comes a little after what it waits for, so a run may end before, or be further than the next moment.
      const { signal } = await lb(demo, { data, killAt, env: { COLUMNS: '400' } });
      if (signal === 'SIGKILL') kills.push(killAt);
    }
    expect(kills.length).toBeGreaterThan(moments.length / 2);
    const last = await lbJson<Summary>(demo, { data });
    expect(last).toMatchObject(worldAfter(last.round));
  });
});

describe('where the demo cannot run', () => {
  it('says in one line that another process has the folder', async () => {
    const data = join(base, 'owned');
    await using _node = await BatteryNode.openOrInit({ data });
    const { exitCode, stderr } = await lb(demo, { data });
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/^lb: .* is in use by process \d+ .*\n$/);
  });

  it('says in one line that the folder is not a node', async () => {
    const { exitCode, stderr } = await lb(demo, { data: docs });
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/^lb: .* is not the data directory of a node.*\n$/);
  });

  it('says in one line that there are no documents', async () => {
    const empty = mkdtempSync(join(base, 'empty-'));
    const { exitCode, stderr } = await lb(['demo', '--docs', empty], { data: join(base, 'none') });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^lb: there are no documents .*\n$/);
  });
});
