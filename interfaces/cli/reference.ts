/**
 * The part of docs/CLI.md that follows from the program: verbs, flags, exit codes. A test holds the page against
 * it, so that the page stays true.
 */
import type { Command, Option } from 'commander';
import { EXIT } from './exit-codes.ts';

export const REFERENCE_BEGIN = '<!-- Generated from the program: edit the verbs, not this. -->';
export const REFERENCE_END = '<!-- End of the generated part. -->';

const MEANING_OF_EXIT: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Done.',
  bug: 'A bug of `lb`; please report it.',
  usage: 'The command line makes no sense, or a short id fits several things.',
  notFound: 'Nothing goes by that id, name or path.',
  refused:
    'The rules of the group, or the state of the node, say no; or what was checked (audit, replay, receipt) does not hold.',
  forbidden: 'The password is missing or wrong.',
  unreachable: 'A peer or the sealer cannot be reached.',
  environment: 'The disk, the clock, a damaged or foreign directory, another process that owns it.',
  interrupted: 'Ctrl-C. Other signals end with 128 and their number.',
};

/** The Markdown between the two marks. */
export function renderReference(program: Command): string {
  const byHeading = Map.groupBy(program.commands, (command) => command.helpGroup().replace(/:$/, ''));
  const sections = [...byHeading].map(([heading, commands]) =>
    [`## ${heading}`, ...commands.flatMap((command) => renderVerb(command, 'lb'))].join('\n\n'),
  );
  return `${[renderExits(), ...sections].join('\n\n')}\n`;
}

function renderExits(): string {
  const rows = Object.entries(MEANING_OF_EXIT).map(
    ([kind, meaning]) => `| ${EXIT[kind as keyof typeof EXIT]} | ${meaning} |`,
  );
  return ['## Exit codes', '', '| code | meaning |', '| ---: | --- |', ...rows].join('\n');
}

function renderVerb(command: Command, above: string): string[] {
  const name = `${above} ${command.name()}`;
  if (command.commands.length > 0) return command.commands.flatMap((one) => renderVerb(one, name));
  const options = command.options.filter((option) => !isCommon(option));
  const lines = options.map((option) => `- \`${option.flags}\`: ${option.description}${defaultOf(option)}`);
  const usage = [name, ...command.registeredArguments.map(argumentText)].join(' ');
  const [summary = '', ...details] = command.description().split('\n\n');
  const text = [`### \`${usage}\``, summary || command.summary(), ...details];
  return lines.length === 0 ? text : [...text, lines.join('\n')];
}

/** `--data`, `--context`, `--json` and `--password-file` stand with every verb and are said once. */
function isCommon(option: Option): boolean {
  return ['--data', '--context', '--json', '--password-file'].includes(option.long ?? '');
}

function defaultOf(option: Option): string {
  return typeof option.defaultValue === 'string' ? ` (default: ${option.defaultValue})` : '';
}

function argumentText(argument: Command['registeredArguments'][number]): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
