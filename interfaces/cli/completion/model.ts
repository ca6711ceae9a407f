/** The verbs and flags of the program as completion needs them, taken from the program itself. */
import type { Command, Option } from 'commander';

/** Things of a node or of this program that a value may name: `lb completion-values KIND` lists them. */
export const NAMED_KINDS = [
  'group',
  'identity',
  'member',
  'task',
  'offer',
  'setting',
  'operation',
  'verb',
  'context',
] as const;
export type NamedKind = (typeof NAMED_KINDS)[number];

/**
 * What may stand behind a flag or as an argument: nothing, a file, a folder, one of a few words, the name of
 * something, or what only the user knows.
 */
export type Value =
  | { readonly kind: 'none' | 'file' | 'folder' | 'other' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'named'; readonly of: NamedKind };

export interface Flag {
  /** `--text`. */
  readonly long: string;
  readonly value: Value;
  readonly description: string;
}

export interface Place {
  /** `''` for the program, `identity`, `identity new`. */
  readonly path: string;
  /** Verbs that may follow. */
  readonly verbs: readonly { readonly name: string; readonly summary: string }[];
  readonly flags: readonly Flag[];
  /** What its first argument may be. */
  readonly argument: Value;
}

/** Every place on a command line where something may follow, the program itself first. */
export function placesOf(program: Command): Place[] {
  return placesBelow(program, '');
}

function placesBelow(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const below = command.commands.flatMap((one) =>
    placesBelow(one, path === '' ? one.name() : `${path} ${one.name()}`),
  );
  const place: Place = {
    path,
    // `help` of a family is commander's own; `lb VERB --help` says the same.
    verbs: help
      .visibleCommands(command)
      .filter((one) => command.commands.includes(one))
      .map((one) => ({ name: one.name(), summary: one.summary() || one.description() })),
    flags: help.visibleOptions(command).flatMap((option) => flagOf(option, command)),
    argument: argumentOf(command),
  };
  return [place, ...below];
}

function flagOf(option: Option, command: Command): Flag[] {
  const { long } = option;
  if (long === undefined || long === null) return [];
  const [, name] = /<(.*?)>/.exec(option.flags) ?? [];
  // `--context` has a name as its value, like others that name something else.
  const what = long === '--context' ? 'context' : name;
  // A flag that says the same as an argument takes the same.
  const argument = command.registeredArguments.find((one) => `--${one.name()}` === long);
  const description = SAME.test(option.description) ? (argument?.description ?? '') : option.description;
  return [
    {
      long,
      value: what === undefined ? { kind: 'none' } : valueNamed(what, description),
      description: option.description,
    },
  ];
}

function argumentOf(command: Command): Value {
  const [first] = command.registeredArguments;
  if (first === undefined) return { kind: 'none' };
  const isContext =
    first.name() === 'name' && command.parent?.name() === 'context' && command.name() !== 'add';
  return valueNamed(isContext ? 'context' : first.name(), first.description);
}

/** Words that a description lists: `json, nagios, prometheus`, `only claims that are in, out, retracted`. */
const LISTED = /(?:^|\bare )([a-z0-9_-]+(?:, [a-z0-9_-]+)+)(?: \(default: .*\))?$/;
const SAME = /^the same as a flag$/;

function valueNamed(name: string, description: string): Value {
  const plain = name.replace(/\.\.\.$/, '');
  if (/^(file|path)$/.test(plain)) return { kind: 'file' };
  if (/^(dir|folder)$/.test(plain)) return { kind: 'folder' };
  const words = LISTED.exec(description)?.[1]?.split(', ');
  if (words !== undefined) return { kind: 'words', words };
  if (/^on or off\b/.test(description)) return { kind: 'words', words: ['on', 'off'] };
  const of = NAMED_KINDS.find((kind) => kind === plain);
  return of === undefined ? { kind: 'other' } : { kind: 'named', of };
}

/** The flags of all places that have a value, each once. */
export function flagsWithValues(places: readonly Place[]): string[] {
  const flags = places.flatMap((place) => place.flags).filter(({ value }) => value.kind !== 'none');
  return [...new Set(flags.map(({ long }) => long))];
}
