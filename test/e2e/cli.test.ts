/**
 * The verbs, as the quick start and scripts use them: one data directory for the whole file. They run in this process,
 * as they do in a node that is up; where the process is the point, it is one.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HereOptions, lbHere } from '../support/lb-here.ts';
import { lb } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-cli-'));
const data = join(base, 'mynode');
afterAll(() => rmSync(base, { recursive: true, force: true }));

const HEX = /^[0-9a-f]{64}$/;
const env = { LB_DATA: data };

/** The output of a verb that must succeed. */
async function ok(args: readonly string[], options: HereOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await lbHere(args, { env, ...options });
  expect(code, `lb ${args.join(' ')}\n${stderr}`).toBe(0);
  return stdout;
}

/** The data of a verb that must succeed: one line, one envelope. */
async function json<T>(args: readonly string[], options: HereOptions = {}): Promise<T> {
  const stdout = await ok([...args, '--json'], options);
  expect(stdout.trimEnd()).not.toContain('\n');
  const envelope = JSON.parse(stdout) as { schema_version: number; data: T };
  expect(Object.keys(envelope).filter((key) => key !== 'warnings')).toEqual(['schema_version', 'data']);
  expect(envelope.schema_version).toBe(1);
  return envelope.data;
}

interface Failed {
  code: string;
  message: string;
  exit_code: number;
  refusal?: { code: string };
  candidates?: string[];
}

/** What a verb that must fail says: one line, no stack. */
async function failed(exit: number, args: readonly string[], options: HereOptions = {}): Promise<Failed> {
  const { code, stderr } = await lbHere([...args, '--json'], { env, ...options });
  expect(code, `lb ${args.join(' ')}: ${stderr}`).toBe(exit);
  expect(stderr.trimEnd(), 'one line').not.toContain('\n');
  const error = JSON.parse(stderr) as Failed & { schema_version: number };
  expect(error).toMatchObject({ schema_version: 1, exit_code: exit });
  expect(error.message).not.toMatch(/\n|\bat .*\.ts:/);
  return error;
}

let bob = '';
let group = '';
let claim = '';

beforeAll(async () => {
  await ok(['init', '--data', data]);
  group = (await json<{ group_id: string }>(['create-group', '--data', data, '--name', 'domain:research']))
    .group_id;
  bob = (await json<{ identity: { public_key: string } }>(['identity', 'new', 'bob'])).identity.public_key;
  await ok(['add-member', '--data', data, '--group', group, '--pub', bob, '--role', 'member']);
});

