/** What the machine can do to a verb: lost and damaged files, wrong paths, output that nobody takes. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BatteryNode } from '../../node.ts';
import { startNode, stopNode } from '../support/owner.ts';
import { lb, shell } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-environment-'));
const data = join(base, 'node');
const env = { LB_DATA: data };
afterAll(() => rmSync(base, { recursive: true, force: true }));

beforeAll(async () => {
  await using node = await BatteryNode.openOrInit({ data });
  const group = await node.createGroup({ name: 'g' });
  for (let round = 0; round < 3; round++) await group.as('node').publishClaim({ text: `claim ${round}` });
});

interface Failed {
  code: string;
  message: string;
}

/** What a verb says that must fail: one line, with nothing of the system's own text in it. */
async function failed(
  exit: number,
  args: readonly string[],
  variables: NodeJS.ProcessEnv = env,
): Promise<Failed> {
  const { code, stdout, stderr } = await lb([...args, '--json'], { env: variables });
  expect({ code, stdout }, `lb ${args.join(' ')}: ${stderr}`).toEqual({ code: exit, stdout: '' });
  expect(stderr.trimEnd()).not.toMatch(/\n|undefined|\bE[A-Z]{4,}\b|\.partial/);
  return JSON.parse(stderr) as Failed;
}

/** A copy of the node, to be spoilt. */
function copy(name: string): string {
  const dir = join(base, name);
  cpSync(data, dir, { recursive: true });
  return dir;
}

describe('a node that has lost something', () => {
  test.each<[string, string, (chain: string) => void]>([
    [
      'a database that is cut short',
      'is cut short',
      (chain) => truncateSync(join(chain, 'data.mdb'), 20_000),
    ],
    ['an empty database', 'is missing or empty', (chain) => truncateSync(join(chain, 'data.mdb'), 0)],
    ['no database', 'is missing or empty', (chain) => rmSync(join(chain, 'data.mdb'))],
    ['no chain', 'is missing or empty', (chain) => rmSync(chain, { recursive: true })],
    [
      'a database of garbage',
      'is not a database',
      (chain) => writeFileSync(join(chain, 'data.mdb'), 'x'.repeat(99_999)),
    ],
  ])('%s: 7', async (name, words, spoil) => {
    const dir = copy(name);
    spoil(join(dir, 'chain'));
    const { code, message } = await failed(7, ['info', '--data', dir]);
    expect(code).toBe('corrupt');
    expect(message).toContain(words);
    expect(message).toContain('restore it from a backup');
    // Looking at it changed nothing.
    expect(await failed(7, ['audit', '--data', dir])).toMatchObject({ message });
  });

  test('its keys: 7, and none are made in their place', async () => {
    const dir = copy('keyless');
    rmSync(join(dir, 'keys', 'keystore.json'));
    for (const verb of ['info', 'init', 'demo'])
      expect(await failed(7, [verb, '--data', dir])).toMatchObject({
        code: 'keystore_lost',
        message: expect.stringContaining('restore keystore.json from a backup'),
      });
    await expect(BatteryNode.openOrInit({ data: dir })).rejects.toMatchObject({ code: 'keystore_lost' });
    expect(readdirSync(join(dir, 'keys'))).toEqual([]);
  });

  test('its keys and its database: 7, as long as the directory remembers that there was one', async () => {
    const dir = copy('bare');
    rmSync(join(dir, 'keys', 'keystore.json'));
    rmSync(join(dir, 'chain'), { recursive: true });
    expect((await failed(7, ['init', '--data', dir])).code).toBe('keystore_lost');
  });

  test('a node whose making was interrupted is told how to finish it: 3', async () => {
    const dir = join(base, 'unfinished');
    await lb(['init', '--data', dir]);
    rmSync(join(dir, 'keys', 'keystore.json'));
    expect((await failed(3, ['info', '--data', dir])).message).toContain('lb init --data DIR');
    expect((await lb(['init', '--data', dir])).code).toBe(0);
  });
});

