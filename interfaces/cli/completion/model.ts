/** The verbs and flags of the program as completion needs them, taken from the program itself. */
import type { Command, Option } from 'commander';

/** What may stand behind a flag: nothing, a file, a folder, or something that only the user knows. */
export type ValueKind = 'none' | 'file' | 'folder' | 'other';

export interface Flag {
  /** `--text`. */
  readonly long: string;
  readonly value: ValueKind;
  readonly description: string;
}

export interface Place {
  /** `''` for the program, `identity`, `identity new`. */
  readonly path: string;
  /** Verbs that may follow. */
  readonly verbs: readonly { readonly name: string; readonly summary: string }[];
  readonly flags: readonly Flag[];
  /** Whether an argument of it is a file. */
  readonly takesFile: boolean;
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
    verbs: command.commands.map((one) => ({ name: one.name(), summary: one.summary() || one.description() })),
    flags: help.visibleOptions(command).flatMap(flagOf),
    takesFile: command.registeredArguments.some((one) => /^(file|path|folder)$/.test(one.name())),
  };
  return [place, ...below];
}

function flagOf(option: Option): Flag[] {
  const { long, description } = option;
  if (long === undefined || long === null) return [];
  const value = /<(.*?)>/.exec(option.flags)?.[1];
  return [{ long, value: kindOf(value), description }];
}

function kindOf(value: string | undefined): ValueKind {
  if (value === undefined) return 'none';
  if (/^(file|path)$/.test(value)) return 'file';
  return /^(dir|folder)$/.test(value) ? 'folder' : 'other';
}

/** The flags of all places whose value is of a kind, each once. */
export function flagsWith(places: readonly Place[], kind: ValueKind): string[] {
  const flags = places.flatMap((place) => place.flags).filter(({ value }) => value === kind);
  return [...new Set(flags.map(({ long }) => long))];
}