describe('the quick start', () => {
  test('publishes knowledge', async () => {
    const text = 'Always validate inputs before processing';
    const args = [
      'publish-claim',
      '--data',
      data,
      '--group',
      group,
      '--text',
      text,
      '--tags',
      'security,validation',
    ];
    claim = (await json<{ claim: string }>(args)).claim;
    expect(claim).toMatch(HEX);
    const { claims } = await json<{ claims: { claim: string; text: string; tags: string[] }[] }>([
      'recent-claims',
    ]);
    expect(claims).toMatchObject([{ claim, text, tags: ['security', 'validation'], is_in: true }]);
  });

  test('shows the public keys that an admin elsewhere needs', async () => {
    const stdout = await ok(['info', '--data', data]);
    expect(stdout).toContain(bob);
    const info = await json<{ identities: { public_key: string }[]; groups: object[] }>(['info']);
    expect(info.identities.map(({ public_key }) => public_key)).toContain(bob);
    expect(info.groups).toMatchObject([{ group_id: group, status: 'sealing', counts: { members: 2 } }]);
  });

  test('sells a package, as the market section has it', async () => {
    await ok(['mint', '--data', data, '--group', group, '--to', bob, '--amount', '1000']);
    const text = '1. Validate all inputs\\n2. Encrypt sensitive data\\n3. ...';
    const terms = ['--title', 'Security Best Practices Guide', '--text', text, '--price', '250'];
    const announce = ['--announce-host', '127.0.0.1', '--announce-port', '7337'];
    const offering = [
      'create-offer',
      '--data',
      data,
      '--group',
      group,
      ...terms,
      '--tags',
      'security,guide',
      '--by-hand',
    ];
    const { offer } = await json<{ offer: string }>([...offering, ...announce]);
    expect(await ok(['list-offers', '--data', data])).toContain('Security Best Practices Guide');
    const { purchase } = await json<{ purchase: string }>([
      'buy-offer',
      '--offer',
      offer,
      '--as',
      'bob',
      '--by-hand',
    ]);
    await ok(['grant', purchase.slice(0, 8)]);
    const opened = await ok(['open-purchase', purchase, '--as', 'bob']);
    expect(opened).toBe(text);
    const printed = await ok(['accept-purchase', '--purchase', purchase, '--as', 'bob', '--print']);
    expect(printed).toBe(text);
    const { purchases } = await json<{ purchases: object[] }>(['purchases']);
    expect(purchases).toMatchObject([{ purchase, status: 'settled', amount: '250' }]);
  });

  test('moves a task from creation to its reward', async () => {
    const creating = ['create-task', '--id', 'task_001', '--title', 'Implement API', '--assignee', 'bob'];
    await ok([...creating, '--reward', '50', '--due', '2d', '--lease', '30m']);
    await ok(['start-task', 'task_001', '--as', 'bob']);
    const before = await json<{ height: number; balance: string }>(['balance', 'bob']);
    const done = ['complete-task', '--task', 'task_001', '--result', claim.slice(0, 10), '--as', 'bob'];
    expect(await json(done)).toMatchObject({ task: 'task_001', status: 'completed', attempt: 1 });
    const after = await json<{ balance: string }>(['balance', '--of', bob.slice(0, 8)]);
    expect(BigInt(after.balance) - BigInt(before.balance)).toBe(50n);
    expect(await json(['balance', 'bob', '--at', String(before.height)])).toMatchObject(before);
    expect(await json(['list-tasks', '--status', 'completed'])).toMatchObject({
      tasks: [{ task: 'task_001' }],
    });
    expect(await json(['list-tasks', '--status', 'in_progress'])).toMatchObject({ tasks: [] });
    const past = ['list-tasks', '--at', String(before.height), '--status', 'in_progress'];
    expect(await json(past)).toMatchObject({ tasks: [{ task: 'task_001', status: 'in_progress' }] });
  });
});

