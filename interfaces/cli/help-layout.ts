/** How help and hints are laid out: they fit the width, and what is to be pasted can be, whatever the width is. */
import { Help } from 'commander';
import { wrapWords } from './table.ts';

/** A description in less than this beside its flag is a column of single words. */
const BESIDE_MIN = 30;
const BELOW_INDENT = '      ';
const USAGE = 'Usage: ';

/** For `configureHelp`: on a narrow terminal a description stands below its flag instead of beside it. */
export const HELP_LAYOUT: Partial<Help> = {
  minWidthToWrap: 10,
  formatItem(this: Help, term, termWidth, description, helper) {
    const width = this.helpWidth ?? 80;
    if (description === '' || width - termWidth - 4 >= BESIDE_MIN)
      return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
    const lines = helper.boxWrap(description, width - BELOW_INDENT.length).split('\n');
    return [`  ${term}`, ...lines.map((line) => BELOW_INDENT + line)].join('\n');
  },
  commandUsage(this: Help, command) {
    // Behind "Usage: ", and its further lines below the first word.
    const width = (this.helpWidth ?? 80) - USAGE.length;
    return wrapWords(Help.prototype.commandUsage.call(this, command), width).join(`\n${BELOW_INDENT} `);
  },
};

/** Text at a width. What is indented is a command, which stays whole so that it can be pasted. */
export function wrapHint(text: string, width: number): string {
  const lines = text.split('\n');
  return lines.flatMap((line) => (line.startsWith(' ') ? [line] : wrapWords(line, width))).join('\n');
}

/** Examples under their title: a long one goes on in the next line in the way of the shell. */
export function layOutExample(example: string, width: number): string {
  return `\nExample:\n${example
    .split('\n')
    .flatMap((line) => continued(line, width))
    .join('\n')}`;
}

/** A command broken before its flags, with a backslash at the end of each line but the last. */
function continued(command: string, width: number): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const part of command.split(/ (?=--)/)) {
    // Two columns for the space and the backslash.
    if (line.trim() !== '' && line.length + 1 + part.length + 2 > width) {
      lines.push(`${line} \\`);
      line = '   ';
    }
    line += ` ${part}`;
  }
  return [...lines, line];
}
