/** Export files: the same bytes for the same group, whole or not there, and nothing in them is believed. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audit } from '../../../actors/history/audit.ts';
import {
  ExportFileError,
  type ExportFileErrorCode,
  exportGroup,
  openExport,
} from '../../../actors/history/export-file.ts';
import { END_BYTES, exportHeader, MAGIC } from '../../../actors/history/export-format.ts';
import { replay } from '../../../actors/history/replay.ts';
import { sha256 } from '../../../crypto/hash.ts';
import { fromHex, toHex } from '../../../events/bytes.ts';
import { encode } from '../../../events/codec.ts';
import type { GroupReader } from '../../../storage/port.ts';
import { assembleExport, type ExportParts } from '../../support/export-file.ts';
import {
  flipped,
  makeWorld,
  outsider,
  resealed,
  temporaryFolder,
  verifier,
  type World,
} from './histories.ts';

const folder = temporaryFolder();
const path = join(folder, 'group.lb');
let world: World;
let reader: GroupReader;
let whole: Uint8Array;
let blocks: Uint8Array[];
let artifacts: { hash: Uint8Array; bytes: Uint8Array }[];

beforeAll(async () => {
  world = await makeWorld(join(folder, 'store'), 3, 10);
  reader = world.store.group(world.groupId);
  await exportGroup(reader, path);
  whole = Uint8Array.from(readFileSync(path));
  blocks = [...reader.blocks(0)].map(({ bytes }) => bytes);
  artifacts = [...reader.artifacts()].map(({ hash }) => ({
    hash: fromHex(hash),
    bytes: reader.artifact(hash)!,
  }));
});
afterAll(() => world.store.close());

/** A file put together by hand, of what the group holds but for these parts. */
const assembled = (parts: Partial<ExportParts>): Uint8Array =>
  assembleExport({ blocks, artifacts, groupId: world.groupId, ...parts });

let files = 0;
function fileOf(bytes: Uint8Array): string {
  const name = join(folder, `made-${++files}`);
  writeFileSync(name, bytes);
  return name;
}

async function auditOf(bytes: Uint8Array) {
  using source = openExport(fileOf(bytes));
  return await audit(source, { verifier });
}

async function findingOf(bytes: Uint8Array) {
  const result = await auditOf(bytes);
  return result.status === 'broken' ? result.finding : undefined;
}

function openingFails(bytes: Uint8Array): ExportFileErrorCode | undefined {
  try {
    openExport(fileOf(bytes)).close();
    return undefined;
  } catch (error) {
    if (error instanceof ExportFileError) return error.code;
    throw error;
  }
}

