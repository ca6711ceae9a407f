/** Backups of a real node: taken under load, proved, restored, and damaged in every way a disk or a stranger can. */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkBackup } from '../../actors/history/check-backup.ts';
import { sha256 } from '../../crypto/hash.ts';
import { InlineVerifier } from '../../crypto/inline-verifier.ts';
import { toHex } from '../../events/bytes.ts';
import { AccessTokens } from '../../interfaces/access/tokens.ts';
import { BatteryNode } from '../../node.ts';
import { restoreBackup } from '../../storage/backup/read.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-backups-'));
const scratch = join(base, 'scratch');
const backup = join(base, 'node.lbbackup');
const password = 'correct horse';
const verifier = new InlineVerifier();
let node: BatteryNode;
let acknowledged = 0;
let accessToken = '';

beforeAll(async () => {
  node = await BatteryNode.openOrInit({ data: join(base, 'node'), password });
  const group = await node.createGroup({ name: 'one' });
  await node.createGroup({ name: 'two' });
  writeFileSync(join(base, 'node', 'config.json'), '{}\n');
  const { token } = new AccessTokens(join(base, 'node')).create({ name: 'monitor' });
  accessToken = token;
  await group.as('node').publishClaim({ text: 'read before the backup' });
  const reader = node.identity('node').publicKey;
  await node.views.unread(group.groupId, reader, { height: 1, index: 0 });
  // Sixty-four callers that never stop while the copy is made.
  let isDone = false;
  const agent = group.as('node');
  let warm: () => void = () => {};
  const underLoad = new Promise<void>((resolve) => {
    warm = resolve;
  });
  const callers = Array.from({ length: 64 }, async (_, caller) => {
    for (let n = 0; !isDone; n++) {
      await agent.publishClaim({ text: `claim ${n} of caller ${caller}` });
      if (++acknowledged === 1_000) warm();
    }
  });
  await underLoad;
  const before = acknowledged;
  const { groups } = await node.backup(backup);
  isDone = true;
  await Promise.all(callers);
  expect(acknowledged).toBeGreaterThan(before);
  expect(groups.map(({ name }) => name).sort()).toEqual(['one', 'two']);
});

afterAll(async () => {
  await node.close();
  rmSync(base, { recursive: true, force: true });
});

const check = (path: string) => checkBackup(path, { verifier, scratch });

