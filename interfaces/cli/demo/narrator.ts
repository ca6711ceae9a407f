/**
 * The voice of the demo: short lines of who does what, in two columns that fit the width, plain when piped.
 * With `--json` it is silent, and only the summary at the end is printed.
 */
import type { Output, Style } from '../output.ts';
import { wrap } from '../table.ts';
import { cleanLine } from '../text.ts';

export type AgentName = 'architect' | 'developer' | 'reviewer';

const STYLES: Readonly<Record<string, Style>> = {
  architect: 'cyan',
  developer: 'green',
  reviewer: 'magenta',
};

/** The column of names; what does not come from an agent has none. */
const NAME_WIDTH = 9;
/** Longer lines are hard to read on a wide terminal. */
const WIDTH_MAX = 100;

/** No line ends between a number and its unit. */
const NUMBER_WITH_UNIT = /(\d) (%|m?s\b|WT\b)/g;

/** How long a part of the demo took. */
export interface PartTime {
  readonly part: string;
  readonly seconds: number;
}

export class Narrator {
  readonly times: PartTime[] = [];
  private readonly out: Output;
  private readonly isSilent: boolean;

  constructor(out: Output, isSilent: boolean) {
    this.out = out;
    this.isSilent = isSilent;
  }

  /** Runs a part of the demo under a heading and keeps its time. */
  async part<T>(part: string, run: () => Promise<T>): Promise<T> {
    if (!this.isSilent) this.out.line(`\n${this.out.style('bold', part)}`);
    const startMs = performance.now();
    const result = await run();
    this.times.push({ part, seconds: (performance.now() - startMs) / 1000 });
    return result;
  }

  /** Somebody does something. */
  does(who: AgentName, text: string): void {
    this.lines(who, STYLES[who]!, text);
  }

  /** The node does something, or something comes of what was done. */
  tells(text: string): void {
    this.lines('', 'dim', text);
  }

  /** The rules say no, which is what the demo wants to see here. */
  refuses(who: AgentName, text: string): void {
    this.lines(who, STYLES[who]!, `✗ ${text}`);
  }

  private lines(name: string, style: Style, text: string): void {
    if (this.isSilent) return;
    const indent = ' '.repeat(NAME_WIDTH + 4);
    const width = Math.min(this.out.width, WIDTH_MAX);
    // Wrapped as if it were one text, so that the first line counts the name too.
    const bound = cleanLine(text).replace(NUMBER_WITH_UNIT, '$1\u00a0$2');
    const lines = wrap(`${indent}${bound}`, width, indent).map((line) => line.replaceAll('\u00a0', ' '));
    const [first = '', ...rest] = lines;
    this.out.line(`  ${this.out.style(style, name.padEnd(NAME_WIDTH))}  ${first.slice(indent.length)}`);
    for (const line of rest) this.out.line(line);
  }
}
