/** docs/CLI.md against the program. `LB_UPDATE_DOCS=1` writes the page anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { REFERENCE_BEGIN, REFERENCE_END, renderReference } from '../../../interfaces/cli/reference.ts';
import { builtProgram } from '../../support/terminal.ts';

const PAGE = new URL('../../../docs/CLI.md', import.meta.url);

const program = builtProgram();

/** Verbs that do something, with those of families. */
function verbs(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(verbs);
}

describe('the reference', () => {
  test('docs/CLI.md says what the program does', () => {
    const page = readFileSync(PAGE, 'utf8');
    const begin = page.indexOf(REFERENCE_BEGIN) + REFERENCE_BEGIN.length;
    const end = page.indexOf(REFERENCE_END);
    const expected = `${page.slice(0, begin)}\n\n${renderReference(program)}\n${page.slice(end)}`;
    if (process.env.LB_UPDATE_DOCS) writeFileSync(PAGE, expected);
    else expect(page).toBe(expected);
  });

  test('every verb has a one-line summary that ends in a full stop', () => {
    for (const verb of verbs(program).filter((one) => one.name() !== 'help')) {
      expect(verb.summary(), verb.name()).toMatch(/^[A-Z].*[.…]$/);
      expect(verb.summary(), verb.name()).not.toContain('\n');
    }
  });

  test('every verb has an example, and the example parses', () => {
    for (const verb of verbs(program).filter((one) => one.name() !== 'help')) {
      let help = '';
      verb.configureOutput({ writeOut: (text) => (help += text) });
      verb.outputHelp();
      const example = help.slice(help.indexOf('\nExample:\n'));
      expect(example, verb.name()).toContain(
        `  lb ${verb.parent === program ? '' : `${verb.parent!.name()} `}`,
      );
      for (const [flag] of example.matchAll(/--[a-z-]+/g))
        expect(
          verb.options.map(({ long }) => long),
          `${verb.name()} ${flag}`,
        ).toContain(flag);
    }
  });

  test('every flag is described', () => {
    for (const verb of verbs(program))
      for (const option of verb.options)
        expect(option.description, `${verb.name()} ${option.flags}`).not.toBe('');
  });

  test('the error texts never name a verb that takes something away', () => {
    for (const file of ['errors.ts', 'failures.ts']) {
      const page = readFileSync(new URL(`../../../interfaces/cli/${file}`, import.meta.url), 'utf8');
      expect(page, file).not.toMatch(/lb (remove|revoke|retract|cancel|sealer)/);
    }
  });
});
