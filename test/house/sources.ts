/** The files of the repository, for tests that read them as text. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const LEFT_OUT = /^(node_modules|dist|coverage|lb-data|\.git)(\/|$)/;

/** Files that match a pattern such as `**\/*.ts`, without what is built or installed. */
export function sources(pattern: string): SourceFile[] {
  return globSync(pattern, { cwd: ROOT, exclude: (path) => LEFT_OUT.test(path.replaceAll('\\', '/')) })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !LEFT_OUT.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(`${ROOT}/${path}`, 'utf8') }));
}

/** The code without its comments; good enough for sources that keep `//` and `/*` out of their strings. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}

/** What a file imports, statically, dynamically, or for its types alone. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const pattern = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)'([^']+)'/g;
  return [...code.matchAll(pattern)].map((match) => match[1]!);
}