describe('writing', () => {
  test('gives the same bytes every time, and no other file', async () => {
    const again = join(folder, 'again.lb');
    const summary = await exportGroup(reader, again);
    expect(readFileSync(again)).toEqual(readFileSync(path));
    expect(toHex(sha256(whole))).toBe(toHex(sha256(assembled({}))));
    expect(summary).toMatchObject({
      groupId: world.groupId,
      height: blocks.length - 1,
      blocks: blocks.length,
      artifacts: artifacts.length,
      bytes: whole.length,
    });
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  test('replaces a file only when told', async () => {
    const taken = fileOf(Uint8Array.of(1));
    await expect(exportGroup(reader, taken)).rejects.toMatchObject({ code: 'exists' });
    expect(readFileSync(taken)).toEqual(Buffer.of(1));
    await exportGroup(reader, taken, { overwrite: true });
    expect(Uint8Array.from(readFileSync(taken))).toEqual(whole);
  });

  test('never replaces what is no file', async () => {
    for (const taken of [folder, '/dev/null'])
      for (const overwrite of [false, true])
        await expect(exportGroup(reader, taken, { overwrite })).rejects.toMatchObject({ code: 'not_a_file' });
  });

  test('leaves nothing behind when it fails', async () => {
    const nowhere = join(folder, 'missing', 'file');
    await expect(exportGroup(reader, nowhere)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.not.stringContaining('.partial'),
    });
    const target = join(folder, 'never');
    const torn = Object.create(reader, {
      groupId: { value: reader.groupId },
      head: { value: () => reader.head() },
      blocks: { value: () => reader.blocks(1) },
    }) as GroupReader;
    await expect(exportGroup(torn, target)).rejects.toMatchObject({ code: 'corrupt' });
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });
});

describe('reading', () => {
  test('gives the history back: blocks, artifacts, replay, audit', async () => {
    using source = openExport(path);
    expect(source).toMatchObject({ groupId: world.groupId, height: blocks.length - 1 });
    expect([...source.blocks()]).toEqual(blocks);
    expect([...source.blocks(2, 4)]).toEqual(blocks.slice(2, 4));
    expect([...source.artifacts()]).toEqual(
      artifacts.map(({ hash, bytes }) => ({ hash: toHex(hash), bytes })),
    );
    for (const { hash, bytes } of artifacts) expect(source.artifact(toHex(hash))).toEqual(bytes);
    expect(source.artifact(outsider.publicKey)).toBeUndefined();
    await source.checkContainer();
    expect((await replay(source)).status).toBe('ok');
    const result = await audit(source, { verifier });
    expect(result.status).toBe('sound');
    expect(result.report).toMatchObject({ blocks: blocks.length, artifacts: artifacts.length });
  });

  test('of something else fails by its kind', () => {
    expect(openingFails(new Uint8Array(0))).toBe('not_an_export');
    expect(openingFails(new Uint8Array(500))).toBe('not_an_export');
    expect(openingFails(MAGIC.subarray(0, 5))).toBe('truncated');
    const later = Uint8Array.from(whole);
    later[7] = '2'.charCodeAt(0);
    expect(openingFails(later)).toBe('newer_version');
    expect(() => openExport(join(folder, 'nowhere'))).toThrow(expect.objectContaining({ code: 'not_found' }));
    expect(() => openExport(folder)).toThrow(expect.objectContaining({ code: 'not_a_file' }));
    expect(() => openExport('/dev/null')).toThrow(expect.objectContaining({ code: 'not_a_file' }));
  });

  test('says which file it was, and what to do', () => {
    const file = fileOf(new Uint8Array(500));
    expect(() => openExport(file)).toThrow(`${file}: the file is not an export of a group; name a file`);
  });

  test('of a file that was cut off fails wherever it was cut', () => {
    for (let length = MAGIC.length; length < whole.length; length += 97)
      expect(openingFails(whole.subarray(0, length))).toBe('truncated');
    expect(openingFails(whole.subarray(0, whole.length - 1))).toBe('truncated');
  });

  test('believes no length and no count', async () => {
    const headerBytes =
      13 + encode(exportHeader, { groupId: world.groupId, height: blocks.length - 1 }).length;
    const long = Uint8Array.from(whole);
    long.fill(0xff, headerBytes + 1, headerBytes + 5); // the length of block 0
    expect(await findingOf(long)).toMatchObject({ height: 0, check: 'file', code: 'malformed' });
    const counts = whole.length - END_BYTES;
    expect(openingFails(flipped(whole, (counts + 7) * 8))).toBe('malformed');
    expect(await findingOf(flipped(whole, (counts + 15) * 8))).toMatchObject({
      check: 'file',
      code: 'malformed',
    });
    expect(await findingOf(flipped(whole, (counts + 9) * 8))).toMatchObject({
      check: 'file',
      code: 'malformed',
    });
  });

  test('of a closed file fails', () => {
    const source = openExport(path);
    source.close();
    expect(() => [...source.blocks()]).toThrow(expect.objectContaining({ code: 'io' }));
  });
});

describe('an audit of a damaged file', () => {
  test('names the broken block rather than the checksum', async () => {
    let at =
      MAGIC.length + 5 + encode(exportHeader, { groupId: world.groupId, height: blocks.length - 1 }).length;
    for (const [height, { length }] of blocks.entries()) {
      const finding = await findingOf(flipped(whole, (at + 5 + (length >> 1)) * 8 + 3));
      expect(finding).toMatchObject({ height });
      expect(finding!.check).not.toBe('file');
      at += 5 + length;
    }
  });

  test('names the broken block before a frame that cannot be read after it', async () => {
    const broken = assembled({
      blocks: blocks.map((bytes, at) => (at === 3 ? resealed(bytes, outsider, {}) : bytes)),
    });
    let at =
      MAGIC.length + 5 + encode(exportHeader, { groupId: world.groupId, height: blocks.length - 1 }).length;
    for (const { length } of blocks.slice(0, 5)) at += 5 + length;
    const both = Uint8Array.from(broken);
    both[at] = 9; // no such frame, where block 5 should be
    expect(await findingOf(both)).toMatchObject({ height: 3, refusal: { code: 'block_wrong_sealer' } });
    const only = Uint8Array.from(whole);
    only[at] = 9;
    expect(await findingOf(only)).toMatchObject({ height: 5, check: 'file', code: 'malformed' });
  });

  test('names blocks that were dropped, repeated or exchanged', async () => {
    const gap = { height: 4, check: 'refused', refusal: { code: 'block_height_gap' } };
    expect(await findingOf(assembled({ blocks: blocks.toSpliced(4, 1) }))).toMatchObject(gap);
    expect(await findingOf(assembled({ blocks: blocks.toSpliced(4, 0, blocks[3]!) }))).toMatchObject(gap);
    const [four, five] = [blocks[4]!, blocks[5]!];
    expect(await findingOf(assembled({ blocks: blocks.toSpliced(4, 2, five, four) }))).toMatchObject(gap);
    expect(await findingOf(assembled({ groupId: outsider.publicKey }))).toMatchObject({
      height: 0,
      refusal: { code: 'block_wrong_group' },
    });
  });

  test('names artifacts that are missing or changed, and frames out of order', async () => {
    const [first, ...others] = artifacts;
    const artifact = toHex(first!.hash);
    expect(await findingOf(assembled({ artifacts: others }))).toMatchObject({
      check: 'artifact_missing',
      artifact,
    });
    const bytes = flipped(first!.bytes, 5);
    expect(
      await findingOf(assembled({ artifacts: [{ hash: first!.hash, bytes }, ...others] })),
    ).toMatchObject({
      check: 'artifact_mismatch',
      artifact,
      actual: toHex(sha256(bytes)),
    });
    expect(await findingOf(assembled({ artifacts: artifacts.toReversed() }))).toMatchObject({
      check: 'file',
      code: 'malformed',
    });
  });

  test('finds a wrong checksum when nothing else is wrong', async () => {
    expect(await findingOf(flipped(whole, whole.length * 8 - 3))).toEqual({
      height: blocks.length - 1,
      check: 'file',
      code: 'checksum_mismatch',
      what: expect.any(String),
    });
  });

  test('never passes and never throws, whatever bit is turned', async () => {
    for (let bit = 3; bit < whole.length * 8; bit += 1_009) {
      const damaged = flipped(whole, bit);
      if (openingFails(damaged) === undefined) expect(await findingOf(damaged)).toBeDefined();
    }
  });
});