describe('more verbs', () => {
  test('a reply is threaded, and retraction takes what rests on a claim out', async () => {
    const reply = ['publish-claim', '-', '--parent', claim, '--evidence', claim, '--as', 'bob'];
    const { claim: answer } = await json<{ claim: string }>(reply, { input: 'so: résumé ✓\n' });
    const thread = await json<{ claims: object[] }>(['thread', answer]);
    expect(thread.claims).toMatchObject([
      { claim, depth: 0 },
      { claim: answer, depth: 1, text: 'so: résumé ✓' },
    ]);
    await ok(['retract-claim', claim, '--reason', 'superseded']);
    expect(await json(['show', answer])).toMatchObject({ kind: 'claim', claim: { is_in: false } });
    await ok(['reinstate-claim', claim]);
    expect(await json(['show', answer])).toMatchObject({ claim: { is_in: true } });
  });

  test('a join code lets an identity of this node in', async () => {
    await ok(['identity', 'new', 'carol']);
    const { code, invite } = await json<{ code: string; invite: string }>([
      'invite',
      'create',
      '--expires',
      '1h',
    ]);
    expect(await json(['join', code, '--as', 'carol'])).toMatchObject({ role: 'member' });
    expect(await json(['invite'])).toMatchObject({ invites: [{ invite, status: 'used up', uses: 1 }] });
    expect(await failed(4, ['join', code, '--as', 'carol'])).toMatchObject({
      refusal: { code: 'invite_used_up' },
    });
  });

  test('presence keeps the keys of the metadata as they were', async () => {
    await ok(['presence', '--status', 'busy', '--metadata', '{"currentTask":"t-1","Z":{"aB":1}}']);
    const { presence } = await json<{ presence: object[] }>(['presence']);
    expect(presence).toMatchObject([{ status: 'busy', metadata: { currentTask: 't-1', Z: { aB: 1 } } }]);
  });

  test('the policy changes by parts', async () => {
    await ok(['policy', '--set', 'transfer_fee_bps=250', '--set', 'grant_window_ms=2h']);
    const { policy } = await json<{ policy: object }>(['policy']);
    expect(policy).toMatchObject({
      transfer_fee_bps: 250,
      grant_window_ms: 7_200_000,
      claim_reward_amount: '10',
    });
    expect(await json(['policy', '--at', '1'])).toMatchObject({ policy: { transfer_fee_bps: 0 } });
  });

  test('the log resumes after a cursor, and knows its kinds', async () => {
    interface Log {
      events: { cursor: string; event: { kind: string } }[];
    }
    const { events } = await json<Log>(['log', '--kind', 'task', '--limit', '100']);
    expect(events.map(({ event }) => event.kind)).toEqual(['task.changed', 'task.changed', 'task.changed']);
    const rest = await json<Log>(['log', '--kind', 'task', '--after', events[1]!.cursor]);
    expect(rest.events).toEqual(events.slice(2));
    const last = await json<Log>(['log', '--limit', '1']);
    expect(last.events).toMatchObject([{ event: { kind: 'block.sealed' } }]);
  });

  test('show knows heights, blocks, transactions, members and offers', async () => {
    const block = await json<{ block_id: string; transactions: { tx_id: string }[] }>(['show', '1']);
    expect(await json(['show', block.block_id.slice(0, 9)])).toEqual(block);
    const { tx_id } = block.transactions[0]!;
    expect(await json(['show', tx_id.slice(0, 12)])).toMatchObject({ kind: 'transaction', tx_id, height: 1 });
    expect(await json(['show', bob])).toMatchObject({ kind: 'member', role: 'member' });
    const missing = await failed(3, ['show', 'deadbeef']);
    expect(missing.code).toBe('not_found');
  });

  test('what is exported audits as a stranger would, and a changed byte is found', async () => {
    const file = join(base, 'research.lbgroup');
    const receipt = join(base, 'receipt.lbproof');
    const { transactions } = await json<{ transactions: number }>(['replay']);
    expect(await json(['audit'])).toMatchObject({ status: 'sound', report: { transactions } });
    await ok(['export', '--out', file]);
    await failed(4, ['export', '--out', file]);
    expect(await json(['audit', file], { env: {} })).toMatchObject({
      status: 'sound',
      report: { transactions },
    });
    await ok(['prove', '--tx', (await someTransaction()).slice(0, 10), '--out', receipt]);
    expect(await json(['verify-proof', receipt, '--group', group], { env: {} })).toMatchObject({
      status: 'valid',
    });
    for (const [verb, path] of [
      ['audit', file],
      ['verify-proof', receipt],
    ] as const) {
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(`${path}.changed`, bytes);
      expect(await failed(4, [verb, `${path}.changed`], { env: {} })).toHaveProperty('code');
    }
  });
});

async function someTransaction(): Promise<string> {
  const { transactions } = await json<{ transactions: { tx_id: string }[] }>(['show', '2']);
  return transactions[0]!.tx_id;
}

