import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDirectory, DIRECTORY_FORMAT, openDirectory } from '../../../storage/directory.ts';
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
