/** What an operator does: backups, checks, bundles, contexts, and watching, as processes and through the socket. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lbHere } from '../support/lb-here.ts';
import { startNode, stopNode, type UpNode } from '../support/owner.ts';
import { type Ended, lb } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-operation-'));
const data = join(base, 'node');
const env = { LB_DATA: data, XDG_CONFIG_HOME: join(base, 'config') };
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return lbHere(args, { env: { ...env, ...more }, cwd: base });
}

async function json<T>(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<T> {
  const { code, stdout, stderr } = await run([...args, '--json'], more);
  expect(code, `lb ${args.join(' ')}\n${stderr}`).toBe(0);
  return (JSON.parse(stdout) as { data: T }).data;
}

beforeAll(async () => {
  expect((await run(['init'])).code).toBe(0);
  await json(['create-group', '--name', 'g']);
  await json(['publish-claim', '--text', 'first']);
});

describe('a backup', () => {
  test('goes into a folder under a name of its own, and relative paths begin where one stands', async () => {
    mkdirSync(join(base, 'backups'));
    const { file } = await json<{ file: string }>(['backup', '--out', 'backups']);
    expect(file).toMatch(/backups\/battery-node-\d{8}T\d{6}Z\.lbbackup$/);
    expect(await json(['backup', 'verify', file], { LB_DATA: '' })).toMatchObject({ status: 'sound' });
    expect(readdirSync(join(base, 'backups'))).toHaveLength(1);
  });

  test('restores into a directory that is not there yet, and nowhere else', async () => {
    await json(['backup', '--out', 'one.lbbackup']);
    await json(['restore', 'one.lbbackup', '--data', 'restored']);
    expect(await json(['audit', '--data', 'restored'])).toMatchObject({ status: 'sound' });
    const again = await run(['restore', 'one.lbbackup', '--data', 'restored', '--json']);
    expect([again.code, JSON.parse(again.stderr).code]).toEqual([4, 'not_empty']);
  });

  test.each([
    ['twice under one name', 4, 'exists', ['backup', '--out', 'two.lbbackup']],
    ['of what is none', 4, 'not_a_backup', ['backup', 'verify', 'diary.txt']],
    ['of what is not there', 3, 'not_found', ['restore', 'nothing.lbbackup', '--data', 'elsewhere']],
    ['to a folder that is not there', 3, 'not_found', ['backup', '--out', 'no/such/folder/x']],
  ])('%s ends with %i', async (_, exit, code, args) => {
    writeFileSync(join(base, 'two.lbbackup'), 'mine');
    writeFileSync(join(base, 'diary.txt'), 'dear diary, '.repeat(200));
    const ended = await run([...args, '--json']);
    expect({ exit: ended.code, code: JSON.parse(ended.stderr).code }).toEqual({ exit, code });
    expect(ended.stderr.trimEnd()).not.toContain('\n');
    expect(existsSync(join(base, 'elsewhere'))).toBe(false);
    expect(readFileSync(join(base, 'two.lbbackup'), 'utf8')).toBe('mine');
  });
});

describe('contexts', () => {
  test('name directories, and one of them counts where no other is named', async () => {
    await json(['context', 'add', 'here', '--data', 'node']);
    await json(['context', 'add', 'there', '--data', 'not-there']);
    expect(await json(['info', '--context', 'here'], { LB_DATA: '' })).toMatchObject({ data });
    await json(['context', 'use', 'here']);
    expect(await json(['info'], { LB_DATA: '' })).toMatchObject({ data });
    // LB_DATA counts before the context in use, and --context before LB_DATA.
    expect((await run(['info'], { LB_DATA: 'not-there' })).code).toBe(3);
    expect((await run(['info', '--context', 'there'])).code).toBe(3);
    expect(await json(['context'])).toMatchObject({
      contexts: [
        { name: 'here', data, is_current: true },
        { name: 'there', is_current: false },
      ],
    });
    await json(['context', 'remove', 'here']);
    expect(existsSync(data)).toBe(true);
    expect((await run(['info'], { LB_DATA: '' })).stderr).toContain('lb-data');
  });

  test('what makes no sense is said in one line', async () => {
    const cases: [number, string[]][] = [
      [3, ['info', '--context', 'nowhere']],
      [2, ['info', '--context', 'there', '--data', 'node']],
      [2, ['context', 'add', '../x', '--data', 'node']],
      [2, ['context', 'add', 'x']],
      [3, ['context', 'use', 'nowhere']],
    ];
    for (const [exit, args] of cases) {
      const { code, stderr } = await run(args, { LB_DATA: '' });
      expect(code, args.join(' ')).toBe(exit);
      expect(stderr.trimEnd()).not.toContain('\n');
    }
    const damaged = { LB_DATA: '', XDG_CONFIG_HOME: join(base, 'damaged') };
    mkdirSync(join(base, 'damaged', 'battery-node'), { recursive: true });
    writeFileSync(join(base, 'damaged', 'battery-node', 'contexts.json'), '{"contexts":[1]}');
    expect((await run(['info'], damaged)).code).toBe(7);
    expect((await run(['info', '--data', 'node'], damaged)).code).toBe(0);
  });
});

describe('health', () => {
  const keystore = join(data, 'keys', 'keystore.json');
  afterAll(() => chmodSync(keystore, 0o600));

  test('the doctor finds nothing critical in a new node, and says what is', async () => {
    const well = await json<{ findings: { severity: string }[] }>(['doctor', '--deep']);
    expect(well.findings.filter(({ severity }) => severity === 'critical')).toEqual([]);
    chmodSync(keystore, 0o644);
    const { code, stdout, stderr } = await run(['doctor']);
    expect(code).toBe(7);
    expect(stdout).toContain(`chmod 600 ${keystore}`);
    expect(stderr).toContain('key_file_mode');
  });

  test('monitors get their formats and exit codes', async () => {
    chmodSync(keystore, 0o644);
    const bad = await run(['check', '--format', 'nagios']);
    expect([bad.code, bad.stdout.split(' - ')[0]]).toEqual([2, 'BATTERY NODE CRITICAL']);
    chmodSync(keystore, 0o600);
    const well = await run(['check', '--format', 'nagios']);
    expect([well.code, well.stdout.split(' - ')[0]]).toEqual([0, 'BATTERY NODE OK']);
    const metrics = await run(['check', '--format', 'prometheus']);
    expect(metrics.stdout).toContain('lb_check_status{check="keys"} 0\n');
    expect(JSON.parse((await run(['check'])).stdout)).toMatchObject({ data: { status: 'ok' } });
  });

  test('a choice is a notice, and a warning that is meant can be accepted: neither alarms for ever', async () => {
    const { findings } = JSON.parse((await run(['check'])).stdout).data;
    expect(findings).toContainEqual(expect.objectContaining({ check: 'keys', severity: 'notice' }));
    chmodSync(data, 0o755);
    const alarmed = await run(['check', '--format', 'nagios']);
    expect([alarmed.code, alarmed.stdout]).toEqual([1, expect.stringContaining('directory_mode')]);
    const accepted = await run(['check', '--format', 'nagios', '--accept', 'directory_mode']);
    expect([accepted.code, accepted.stdout]).toEqual([0, expect.stringContaining('BATTERY NODE OK')]);
    chmodSync(keystore, 0o644);
    const bad = await run(['check', '--format', 'nagios', '--accept', 'key_file_mode']);
    expect(bad.code).toBe(2);
    chmodSync(keystore, 0o600);
    chmodSync(data, 0o700);
    expect((await run(['check', '--format', 'xml'])).code).toBe(2);
  });

  test('what cannot be opened is a finding, and not a failure of the doctor', async () => {
    const { code, stdout } = await run(['doctor', '--data', 'nothing', '--json']);
    expect(code).toBe(7);
    expect(JSON.parse(stdout).data.findings).toContainEqual(
      expect.objectContaining({ check: 'directory', severity: 'critical' }),
    );
    expect(existsSync(join(base, 'nothing'))).toBe(false);
  });
});

test('a support bundle has what helps, and no secret', async () => {
  const seed = (
    JSON.parse(readFileSync(join(data, 'keys', 'keystore.json'), 'utf8')) as {
      identities: { secret: string }[];
    }
  ).identities[0]!.secret;
  expect(seed).toMatch(/^[0-9a-f]{64}$/);
  const { code: joinCode } = await json<{ code: string }>(['invite', 'create']);
  const secrets = {
    LB_PASSWORD: 'correct-horse-battery',
    LB_NEW_PASSWORD: 'staple-that',
    LB_HTTP_TOKEN: 'tok-9f8e7d6c5b4a',
  };
  const raw = Buffer.from(seed, 'hex').toString('base64');
  mkdirSync(join(base, 'logs'));
  const logged = [joinCode, seed, raw, ...Object.values(secrets), 'password=opensesame', 'seen: block 12'];
  writeFileSync(
    join(base, 'logs', 'node.log'),
    logged.map((text) => `${JSON.stringify({ msg: text })}\n`).join(''),
  );
  writeFileSync(
    join(data, 'config.json'),
    JSON.stringify({ http: { auth_token: 'swordfish' }, log_level: 'info' }),
  );
  await json(['support-bundle', '--out', 'support.tar'], { ...secrets, LB_LOG_DIR: 'logs' });
  rmSync(join(data, 'config.json'));
  mkdirSync(join(base, 'bundle'));
  execFileSync('tar', ['-xf', join(base, 'support.tar'), '-C', join(base, 'bundle')]);
  const whole = readFileSync(join(base, 'support.tar'), 'utf8');
  for (const secret of [joinCode, seed, raw, ...Object.values(secrets), 'opensesame', 'swordfish'])
    expect(whole, secret).not.toContain(secret);
  for (const helps of ['seen: block 12', '"log_level": "info"', 'data.mdb', '"disk_space"', '"LB_PASSWORD"'])
    expect(whole).toContain(helps);
});

describe('a node that is up', () => {
  let node: UpNode;
  beforeAll(async () => {
    node = await startNode(data, { XDG_CONFIG_HOME: env.XDG_CONFIG_HOME });
  });
  afterAll(() => stopNode(node));

  test('is watched: from now on, by kind, without a gap after a cursor, until Ctrl-C', async () => {
    interface Line {
      data: { cursor: string; event: { kind: string } };
    }
    const seen: Line[] = [];
    const { promise: watched, resolve: sawTwo } = Promise.withResolvers<void>();
    let stop: () => void = () => {};
    const watching = lb(['watch', '--kind', 'claim', '--json'], {
      env,
      onStart: (child) => {
        stop = () => child.kill('SIGINT');
        let text = '';
        child.stdout!.on('data', (chunk) => {
          text += chunk;
          const lines = text.split('\n');
          text = lines.pop()!;
          for (const line of lines) seen.push(JSON.parse(line) as Line);
          if (seen.length >= 2) sawTwo();
        });
      },
    });
    // Claims until the watcher, which starts at its own pace, has seen two of them.
    let claims = 0;
    let isSeen = false;
    void watched.then(() => {
      isSeen = true;
    });
    while (!isSeen) await json(['publish-claim', '--text', `claim ${claims++}`]);
    stop();
    const { code, stderr } = await watching;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(new Set(seen.map((line) => line.data.event.kind))).toEqual(new Set(['claim.published']));
    const after = ['watch', '--kind', 'claim', '--after', seen[0]!.data.cursor, '--limit', '1', '--json'];
    const resumed = await run(after);
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.stdout)).toEqual(seen[1]);
    const other = await run(['watch', '--after', `${'ab'.repeat(32)}.1.1`]);
    expect(other.code).toBe(2);
  });

  test('tells refusals as they happen', async () => {
    const watching = run(['watch', '--kind', 'tx.refused', '--limit', '1', '--json']);
    let isOver = false;
    const over = watching.finally(() => {
      isOver = true;
    });
    while (!isOver)
      expect((await run(['transfer', '--to', 'ab'.repeat(32), '--amount', '999999'])).code).toBe(4);
    const { code, stdout } = await over;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      data: { event: { kind: 'tx.refused', refusal: { code: 'balance_too_low' } } },
    });
  });

  test('is backed up where it runs, and checked', async () => {
    const { file } = await json<{ file: string }>(['backup', '--out', 'hot.lbbackup']);
    expect(file).toBe(join(base, 'hot.lbbackup'));
    expect(await json(['backup', 'verify', file])).toMatchObject({ status: 'sound' });
    expect(await json(['doctor'])).toMatchObject({ status: 'ok' });
  });

  test('shows its state', async () => {
    const list = await json<{ records: { key: string }[]; after: string }>(['state', 'list', '--limit', '2']);
    expect(list.records).toHaveLength(2);
    const rest = await json<{ records: { key: string }[] }>(['state', 'list', '--after', list.after]);
    expect(rest.records.map(({ key }) => key)).not.toContain(list.after);
    const claim = rest.records.find(({ key }) => key.startsWith('claim/'))!;
    expect(await json(['state', 'get', claim.key.slice(0, 16)])).toMatchObject({ key: claim.key });
    expect(await json(['state', 'get', 'supply', '--at', '0'])).toMatchObject({ record: { amount: '100' } });
    expect((await run(['state', 'get', 'nothing'])).code).toBe(3);
    expect((await run(['state', 'get', 'x'.repeat(5_000)])).code).toBe(2);
  });
});
