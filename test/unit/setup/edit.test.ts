/** An entry goes into a configuration and out again, and all else stays as it is. */
import fc from 'fast-check';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import {
  ConfigurationFileError,
  entryAt,
  readDocument,
  withEntry,
  withoutEntry,
} from '../../../interfaces/setup/edit.ts';
import { changeBetween, undone } from '../../../interfaces/setup/undo.ts';

const ENTRY = { command: '/opt/lb', args: ['mcp', '--data', '/a b'] };
const JSON_PATH = ['mcpServers', 'battery-node'];
const TOML_PATH = ['mcp_servers', 'battery-node'];

const JSON_TEXTS = {
  nothing: '',
  'an empty object': '{}',
  'other servers': '{\n  "mcpServers": {\n    "other": { "command": "x" }\n  },\n  "z": 1\n}\n',
  'comments and trailing commas':
    '{\n\t// mine\n\t"mcpServers": {\n\t\t/* old */\n\t\t"other": { "command": "x", },\n\t},\n}\n',
  'line ends of Windows': '{\r\n  "theme": "dark"\r\n}\r\n',
};

const TOML_TEXTS = {
  nothing: '',
  settings: 'model = "o"\n# mine\n[profiles.a]\nx = 1',
  'other servers':
    '[mcp_servers.other]\ncommand = "x"\n\n[mcp_servers.other.env]\nA = "[mcp_servers.battery-node]"\n',
  'a text that looks like a header': 'a = """\n[mcp_servers.battery-node]\n"""\n',
  'line ends of Windows': 'model = "o"\r\n',
};

describe.each([
  ['json', JSON_TEXTS, JSON_PATH],
  ['toml', TOML_TEXTS, TOML_PATH],
] as const)('in %s', (format, texts, path) => {
  test.each(Object.entries(texts))(
    'beside %s, the entry is there and nothing else is different',
    (_, text) => {
      const added = withEntry(text, format, path, ENTRY);
      expect(entryAt(readDocument(added, format), path)).toEqual(ENTRY);
      for (const line of text.split(/\r?\n/)) expect(added).toContain(line.replace(/[,}\s]+$/, ''));
      if (text.includes('\r\n')) expect(added.replaceAll('\r\n', '')).not.toContain('\n');
    },
  );

  test.each(Object.entries(texts))('beside %s, what was changed is taken back to the byte', (_, text) => {
    const added = withEntry(text, format, path, ENTRY);
    expect(undone(added, changeBetween(text, added))).toBe(text);
    expect(undone(`${added} `, changeBetween(text, added))).toBeUndefined();
    expect(undone(added, changeBetween(undefined, added))).toBeNull();
  });

  test('somebody’s later setting survives the removal', () => {
    const added = withEntry(texts['other servers'], format, path, ENTRY);
    const later =
      format === 'toml' ? `${added}\n# theirs\n[later]\nb = 2\n` : added.replace('"z": 1', '"z": 2');
    const removed = withoutEntry(later, format, path);
    expect(entryAt(readDocument(removed, format), path)).toBeUndefined();
    expect(removed).toContain(format === 'toml' ? '# theirs\n[later]\nb = 2' : '"z": 2');
    expect(entryAt(readDocument(removed, format), [path[0]!, 'other'])).toBeDefined();
  });
});

test('a comment behind the last setting stays with it, and a line on the way out is one line', () => {
  const text = '{\n  "mcpServers": {\n    "a": { "command": "x" } // mine\n  }\n}\n';
  const added = withEntry(text, 'json', JSON_PATH, { command: 'lb' });
  expect(added).toBe(
    '{\n  "mcpServers": {\n    "a": { "command": "x" }, // mine\n    "battery-node": {\n      "command": "lb"\n    }\n  }\n}\n',
  );
  expect(withoutEntry(added, 'json', JSON_PATH)).toBe(text);
});

test('the tables below an entry of TOML go with it', () => {
  const text =
    '[mcp_servers."battery-node"]\ncommand = "lb"\n[mcp_servers.battery-node.env]\nA = "1"\n[other]\n';
  expect(parseToml(withoutEntry(text, 'toml', TOML_PATH))).toEqual({ other: {} });
});

test.each([
  ['json', '{"a": }', /line 1 is not JSON/],
  ['json', '[]', /not a table/],
  ['json', '{\n"mcpServers": 1\n', /line 3 is not JSON/],
  ['toml', 'a = ', /not TOML/],
] as const)('a damaged file in %s is refused: %s', (format, text, message) => {
  expect(() => readDocument(text, format)).toThrow(ConfigurationFileError);
  expect(() => readDocument(text, format)).toThrow(message);
});

test('an entry in the middle of another table is left to people', () => {
  const text = 'mcp_servers = { battery-node = { command = "lb" } }\n';
  expect(() => withoutEntry(text, 'toml', TOML_PATH)).toThrow(ConfigurationFileError);
  expect(() => withEntry('mcp_servers = { }\n', 'toml', TOML_PATH, ENTRY)).toThrow(ConfigurationFileError);
});

test('whatever a JSON configuration holds, it is the same after a change and its undoing', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 2, '\t'),
      (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        // At any depth: a reader that knows comments takes that name for what it is in the language.
        fc.pre(!text.includes('"__proto__"') && !Object.hasOwn(value, 'mcpServers'));
        const added = withEntry(text, 'json', JSON_PATH, ENTRY);
        expect(undone(added, changeBetween(text, added))).toBe(text);
        expect(readDocument(withoutEntry(added, 'json', JSON_PATH), 'json')).toEqual({
          ...(JSON.parse(text) as object),
          mcpServers: {},
        });
      },
    ),
    { numRuns: 200 },
  );
});
