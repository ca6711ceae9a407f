/**
 * What a value may name, for the shell's completion: groups, identities, members, tasks, offers of this node, and
 * what the program itself knows. Each is one word that needs no quotes; a name that does is given by its id instead.
 */
import type { Command } from 'commander';
import type { Hex32 } from '../../../events/bytes.ts';
import { SETTING_NAMES } from '../../config/schema.ts';
import type { Run } from '../context.ts';
import { readContexts } from '../contexts.ts';
import { shortId } from '../text.ts';
import type { NamedKind } from './model.ts';

/** More than anybody reads at a press of Tab. */
const NAMES_MAX = 200;
/** Shells split words at a colon and others; an id has none. */
const PLAIN = /^[\p{L}\p{N}_.-]+$/u;

const word = (name: string, id: Hex32): string => (PLAIN.test(name) ? name : shortId(id));

/** The names of a kind, the first ones where there are many. */
export async function namesOf(kind: NamedKind, run: Run, program: Command): Promise<string[]> {
  const names = await FINDERS[kind](run, program);
  return [...new Set(names)].slice(0, NAMES_MAX);
}

const FINDERS: Readonly<Record<NamedKind, (run: Run, program: Command) => string[] | Promise<string[]>>> = {
  group: async (run) => {
    const node = await run.node();
    const ids = node.groupIds().slice(0, NAMES_MAX);
    return ids.map((id) => word(node.group(id).info().name, id));
  },
  identity: async (run) => (await run.node()).identities().map(({ name }) => name),
  member: async (run) => {
    const node = await run.node();
    const own = new Map(node.identities().map(({ name, publicKey }) => [publicKey, name]));
    const members = (await run.group()).now.members();
    return members.map(({ member }) => own.get(member) ?? shortId(member));
  },
  task: async (run) => {
    const open = (await run.group()).now.tasks({ status: 'open' });
    return open.map(({ task }) => task).filter((task) => PLAIN.test(task));
  },
  offer: async (run) => (await run.group()).now.offers().map(({ offer }) => shortId(offer)),
  setting: () => [...SETTING_NAMES],
  operation: async () => {
    const { OPERATIONS } = await import('../../operations/registry.ts');
    return OPERATIONS.map(({ name }) => name);
  },
  verb: (_, program) =>
    program
      .createHelp()
      .visibleCommands(program)
      .map((one) => one.name()),
  context: (run) => [...readContexts(run.env).directories.keys()],
};
