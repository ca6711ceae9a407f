/**
 * The nodes that are open in this process, by their directory. Whoever is handed a directory by a program that has
 * opened it already finds the node here, instead of waiting for a lock that the program itself holds.
 */
import { existsSync, realpathSync } from 'node:fs';

const nodes = new Map<string, object>();

/** Notes an open node; the result takes the note back. @param root the directory, as an absolute path */
export function noteOpened(root: string, node: object): () => void {
  const place = realpathSync(root);
  nodes.set(place, node);
  return () => {
    if (nodes.get(place) === node) nodes.delete(place);
  };
}

/** The node of the directory `root` that is open in this process; the caller names its type. */
export function openedHere<N extends object>(root: string): N | undefined {
  // A directory may have several names. Where there is none, nothing is open in it.
  return existsSync(root) ? (nodes.get(realpathSync(root)) as N | undefined) : undefined;
}
