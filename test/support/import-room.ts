/** A node with a group and an empty folder for each test, to import the folder into the group. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Group } from '../../actors/group.ts';
import {
  type ImportOptions,
  type ImportSummary,
  importMarkdown,
} from '../../interfaces/cli/import/import-markdown.ts';
import { BatteryNode } from '../../node.ts';

export interface ImportRoom {
  readonly node: BatteryNode;
  readonly group: Group;
  /** The folder that is imported; it is called `docs`. */
  readonly docs: string;
  /** The folder around it. */
  readonly around: string;
  write(path: string, content: string | Uint8Array): string;
  run(options?: Partial<ImportOptions>): Promise<ImportSummary>;
  /** The texts of the claims that stand, in order, with one space for white space. */
  standing(): string[];
  /** The paths in `docs` that could not be imported, with the reasons. */
  failures(summary: ImportSummary): [string, string][];
}

/** Registers what begins and ends a room; what is given is of the test that runs. */
export function importRoom(): ImportRoom {
  const base = mkdtempSync(join(tmpdir(), 'lb-import-'));
  let count = 0;
  const room = {
    write(path: string, content: string | Uint8Array): string {
      const file = join(room.docs, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
    run: (options: Partial<ImportOptions> = {}) =>
      importMarkdown({
        group: room.group,
        agent: room.group.as('node'),
        data: room.node.data,
        paths: [room.docs],
        ...options,
      }),
    standing: () =>
      Array.from(room.group.now.claims())
        .filter(({ retraction }) => retraction === undefined)
        .map(({ claim }) => room.group.claimContent(claim)!.text.replace(/\s+/g, ' '))
        .sort(),
    failures: ({ failed }: ImportSummary) =>
      failed.map(({ path, reason }): [string, string] => [path.slice(room.docs.length + 1), reason]),
  } as { -readonly [Key in keyof ImportRoom]: ImportRoom[Key] };
  beforeAll(async () => {
    room.node = await BatteryNode.openOrInit({ data: join(base, 'data'), durability: 'commit', threads: 1 });
  });
  afterAll(async () => {
    await room.node.close();
    rmSync(base, { recursive: true, force: true });
  });
  beforeEach(async () => {
    room.group = await room.node.createGroup({ name: `group ${++count}` });
    room.around = join(base, `run-${count}`);
    room.docs = join(room.around, 'docs');
    mkdirSync(room.docs, { recursive: true });
  });
  return room;
}
