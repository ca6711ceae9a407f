/**
 * Transcripts: what a person types and sees, kept in pages and run as tests.
 *
 * A block of a page that is marked `console` holds lines that begin with `$ ` and, behind each, what was printed.
 * Ids differ in every run, so an id in a page stands for whatever id the run has in its place: the same one wherever
 * it occurs, in commands too. Times, rates and sizes stand for any; `…` for the rest of a line, or for lines.
 */

export interface Command {
  /** What is typed, on one line. */
  readonly typed: string;
  readonly expected: readonly string[];
  /** The lines of the page that hold what is expected: from, and up to but not with. */
  readonly from: number;
  readonly to: number;
}

/** The commands of all console blocks of a page, in order. */
export function commandsOf(page: string): Command[] {
  const lines = page.split('\n');
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```console') continue;
    const end = lines.indexOf('```', at + 1);
    for (at++; at < end; ) {
      if (!lines[at]!.startsWith('$ '))
        throw new Error(`line ${at + 1}: expected a line that begins with "$ "`);
      let typed = lines[at++]!.slice(2);
      while (typed.endsWith('\\')) typed = typed.slice(0, -1) + lines[at++]!.trim();
      const from = at;
      while (at < end && !lines[at]!.startsWith('$ ')) at++;
      commands.push({ typed, expected: trimmed(lines.slice(from, at)), from, to: at });
    }
  }
  return commands;
}

/** The words of a command line, without quotes. */
export function wordsOf(typed: string): string[] {
  const words = typed.matchAll(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g);
  return Array.from(words, ([word]) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, one, two) => one ?? two));
}

/** Without empty lines around. */
export function trimmed(lines: readonly string[]): string[] {
  const isText = (line: string): boolean => line.trim() !== '';
  return lines.slice(lines.findIndex(isText), lines.findLastIndex(isText) + 1);
}

const ID = /(?<![\w-])[0-9a-f]{8,64}(?![\w-])|lbi1[\w-]+/;
const VARIABLE = new RegExp(
  [
    `(?<id>${ID.source})`,
    '(?<time>\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d+)?)?Z?)',
    '(?<size>(?<=\\bbytes {1,8}|\\bdisk_free=)\\d+)',
    '(?<number>\\b\\d+(?:\\.\\d+)?(?= s\\b| bytes\\b|/s\\b| operations/s| GiB))',
    '(?<span>\\b\\d+(?:ms|s|m|h)(?: \\d+(?:ms|s|m|h))?(?= ago))',
    '(?<rest>…)',
    '(?<gap> {2,})',
  ].join('|'),
  'g',
);

/** The ids of a page and those of a run that they stand for. Short ids stand for the same as whole ones. */
export class Bindings {
  private readonly actualOf = new Map<string, string>();
  private readonly expectedOf = new Map<string, string>();

  /** Whether the two may stand for one another, from now on. */
  bind(expected: string, actual: string): boolean {
    if (expected.length !== actual.length) return false;
    return put(this.actualOf, expected, actual) && put(this.expectedOf, actual, expected);
  }

  /** A command with the ids of the run. */
  actual(typed: string): string {
    return replaceIds(typed, this.actualOf);
  }

  /** What was printed, with the ids of the page; ids that it did not have yet become its own. */
  expected(printed: string): string {
    for (const [id] of printed.matchAll(new RegExp(ID.source, 'g')))
      if (!this.expectedOf.has(startOf(id))) this.bind(id, id);
    return replaceIds(printed, this.expectedOf);
  }
}

/** Join codes are told apart by all of their digits, ids by the first eight. */
const startOf = (id: string): string => (id.startsWith('lbi1') ? id : id.slice(0, 8));

/** Notes the longest form of what stands for an id; false where something else stands for it. */
function put(map: Map<string, string>, from: string, to: string): boolean {
  const known = map.get(startOf(from));
  if (known !== undefined && startOf(known) !== startOf(to)) return false;
  if (known === undefined || to.length > known.length) map.set(startOf(from), to);
  return true;
}

function replaceIds(text: string, map: ReadonlyMap<string, string>): string {
  return text.replaceAll(new RegExp(ID.source, 'g'), (id) => {
    const other = map.get(startOf(id));
    return other === undefined ? id : id.startsWith('lbi1') ? other : other.slice(0, id.length);
  });
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Whether a line is what the page says; binds its ids if so. */
export function lineFits(expected: string, actual: string, bindings: Bindings): boolean {
  const ids: string[] = [];
  let pattern = '';
  let last = 0;
  for (const match of expected.matchAll(VARIABLE)) {
    const { id, time, rest, gap } = match.groups!;
    pattern += escaped(expected.slice(last, match.index));
    last = match.index + match[0].length;
    if (id !== undefined) {
      ids.push(id);
      pattern += id.startsWith('lbi1') ? '(lbi1[\\w-]+)' : `([0-9a-f]{${id.length}})`;
    } else if (rest !== undefined) pattern += '.*';
    else if (gap !== undefined) pattern += ' {2,}';
    else if (time !== undefined) pattern += '[\\dTZ:.-]+';
    else pattern += '[\\dmsh. ]+?';
  }
  const found = new RegExp(`^${pattern}${escaped(expected.slice(last))}$`).exec(actual);
  return found !== null && ids.every((id, at) => bindings.bind(id, found[at + 1]!));
}

/** The first line of `actual` that is not what the page says; nothing where all are. */
export function firstMisfit(
  expected: readonly string[],
  actual: readonly string[],
  bindings: Bindings,
): { readonly expected: string; readonly actual: string } | undefined {
  let at = 0;
  for (const [index, line] of expected.entries()) {
    if (line === '…') {
      // Any lines, up to the next one that the page has.
      const next = expected[index + 1];
      if (next === undefined) return undefined;
      while (at < actual.length && !lineFits(next, actual[at]!, new Bindings())) at++;
    } else {
      if (at >= actual.length || !lineFits(line, actual[at]!, bindings))
        return { expected: line, actual: actual[at] ?? '(nothing more)' };
      at++;
    }
  }
  return at < actual.length ? { expected: '(nothing more)', actual: actual[at]! } : undefined;
}
