/**
 * Properties put into the text of JSON with comments, and taken out. jsonc-parser finds the places; its own editor
 * is not used, since it formats what stands beside the property too, and drops comments behind the one before.
 */
import { createScanner, findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';

type Path = readonly string[];

/** The text with `value` at a path where nothing is. Objects on the way are made. */
export function addToJson(text: string, path: Path, value: unknown): string {
  const root = text.trim() === '' ? undefined : parseTree(text, [], { allowTrailingComma: true });
  if (root === undefined) return addToJson('{}\n', path, value);
  let depth = path.length - 1;
  while (depth > 0 && findNodeAtLocation(root, path.slice(0, depth)) === undefined) depth--;
  const object = findNodeAtLocation(root, path.slice(0, depth)) ?? root;
  const nested = path.slice(depth + 1).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return insert(text, object, path[depth]!, nested);
}

function insert(text: string, object: Node, name: string, value: unknown): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const last = object.children?.at(-1);
  const close = object.offset + object.length - 1;
  const outer = indentAt(text, object.offset);
  const unit = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const isOwnLine = last !== undefined && text.slice(lineStart(text, last.offset), last.offset).trim() === '';
  const indent = isOwnLine ? indentAt(text, last.offset) : outer + unit;
  const property = `${JSON.stringify(name)}: ${JSON.stringify(value, undefined, unit)}`;
  const lines = eol + indent + property.replaceAll('\n', eol + indent);
  // Behind what stands at the end, be it a comment.
  const end = last === undefined ? object.offset + 1 : last.offset + last.length;
  const place = Math.max(end, end + text.slice(end, close).trimEnd().length);
  const comma = last !== undefined && commaAfter(text, end, close) === undefined ? ',' : '';
  const isSameLine = !text.slice(place, close).includes('\n');
  return (
    text.slice(0, end) +
    comma +
    text.slice(end, place) +
    lines +
    (isSameLine ? eol + outer : '') +
    text.slice(place)
  );
}

/** The text without the property at a path. */
export function removeFromJson(text: string, path: Path): string {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const property = root && findNodeAtLocation(root, [...path])?.parent;
  const siblings = property?.parent?.children;
  if (property === undefined || siblings === undefined) return text;
  const close = property.parent!.offset + property.parent!.length - 1;
  let end = property.offset + property.length;
  const comma = commaAfter(text, end, close);
  const before = siblings[siblings.indexOf(property) - 1];
  const isLast = siblings.at(-1) === property;
  if (comma !== undefined) end = comma + 1;
  let start = property.offset;
  const line = lineStart(text, start);
  const rest = /^[ \t]*(\r?\n)?/.exec(text.slice(end))![0];
  // A line of its own goes as a whole.
  if (text.slice(line, start).trim() === '' && rest.includes('\n')) {
    start = line;
    end += rest.length;
  }
  const head = text.slice(0, start);
  const previous = before && isLast ? commaAfter(text, before.offset + before.length, close) : undefined;
  const kept = previous === undefined ? head : head.slice(0, previous) + head.slice(previous + 1);
  return kept + text.slice(end);
}

/** Where the comma behind a property is, comments aside. */
function commaAfter(text: string, offset: number, close: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  const found = scanner.getTokenOffset();
  return found < close && text[found] === ',' ? found : undefined;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))![0];
}
