/**
 * The blocks of a Markdown text, found without looking into them.
 *
 * Only block rules run: links and emphasis change no boundary and cost most of the time. What counts as a heading is
 * the parser's business: a `#` in a code fence, a quote or a list is none, an underlined title is one. The parser is
 * linear in the text and bounds its own depth, so no text is too deep or too odd for it.
 */
import MarkdownIt, { type Token } from 'markdown-it';

export interface Block {
  /** The beginning of its first line, in UTF-16 code units; its indent belongs to it. */
  readonly start: number;
  /** Of a heading, 1 to 6. */
  readonly depth?: number;
  /** Of a heading: its text, with its inline marks. */
  readonly title?: string;
  /** Of a list: where its items begin. */
  readonly items?: readonly number[];
}

const PARSER = new MarkdownIt('commonmark').disable('reference');

/** The blocks of the first level, in order. */
export function blocksOf(text: string): Block[] {
  const source = withPlainLineEnds(text);
  const tokens: Token[] = [];
  PARSER.block.parse(source, PARSER, {}, tokens);
  const lines = lineStarts(source);
  const blocks: Block[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.map === null || token.nesting < 0) continue;
    const start = lines[token.map[0]]!;
    if (token.level === 1 && token.type === 'list_item_open') (blocks.at(-1)!.items as number[]).push(start);
    if (token.level !== 0) continue;
    if (token.type === 'heading_open')
      blocks.push({ start, depth: Number(token.tag.slice(1)), title: copyOf(tokens[at + 1]!.content) });
    else blocks.push(token.type.endsWith('_list_open') ? { start, items: [] } : { start });
  }
  return blocks;
}

/** The parser knows one end of a line; every offset stays what it is. NUL is no text, and never comes here. */
function withPlainLineEnds(text: string): string {
  return text.includes('\r') ? text.replaceAll('\r\n', ' \n').replaceAll('\r', '\n') : text;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** A piece of a text keeps all of it in memory; a copy does not. */
function copyOf(piece: string): string {
  return Buffer.from(piece).toString();
}
