/** The rooms and which may import which: the order of docs/ARCHITECTURE.md, as data and a check. */
import { posix } from 'node:path';
import { importsOf, type SourceFile } from './sources.ts';

/** A room imports itself and rooms of a lower floor. Two rooms of one floor do not know each other. */
const FLOORS: Readonly<Record<string, number>> = {
  'runtime.ts': 0,
  events: 0,
  machines: 1,
  crypto: 2,
  storage: 2,
  views: 3,
  actors: 4,
  protocol: 5,
  'composition.ts': 6,
  'node.ts': 7,
  'api-types.ts': 8,
  'index.ts': 9,
  interfaces: 10,
};
/** May import everything. */
const FREE = new Set(['test', 'bench', 'docs', 'examples', 'vitest.config.ts']);

const roomOf = (path: string): string => path.split('/', 1)[0]!;

/** Every import that goes against the order, as one line each. */
export function forbiddenImports(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const room = roomOf(path);
    if (FREE.has(room)) return [];
    const floor = FLOORS[room];
    if (floor === undefined) return [`${path}: ${room} is no room`];
    return importsOf(text)
      .filter((target) => target.startsWith('.'))
      .map((target) => posix.join(posix.dirname(path), target))
      .filter((target) => roomOf(target) !== room && !((FLOORS[roomOf(target)] ?? 99) < floor))
      .map((target) => `${path} imports ${target}`);
  });
}

/** A verb is the end of a road: what others need of it does not belong there. Its own room alone may import it. */
export function importsOfVerbs(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !FREE.has(roomOf(path)) && !path.startsWith('interfaces/cli/'))
    .flatMap(({ path, text }) =>
      importsOf(text)
        .map((target) => posix.join(posix.dirname(path), target))
        .filter((target) => target.startsWith('interfaces/cli/verbs/'))
        .map((target) => `${path} imports ${target}`),
    );
}

/** What the pure rooms may import from outside, per room. */
const PURE_ROOMS: Readonly<Record<string, RegExp>> = {
  events: /^@noble\//,
  machines: /^(@noble\/|xstate$)/,
};

/** Names of the platform, of clocks and of chance that the pure rooms never mention. */
const IMPURE =
  /\b(Date\b|Math\.random|performance\b|setTimeout|setInterval|setImmediate|queueMicrotask|Intl\b|toLocale\w*|localeCompare|Buffer\b|process\b|globalThis|console\b|require\b|fetch\b)/g;

/** Every impurity of the pure rooms, as one line each. */
export function impurities(files: readonly SourceFile[], strip: (text: string) => string): string[] {
  return files.flatMap(({ path, text }) => {
    const allowed = PURE_ROOMS[roomOf(path)];
    if (allowed === undefined) return [];
    const imports = importsOf(text)
      .filter((target) => !target.startsWith('.') && !allowed.test(target))
      .map((target) => `${path} imports ${target}`);
    const mentions = [...strip(text).matchAll(IMPURE)].map((match) => `${path} mentions ${match[0]}`);
    return [...imports, ...mentions];
  });
}
