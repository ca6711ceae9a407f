/** What registries of MCP servers read says the same as package.json and the program. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { builtProgram } from '../support/terminal.ts';

interface Argument {
  readonly type: 'positional' | 'named';
  readonly value?: string;
  readonly name?: string;
}

interface ServerManifest {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly packages: readonly {
    readonly identifier: string;
    readonly version: string;
    readonly packageArguments: readonly Argument[];
  }[];
}

const readJson = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));

const server = readJson('server.json') as ServerManifest;
const [listed] = server.packages;
const manifest = readJson('package.json') as { name: string; version: string; mcpName: string };

test('name and version are those of the package', () => {
  expect(server).toMatchObject({ name: manifest.mcpName, version: manifest.version });
  expect(listed).toMatchObject({ identifier: manifest.name, version: manifest.version });
});

test('the description is as short as the registry asks for', () => {
  expect(server.description.length).toBeLessThanOrEqual(100);
});

test('the arguments start a verb with flags that it has', () => {
  const [start, ...flags] = listed!.packageArguments;
  const verb = builtProgram().commands.find((command) => command.name() === start!.value);
  const known = verb?.options.map(({ long }) => long);
  expect(known).toEqual(expect.arrayContaining(flags.map(({ name }) => name)));
});
