/**
 * What the package's declarations say, read as text: which names an import gives, and which types these names use
 * that an import does not give. Constructors are left out: nodes, groups and agents are made by the node itself.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Declarations {
  /** Text of each top-level declaration by name, without comments. */
  readonly texts: ReadonlyMap<string, string>;
  /** Local name → the file it is imported from and its name there. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  /** Name → the file it is exported again from and its name there. */
  readonly again: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  /** Files of which everything is exported again. */
  readonly whole: readonly string[];
}

const NAMES = /^(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)';$/gm;

const WHOLE = /^export (?:type )?\* from '(\.[^']+)';$/gm;

function declarationsOf(from: string, path: string): string {
  return join(dirname(from), path.replace(/\.(ts|js)$/, '.d.ts'));
}

function namesIn(list: string): { readonly name: string; readonly local: string }[] {
  const parts = list.split(',').map((one) => one.trim().replace(/^type /, ''));
  return parts.filter(Boolean).map((part) => {
    const [name, local = name] = part.split(' as ');
    return { name: name!, local: local! };
  });
}

function readDeclarations(file: string): Declarations {
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const imports = new Map<string, { file: string; name: string }>();
  const again = new Map<string, { file: string; name: string }>();
  for (const [line, list, path] of text.matchAll(NAMES)) {
    const target = declarationsOf(file, path!);
    const into = line.startsWith('import') ? imports : again;
    for (const { name, local } of namesIn(list!)) into.set(local, { file: target, name });
  }
  const texts = new Map<string, string>();
  const starts =
    /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|enum) (\w+)/gm;
  const found = [...text.matchAll(starts)];
  for (const [at, match] of found.entries()) {
    const end = found[at + 1]?.index ?? text.length;
    texts.set(match[1]!, `${texts.get(match[1]!) ?? ''}${text.slice(match.index, end)}`);
  }
  const whole = Array.from(text.matchAll(WHOLE), ([, path]) => declarationsOf(file, path!));
  return { texts, imports, again, whole };
}

/** The names that `index` gives, each with the file that declares it. @param index a file `….d.ts` */
export function publicNames(index: string): Map<string, { file: string; name: string }> {
  const { again, whole } = readDeclarations(index);
  const further = whole.flatMap((file) => {
    const { texts } = readDeclarations(file);
    const own = Array.from(texts.keys(), (name) => [name, { file, name }] as const);
    return [...own, ...publicNames(file)];
  });
  return new Map([...again, ...further]);
}

/** Types that public declarations name and an import does not give: `Group.audit uses …` as `NAME in FILE`. */
export function missingTypes(indexes: readonly string[]): string[] {
  const known = new Map(indexes.flatMap((index) => [...publicNames(index)]));
  const given = new Set(Array.from(known.values(), ({ file, name }) => `${file}#${name}`));
  const missing = new Set<string>();
  for (const { file, name } of known.values()) {
    const { texts, imports } = readDeclarations(file);
    const text = (texts.get(name) ?? '')
      .replaceAll(/^ {4}constructor\([\s\S]*?\);$/gm, '')
      .replaceAll(/^ {4}(?:private|#).*$/gm, '');
    for (const [word] of text.matchAll(/\b[A-Z]\w+/g)) {
      const imported = imports.get(word);
      const isLocal = texts.has(word);
      if (word === name || (imported === undefined && !isLocal)) continue;
      const used = imported ?? { file, name: word };
      if (!given.has(`${used.file}#${used.name}`)) missing.add(`${name} uses ${used.name} of ${used.file}`);
    }
  }
  return [...missing].sort();
}
