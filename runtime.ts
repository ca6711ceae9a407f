/**
 * The oldest Node that this runs on, checked before anything else of the package runs. An older one would get far
 * enough to fail in the middle of something, with a message about a module that nobody asked for.
 */

const OLDEST_MAJOR = 24;

/** Throws on a Node that is too old, given its version. The error has no stack: it is not about any line of code. */
export function assertRuntime(version: string): void {
  if (Number(version.split('.')[0]) >= OLDEST_MAJOR) return;
  const error = new Error(
    `battery-node needs Node ${OLDEST_MAJOR} or newer, and this is ${version}; run this program with a newer Node`,
  );
  error.stack = `Error: ${error.message}`;
  throw error;
}

assertRuntime(process.versions.node);
