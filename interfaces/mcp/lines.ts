/** Bytes to lines of a bounded length: a longer line is told as that, and the next one is read as any other. */

/** A longer message is refused: nothing that an operation takes is as long. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
/** What is kept of the beginning and of the end of a line that is too long: enough to find whose it is. */
const KEPT_BYTES = 4_096;

export type Line =
  | { readonly text: string }
  | { readonly text?: never; readonly bytes: number; readonly head: string; readonly tail: string };

const NEWLINE = 0x0a;

/** The lines of a stream; also the last one, where it does not end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const open = new OpenLine();
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      open.add(chunk.subarray(from, at));
      yield open.end();
      from = at + 1;
    }
    open.add(chunk.subarray(from));
  }
  if (open.bytes > 0) yield open.end();
}

/** A line that is being read. */
class OpenLine {
  bytes = 0;
  private parts: Uint8Array[] = [];
  /** The end of what was not kept. */
  private tail: Uint8Array = new Uint8Array(0);

  add(part: Uint8Array): void {
    const isTooLong = this.bytes > LINE_BYTES_MAX;
    this.bytes += part.length;
    if (!isTooLong) this.parts.push(part);
    if (this.bytes > LINE_BYTES_MAX)
      this.tail = Buffer.concat([this.tail, part.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES);
  }

  end(): Line {
    const { bytes, parts, tail } = this;
    this.bytes = 0;
    this.parts = [];
    this.tail = new Uint8Array(0);
    if (bytes <= LINE_BYTES_MAX) return { text: Buffer.concat(parts).toString().replace(/\r$/, '') };
    const head = Buffer.concat(parts).subarray(0, KEPT_BYTES).toString();
    return { bytes, head, tail: Buffer.from(tail).toString() };
  }
}