describe('paths', () => {
  const file = join(base, 'a-file');
  beforeAll(() => writeFileSync(file, 'text'));

  test('where no node can be made: 7', async () => {
    const through = await failed(7, ['init', '--data', join(file, 'node')]);
    expect(through.message).toMatch(/a part of its path is a file, not a folder; check the path$/);
    expect((await failed(7, ['init', '--data', file])).code).toBe('not_a_node');
  });

  test.skipIf(process.platform !== 'linux')('where no folder can be made: 7, and it ends', async () => {
    const { message } = await failed(7, ['init', '--data', '/proc/x/node']);
    expect(message).toBe(
      'cannot make /proc/x/node: the folder for it is not there, or takes nothing new; check the path',
    );
    // The cache of the compiled program is no reason to hang either.
    const { code } = await lb(['info'], { env: { ...env, XDG_CACHE_HOME: '/proc/x' } });
    expect(code).toBe(0);
  });

  test('a folder where a file is wanted: 2', async () => {
    const cases = [
      ['audit', base],
      ['replay', base],
      ['verify-proof', base],
      ['publish-claim', '--file', base],
      ['export', '--out', base],
      ['export', '--out', base, '--overwrite'],
    ];
    for (const error of await Promise.all(cases.map((args) => failed(2, args)))) {
      expect(error.message).toContain(base);
      expect(error.message).toMatch(/is a folder, not a file; name a file$/);
    }
  });

  test('nothing there: 3', async () => {
    const nowhere = join(base, 'nowhere', 'file');
    const [audit, proof, out, receipt] = await Promise.all([
      failed(3, ['audit', nowhere]),
      failed(3, ['verify-proof', nowhere]),
      failed(3, ['export', '--out', nowhere]),
      failed(3, ['prove', '--tx', await transaction(), '--out', nowhere]),
    ]);
    expect(audit.message).toBe(`there is no file ${nowhere}; a group goes by --group`);
    expect(proof.message).toBe(`cannot read ${nowhere}: there is no such file or folder; check the path`);
    for (const { message } of [out, receipt])
      expect(message).toBe(
        `cannot write ${nowhere}: the folder for it is not there, or takes nothing new; check the path`,
      );
  });

  test('a file that is there already: 4, and it stays', async () => {
    const [out, receipt] = await Promise.all([
      failed(4, ['export', '--out', file]),
      failed(4, ['prove', '--tx', await transaction(), '--out', file]),
    ]);
    expect(out.message).toBe(
      `${file} is there already, and was left as it is; choose another name, or add --overwrite`,
    );
    expect(receipt.message).toContain(`cannot write ${file}: it is there already, and was left as it is`);
    expect(readFileSync(file, 'utf8')).toBe('text');
  });

  test('a current folder that is gone: 3', async () => {
    const gone = join(base, 'gone');
    const { code, stderr } = await shell(`mkdir "$GONE"; cd "$GONE"; rmdir "$GONE"; exec "$LB" info`, {
      env: { ...env, GONE: gone },
    });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'lb: cannot read the current folder: there is no such file or folder; check the path\n',
    });
  });

  test('a file that is no export is named: 4', async () => {
    expect((await failed(4, ['audit', file])).message).toContain(file);
  });
});

async function transaction(): Promise<string> {
  const { stdout } = await lb(['show', '1', '--json'], { env });
  return (JSON.parse(stdout) as { data: { transactions: { tx_id: string }[] } }).data.transactions[0]!.tx_id;
}

describe.skipIf(!existsSync('/dev/full'))('output that cannot be written', () => {
  test.each(['info', 'info --json', 'log', '--help'])('lb %s: 7, and one line', async (verb) => {
    const { code, stderr } = await shell(`"$LB" ${verb} > /dev/full`, { env });
    expect(code).toBe(7);
    const said = stderr
      .trimEnd()
      .split('\n')
      .filter((line) => line.includes('standard output'));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('the disk is full');
    expect(stderr).not.toMatch(/^\s+at |node:/m);
  });

  test('also where a node that is up does the verb', async () => {
    const node = await startNode(data);
    try {
      const { code, stderr } = await shell('"$LB" log --json > /dev/full', { env });
      expect({ code, error: JSON.parse(stderr).code }).toEqual({ code: 7, error: 'output_failed' });
    } finally {
      expect(await stopNode(node)).toBe(0);
    }
  });

  test('another failure keeps its own exit code', async () => {
    const { code } = await shell('"$LB" balance nobody > /dev/full', { env });
    expect(code).toBe(3);
  });
});