describe('a backup under load', () => {
  test('is whole and sound, and says so without being restored', async () => {
    const { groups, identities, manifest } = await check(backup);
    expect(groups.map(({ audit }) => audit.status)).toEqual(['sound', 'sound']);
    expect(identities.map(({ name }) => name)).toEqual(['node']);
    expect(manifest.files.map(({ path }) => path)).toEqual([
      'node.json',
      'chain/data.mdb',
      'config.json',
      'access.json',
      'keys/keystore.json',
      'read-marks.db',
    ]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('restores to a node that signs with its password, and goes on', async () => {
    const data = join(base, 'restored', 'deep');
    const { groups } = await restoreBackup(backup, data);
    for (const path of ['node.json', 'keys/keystore.json', 'chain/data.mdb'])
      expect(statSync(join(data, path)).mode & 0o777, path).toBe(0o600);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    await using restored = await BatteryNode.open({ data, password });
    const group = restored.group('one');
    expect(group.head.height).toBe(groups.find(({ name }) => name === 'one')!.height);
    expect((await group.audit()).status).toBe('sound');
    await group.as('node').publishClaim({ text: 'after the disaster' });
  });

  test('leaves out only what is made again, or belongs to the process that runs', async () => {
    const data = join(base, 'complete');
    await restoreBackup(backup, data);
    const made = new Set(['views', 'lock.db', 'owner.json', 'node.sock', 'clock.json', 'waiting']);
    const names = readdirSync(join(base, 'node')).filter((name) => !/-(wal|shm)$/.test(name));
    expect(names.filter((name) => !made.has(name)).sort()).toEqual(readdirSync(data).sort());
  });

  test('keeps tokens and read marks: who was connected is connected, what was read is read', async () => {
    const data = join(base, 'tokens');
    await restoreBackup(backup, data);
    expect(new AccessTokens(data).verify(accessToken, Date.now())?.name).toBe('monitor');
    await using restored = await BatteryNode.open({ data, password });
    const { readUpTo } = await restored.views.unread(
      restored.group('one').groupId,
      restored.identity('node').publicKey,
    );
    expect(readUpTo).toMatch(/\.1\.0$/);
  });

  test('holds the keys as they are: encrypted', () => {
    expect(readFileSync(backup, 'latin1')).toContain('"kdf"');
    expect(statSync(backup).mode & 0o777).toBe(0o600);
  });

  test('leaves nothing but itself, and never replaces a file', async () => {
    const before = readFileSync(backup);
    await expect(node.backup(backup)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(backup)).toEqual(before);
    expect(readdirSync(base).filter((name) => name.includes('.partial'))).toEqual([]);
  });

  test('given up, leaves nothing at all', async () => {
    const giveUp = new AbortController();
    const path = join(base, 'given-up');
    const copying = node.backup(path, { signal: giveUp.signal });
    giveUp.abort();
    await expect(copying).rejects.toThrow();
    expect(readdirSync(base).filter((name) => name.includes('given-up'))).toEqual([]);
  });

  test('is finished before its node closes', async () => {
    const data = join(base, 'closing');
    const closing = await BatteryNode.openOrInit({ data });
    await closing.createGroup({ name: 'g' });
    const copying = closing.backup(join(base, 'closing.lbbackup'));
    await Promise.allSettled([copying, closing.close()]);
    // Whole, or not there: nothing between.
    if (existsSync(join(base, 'closing.lbbackup')))
      expect((await check(join(base, 'closing.lbbackup'))).groups).toHaveLength(1);
    else await expect(copying).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('restoring', () => {
  test('refuses a folder with anything in it, and leaves it alone', async () => {
    const data = join(base, 'occupied');
    mkdirSync(data);
    writeFileSync(join(data, 'diary.txt'), 'mine');
    await expect(restoreBackup(backup, data)).rejects.toMatchObject({ code: 'not_empty' });
    expect(readdirSync(data)).toEqual(['diary.txt']);
  });

  test('takes an empty folder', async () => {
    const data = join(base, 'empty');
    mkdirSync(data);
    await restoreBackup(backup, data);
    expect(readdirSync(data)).toContain('node.json');
  });
});

type Entry = { name: string; type?: 'file' | 'symlink'; linkname?: string; body: string | Buffer };

async function entriesOf(path: string): Promise<Entry[]> {
  const archive = extract();
  const entries: Entry[] = [];
  createReadStream(path).pipe(archive);
  for await (const entry of archive) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    entries.push({ name: entry.header.name, body: Buffer.concat(chunks) });
  }
  return entries;
}

/** A backup with other entries. */
async function forge(name: string, change: (entries: Entry[]) => Entry[]): Promise<string> {
  const path = join(base, name);
  const archive = pack();
  for (const { body, ...header } of change(await entriesOf(backup)))
    if (header.type === 'symlink') archive.entry(header).end(undefined);
    else archive.entry(header, body);
  archive.finalize();
  await pipeline(archive, createWriteStream(path));
  return path;
}

interface ManifestJson {
  format: number;
  files: { path: string; bytes: number; sha256: string }[];
  groups: { name: string; block_id: string; height: number }[];
}

const withManifest =
  (change: (manifest: ManifestJson) => unknown) =>
  ([first, ...rest]: Entry[]): Entry[] => {
    const manifest = JSON.parse(String(first!.body)) as ManifestJson;
    change(manifest);
    return [{ name: first!.name, body: JSON.stringify(manifest) }, ...rest];
  };

describe('what is no backup', () => {
  const damages: [what: string, code: string, change: (entries: Entry[]) => Entry[]][] = [
    ['a file less', 'backup_damaged', (entries) => entries.slice(0, -1)],
    ['a file more', 'backup_damaged', (entries) => [...entries, { name: 'keys/more', body: 'x' }]],
    ['a file twice', 'backup_damaged', (entries) => [...entries, entries.at(-1)!]],
    [
      'a name that leads out',
      'backup_damaged',
      withManifest(({ files }) => Object.assign(files[0]!, { path: 'keys/../../x' })),
    ],
    [
      'an absolute name',
      'backup_damaged',
      withManifest(({ files }) => Object.assign(files[0]!, { path: '/x' })),
    ],
    [
      'a link',
      'backup_damaged',
      (entries) =>
        entries.map((entry) =>
          entry.name === 'node.json' ? { ...entry, type: 'symlink', linkname: '/x' } : entry,
        ),
    ],
    [
      'another hash',
      'backup_damaged',
      withManifest(({ files }) => Object.assign(files[1]!, { sha256: 'ab'.repeat(32) })),
    ],
    [
      'another head',
      'backup_damaged',
      withManifest(({ groups }) => Object.assign(groups[0]!, { block_id: 'ab'.repeat(32) })),
    ],
    ['a group less', 'backup_damaged', withManifest(({ groups }) => groups.pop())],
    ['a later format', 'backup_newer', withManifest((manifest) => Object.assign(manifest, { format: 99 }))],
    ['no manifest', 'not_a_backup', (entries) => entries.slice(1)],
    [
      'another manifest',
      'not_a_backup',
      ([, ...rest]) => [{ name: 'manifest.json', body: 'hello' }, ...rest],
    ],
  ];

  test.each(damages)('%s: %s', async (what, code, change) => {
    const path = await forge(`${what.replaceAll(' ', '-')}.tar`, change);
    await expect(check(path)).rejects.toMatchObject({ name: 'BackupError', code });
    expect(existsSync(join(base, 'x'))).toBe(false);
  });

  test('any byte that changed, and any end that came early', async () => {
    const whole = readFileSync(backup);
    const path = join(base, 'changed');
    for (const at of [1, 300, 2_000, whole.length >> 1, whole.length - 2_000]) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1;
      writeFileSync(path, bytes);
      // What stands between the files in a tar is padding, which nobody reads.
      const outcome = await check(path).catch((error: { code: string }) => error.code);
      if (typeof outcome !== 'string')
        expect(outcome.groups.every(({ audit }) => audit.status === 'sound')).toBe(true);
      else expect(['backup_damaged', 'not_a_backup']).toContain(outcome);
    }
    for (const length of [0, 100, 600, whole.length >> 1]) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(check(path), `${length} bytes`).rejects.toMatchObject({ name: 'BackupError' });
    }
  });

  test('a database that was changed together with its hash is found by the audit', async () => {
    const changed = (entries: Entry[]): Entry[] => {
      const database = entries.find(({ name }) => name === 'chain/data.mdb')!;
      const bytes = Buffer.from(database.body as Buffer);
      const at = bytes.indexOf('claim 1 of caller 7');
      expect(at).toBeGreaterThan(0);
      bytes.write('claim 8', at);
      const hash = toHex(sha256(bytes));
      return withManifest(({ files }) => Object.assign(files[1]!, { sha256: hash }))(
        entries.map((entry) => (entry === database ? { ...entry, body: bytes } : entry)),
      );
    };
    const { groups } = await check(await forge('lying.tar', changed));
    expect(groups.map(({ audit }) => audit.status).sort()).toEqual(['broken', 'sound']);
  });

  test("a file that is not there is the system's error", async () => {
    await expect(check(join(base, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('the canary: what was forged without a change is a backup', async () => {
  const { groups } = await check(await forge('same.tar', (entries) => entries));
  expect(groups).toHaveLength(2);
  expect(await text(createReadStream(join(base, 'node', 'node.json')))).toContain('format');
});
