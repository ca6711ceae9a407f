/** Reads MessagePack and takes nothing but the one shortest form of what it is asked for; see codec.ts. */
import { hex32At, hexAt } from './bytes.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes that do not decode to the record they claim to be. Caught where input enters; never a crash. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
  readonly offset: number;

  constructor(what: string, offset = -1) {
    super(offset < 0 ? what : `${what} at byte ${offset}`);
    this.offset = offset;
  }
}

/** A cursor over bytes that takes exactly what it is asked for, or throws `MalformedError`. */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  private readonly end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  fail(what: string): never {
    throw new MalformedError(what, this.offset);
  }

  private next(): number {
    if (this.offset >= this.end) this.fail('the record ends early');
    return this.bytes[this.offset++]!;
  }

  private uintOf(width: 1 | 2 | 4): number {
    if (this.offset + width > this.end) this.fail('the record ends early');
    let value = 0;
    for (let at = 0; at < width; at++) value = value * 256 + this.bytes[this.offset++]!;
    return value;
  }

  /** Whether a nil stands next; takes it if so. */
  takeNil(): boolean {
    if (this.offset < this.end && this.bytes[this.offset] === 0xc0) {
      this.offset++;
      return true;
    }
    return false;
  }

  boolean(): boolean {
    const tag = this.next();
    if (tag === 0xc3) return true;
    if (tag === 0xc2) return false;
    this.offset--;
    return this.fail('expected a boolean');
  }

  /** The first byte of the next value, for the few unions that have one. */
  peek(): number {
    if (this.offset >= this.end) this.fail('the record ends early');
    return this.bytes[this.offset]!;
  }

  uint(max: number): number {
    const start = this.offset;
    const value = this.anyUint();
    if (value > max) {
      this.offset = start;
      this.fail(`expected an integer up to ${max}`);
    }
    return value;
  }

  private anyUint(): number {
    const start = this.offset;
    const tag = this.next();
    if (tag < 0x80) return tag;
    let value: number;
    let shortest: number;
    if (tag === 0xcc) {
      value = this.uintOf(1);
      shortest = 0x80;
    } else if (tag === 0xcd) {
      value = this.uintOf(2);
      shortest = 0x100;
    } else if (tag === 0xce) {
      value = this.uintOf(4);
      shortest = 0x1_0000;
    } else if (tag === 0xcf) {
      value = this.uintOf(4) * 0x1_0000_0000 + this.uintOf(4);
      shortest = 0x1_0000_0000;
    } else {
      this.offset = start;
      return this.fail('expected an unsigned integer');
    }
    if (value < shortest) {
      this.offset = start;
      this.fail('an integer must take its shortest form');
    }
    return value;
  }

  bigUint(max: bigint): bigint {
    const start = this.offset;
    if (this.peek() !== 0xcf) return BigInt(this.anyUint());
    this.offset++;
    const value = (BigInt(this.uintOf(4)) << 32n) | BigInt(this.uintOf(4));
    if (value < 0x1_0000_0000n || value > max) {
      this.offset = start;
      this.fail(`expected an integer in its shortest form, up to ${max}`);
    }
    return value;
  }

  arrayHeader(): number {
    const start = this.offset;
    const tag = this.next();
    if ((tag & 0xf0) === 0x90) return tag & 0x0f;
    let count: number;
    let shortest: number;
    if (tag === 0xdc) {
      count = this.uintOf(2);
      shortest = 16;
    } else if (tag === 0xdd) {
      count = this.uintOf(4);
      shortest = 0x1_0000;
    } else {
      this.offset = start;
      return this.fail('expected an array');
    }
    if (count < shortest) {
      this.offset = start;
      this.fail('an array must take its shortest form');
    }
    return count;
  }

  expectArray(count: number): void {
    const start = this.offset;
    if (this.arrayHeader() !== count) {
      this.offset = start;
      this.fail(`expected an array of ${count}`);
    }
  }

  private binLength(): number {
    const start = this.offset;
    const tag = this.next();
    let count: number;
    let shortest: number;
    if (tag === 0xc4) {
      count = this.uintOf(1);
      shortest = 0;
    } else if (tag === 0xc5) {
      count = this.uintOf(2);
      shortest = 0x100;
    } else if (tag === 0xc6) {
      count = this.uintOf(4);
      shortest = 0x1_0000;
    } else {
      this.offset = start;
      return this.fail('expected bytes');
    }
    if (count < shortest) {
      this.offset = start;
      this.fail('bytes must take their shortest form');
    }
    if (this.offset + count > this.end) this.fail('the record ends early');
    return count;
  }

  /** A view (not a copy) of the next byte string. */
  bin(max: number): Uint8Array {
    const start = this.offset;
    const count = this.binLength();
    if (count > max) {
      this.offset = start;
      this.fail(`expected at most ${max} bytes`);
    }
    this.offset += count;
    return this.bytes.subarray(this.offset - count, this.offset);
  }

  /** The next byte string, of exactly `count` bytes, as hex. */
  binHex(count: number): string {
    const start = this.offset;
    if (this.binLength() !== count) {
      this.offset = start;
      this.fail(`expected ${count} bytes`);
    }
    const text = count === 32 ? hex32At(this.bytes, this.offset) : hexAt(this.bytes, this.offset, count);
    this.offset += count;
    return text;
  }

  private textLength(): number {
    const start = this.offset;
    const tag = this.next();
    if ((tag & 0xe0) === 0xa0) return tag & 0x1f;
    let count: number;
    let shortest: number;
    if (tag === 0xd9) {
      count = this.uintOf(1);
      shortest = 32;
    } else if (tag === 0xda) {
      count = this.uintOf(2);
      shortest = 0x100;
    } else if (tag === 0xdb) {
      count = this.uintOf(4);
      shortest = 0x1_0000;
    } else {
      this.offset = start;
      return this.fail('expected text');
    }
    if (count < shortest) {
      this.offset = start;
      this.fail('text must take its shortest form');
    }
    return count;
  }

  /** Text of at most `maxBytes` bytes of UTF-8, valid and without NUL. */
  text(maxBytes: number): string {
    const start = this.offset;
    const count = this.textLength();
    if (this.offset + count > this.end) this.fail('the record ends early');
    if (count > maxBytes) {
      this.offset = start;
      this.fail(`expected at most ${maxBytes} bytes of text`);
    }
    const value = this.utf8(count);
    this.offset += count;
    return value;
  }

  private utf8(count: number): string {
    const { bytes, offset } = this;
    const end = offset + count;
    let ascii = count < 32;
    for (let at = offset; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === 0) this.fail('text must not contain NUL');
      if (byte >= 0x80) ascii = false;
    }
    if (ascii) {
      let value = '';
      for (let at = offset; at < end; at++) value += String.fromCharCode(bytes[at]!);
      return value;
    }
    try {
      return decoder.decode(bytes.subarray(offset, end));
    } catch {
      return this.fail('text must be valid UTF-8');
    }
  }

  done(): void {
    if (this.offset !== this.end) this.fail('bytes follow the record');
  }
}
