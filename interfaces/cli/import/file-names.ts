/**
 * File names as text. A name is bytes, any but `/` and NUL: those that are no UTF-8 are shown as `\xE9`, so that two
 * names never look alike.
 */

/** A path as people can read it. */
export function pathText(path: Uint8Array): string {
  const text = Buffer.from(path).toString('utf8');
  if (Buffer.from(text).equals(path)) return text;
  let shown = '';
  for (let at = 0; at < path.length; ) {
    const length = characterLength(path, at);
    shown +=
      length === 0
        ? `\\x${path[at]!.toString(16).toUpperCase()}`
        : Buffer.from(path.subarray(at, at + length)).toString('utf8');
    at += Math.max(length, 1);
  }
  return shown;
}

/** How many bytes the character at `at` has; 0 where there is none. */
function characterLength(bytes: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    const piece = Buffer.from(bytes.subarray(at, at + length));
    const text = piece.toString('utf8');
    if (!text.includes('\ufffd') || piece.equals(Buffer.from('\ufffd'))) return length;
  }
  return 0;
}