describe('errors are one line and an exit code per kind', () => {
  test('usage: 2', async () => {
    const cases: readonly [says: string, ...args: string[]][] = [
      ['did you mean lb mint', 'mnt'],
      ['Did you mean --to', 'mint', '--too', 'bob'],
      ['--amount', 'mint', '--to', 'bob'],
      ['whole amount', 'mint', '--to', 'bob', '--amount', '1.5'],
      ['999', 'balance', '--at', '999'],
      ['faucet_amount', 'policy', '--set', 'nope=1'],
      ['--yes-i-mean=NAME', 'remove-member', 'bob'],
      ['nothing was changed', 'remove-member', 'bob', '--yes-i-mean=rob'],
    ];
    const errors = await Promise.all(cases.map(([, ...args]) => failed(2, args)));
    for (const [at, [says]] of cases.entries()) expect(errors[at]!.message).toContain(says);
  });

  test('not found: 3', async () => {
    await Promise.all([
      failed(3, ['info', '--data', join(base, 'nothing')]),
      failed(3, ['mint', '--to', 'nobody', '--amount', '1']),
      failed(3, ['publish-claim', '--file', join(base, 'no-file')]),
      failed(3, ['members', '--group', 'deadbeef']),
    ]);
  });

  test('refused: 4, with the payload', async () => {
    const [poor, again, twin] = await Promise.all([
      failed(4, ['transfer', '--as', 'carol', '--to', 'bob', '--amount', '99999']),
      failed(4, ['init']),
      failed(4, ['identity', 'new', 'BOB']),
    ]);
    expect(poor).toMatchObject({ code: 'refused', refusal: { code: 'balance_too_low', needed: '102499' } });
    expect(again.code).toBe('keystore_exists');
    expect(twin.code).toBe('identity_exists');
  });

  test('what can never be signed is the fault of the command line', async () => {
    const long = await failed(2, ['publish-claim', '-'], { input: 'a'.repeat(70_000) });
    expect(long.message).toContain('standard input has 70000 bytes, and a claim takes at most 65536');
  });

  test('environment: 7', async () => {
    const future = join(base, 'future');
    mkdirSync(future);
    writeFileSync(join(future, 'node.json'), '{"format":99}\n');
    const [foreign, newer] = await Promise.all([
      failed(7, ['info', '--data', base]),
      failed(7, ['info', '--data', future]),
    ]);
    expect([foreign.code, newer.code]).toEqual(['not_a_node', 'newer_format']);
    expect(readFileSync(join(future, 'node.json'), 'utf8')).toBe('{"format":99}\n');
  });

  test('broken text is refused wherever it comes from', async () => {
    const broken = Uint8Array.of(0x63, 0x61, 0x66, 0xe9);
    const [input, argument, nul] = await Promise.all([
      failed(2, ['publish-claim', '-'], { input: broken }),
      failed(2, ['publish-claim', '--text', 'caf\ufffd']),
      failed(2, ['publish-claim', '-'], { input: 'a\0b' }),
    ]);
    expect(input.message).toContain('UTF-8');
    expect(argument.message).toContain('UTF-8');
    expect(nul.message).toContain('standard input contains a NUL');
  });

  test('init twice leaves the keys alone', async () => {
    const keys = join(data, 'keys', 'keystore.json');
    const before = readFileSync(keys);
    const encrypting = lb(['init', '--data', data, '--encrypt-keys'], { env: { LB_PASSWORD: 'x' } });
    await Promise.all([lb(['init', '--data', data]), encrypting]);
    expect(readFileSync(keys)).toEqual(before);
  });
});

describe('plain output', () => {
  test('help and version', async () => {
    const [help, nothing, ofVerb, version] = await Promise.all(
      [['--help'], [], ['help', 'mint'], ['--version']].map((args) => ok(args)),
    );
    expect(help).toMatch(/Start here:[\s\S]*Groups and members:[\s\S]*History:/);
    expect(nothing).toBe(help);
    expect(ofVerb).toContain('Example:\n  lb mint bob 100\n  lb mint --to bob --amount 100');
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await lb(['--version'])).toEqual({ code: 0, stdout: version, stderr: '' });
  });

  test('a table in a pipe is tab-separated with ids in full, and has no colours', async () => {
    const lines = (await ok(['members']))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(lines[0]).toEqual(['member', 'identity', 'name', 'role', 'balance', 'joined']);
    expect(lines.slice(1).map(([key]) => key)).toContain(bob);
    expect(lines.flat().join('')).not.toContain('\u001b');
  });

  test('what a member wrote cannot act on the terminal', async () => {
    await ok(['publish-claim', '-'], { input: 'red \u001b[31m alert\u202e\nline' });
    const [, row] = (await ok(['recent-claims', '--limit', '1'])).split('\n');
    expect(row).toContain('red \\u001b[31m alert\\u202e\\nline');
  });
});
