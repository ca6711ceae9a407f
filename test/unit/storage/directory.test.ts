import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  assertMayBeNode,
  createDirectory,
  DIRECTORY_FORMAT,
  hadChain,
  hasOrHadChain,
  openDirectory,
  recordChain,
} from '../../../storage/directory.ts';
import { temporaryDirectory } from './temporary.ts';

function refusal(code: string): Error {
  return expect.objectContaining({ name: 'DirectoryError', code });
}

test('a new directory is for its user alone, and is opened again', () => {
  const dir = join(temporaryDirectory(), 'deep', 'node');
  const layout = createDirectory(dir);
  for (const path of [layout.root, layout.chain, layout.views, layout.keys]) {
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
  expect(JSON.parse(readFileSync(layout.node, 'utf8'))).toEqual({ format: DIRECTORY_FORMAT });
  expect(openDirectory(dir)).toEqual(layout);
  expect(createDirectory(dir)).toEqual(layout);
});

test('an empty directory may become a node, also after a crash in its making', () => {
  const dir = temporaryDirectory();
  writeFileSync(join(dir, 'node.json.tmp'), '{"for');
  expect(() => openDirectory(dir)).toThrow(refusal('not_a_node'));
  createDirectory(dir);
  openDirectory(dir);
});

test('missing: there is no such directory', () => {
  const dir = join(temporaryDirectory(), 'nowhere');
  expect(() => openDirectory(dir)).toThrow(refusal('missing'));
});

test('not_a_node: the path is a file', () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  expect(() => openDirectory(file)).toThrow(refusal('not_a_node'));
  expect(() => createDirectory(file)).toThrow(refusal('not_a_node'));
});

test('not_a_node: other things are in it, or its mark cannot be read', () => {
  const dir = temporaryDirectory();
  expect(() => openDirectory(dir)).toThrow(refusal('not_a_node'));
  mkdirSync(join(dir, 'photos'));
  expect(() => openDirectory(dir)).toThrow(refusal('not_a_node'));
  expect(() => createDirectory(dir)).toThrow(refusal('not_a_node'));
  for (const text of ['', 'null', '[]', '{"format":"1"}', '{"format":0.5}', '{']) {
    writeFileSync(join(dir, 'node.json'), text);
    expect(() => openDirectory(dir)).toThrow(refusal('not_a_node'));
  }
});

test('newer_format: a later version made it', () => {
  const dir = temporaryDirectory();
  writeFileSync(join(dir, 'node.json'), JSON.stringify({ format: DIRECTORY_FORMAT + 1 }));
  expect(() => openDirectory(dir)).toThrow(refusal('newer_format'));
  expect(() => createDirectory(dir)).toThrow(refusal('newer_format'));
});

test('what would be refused is refused without making anything', () => {
  const dir = join(temporaryDirectory(), 'node');
  assertMayBeNode(dir);
  expect(existsSync(dir)).toBe(false);
  mkdirSync(join(dir, 'photos'), { recursive: true });
  expect(() => assertMayBeNode(dir)).toThrow(refusal('not_a_node'));
});

test('that a chain was here is remembered, also when its database is gone', () => {
  const layout = createDirectory(temporaryDirectory());
  expect([hadChain(layout), hasOrHadChain(layout.root)]).toEqual([false, false]);
  writeFileSync(join(layout.chain, 'data.mdb'), 'something');
  expect([hadChain(layout), hasOrHadChain(layout.root)]).toEqual([false, true]);
  rmSync(join(layout.chain, 'data.mdb'));
  recordChain(layout);
  expect([hadChain(layout), hasOrHadChain(layout.root)]).toEqual([true, true]);
  expect(readdirSync(layout.root).sort()).toEqual(['chain', 'keys', 'node.json', 'views']);
});

test('what a later version adds to the mark stays', () => {
  const layout = createDirectory(temporaryDirectory());
  writeFileSync(layout.node, JSON.stringify({ format: DIRECTORY_FORMAT, colour: 'green' }));
  recordChain(layout);
  expect(JSON.parse(readFileSync(layout.node, 'utf8'))).toEqual({
    format: DIRECTORY_FORMAT,
    colour: 'green',
    chain: true,
  });
});

test('io: a path that leads through a file, in words', () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  const io = expect.objectContaining({ name: 'StorageError', code: 'io' });
  expect(() => createDirectory(join(file, 'node'))).toThrow(io);
  expect(() => createDirectory(join(file, 'node'))).toThrow(
    `cannot make ${join(file, 'node')}: a part of its path is a file, not a folder; check the path`,
  );
  const { root } = createDirectory(temporaryDirectory());
  rmSync(join(root, 'views'), { recursive: true });
  writeFileSync(join(root, 'views'), '');
  expect(() => openDirectory(root)).toThrow(`${join(root, 'views')} is a file where a folder is needed`);
});
