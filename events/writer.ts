/** Writes MessagePack in its shortest form; see codec.ts for why it is our own. */
import { writeHex } from './bytes.ts';

const INITIAL_CAPACITY = 1024;
/** Below this many characters a loop beats the encoder's call. */
const SHORT_TEXT_MAX = 160;
const encoder = new TextEncoder();

/** An append-only buffer. `bytesSince` hands out views of it that stay valid until `reset`. */
export class Writer {
  private buffer: Uint8Array;
  private view: DataView;
  length = 0;

  constructor(capacity = INITIAL_CAPACITY) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  hex(text: string): void {
    const count = text.length >> 1;
    this.reserve(count);
    writeHex(text, this.buffer, this.length);
    this.length += count;
  }

  nil(): void {
    this.byte(0xc0);
  }

  boolean(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** An unsigned integer that a double holds exactly (0 … 2^53−1). */
  uint(value: number): void {
    this.reserve(9);
    if (value < 0x80) {
      this.buffer[this.length++] = value;
    } else if (value < 0x100) {
      this.buffer[this.length++] = 0xcc;
      this.buffer[this.length++] = value;
    } else if (value < 0x1_0000) {
      this.buffer[this.length] = 0xcd;
      this.view.setUint16(this.length + 1, value);
      this.length += 3;
    } else if (value < 0x1_0000_0000) {
      this.buffer[this.length] = 0xce;
      this.view.setUint32(this.length + 1, value);
      this.length += 5;
    } else {
      this.buffer[this.length] = 0xcf;
      this.view.setUint32(this.length + 1, Math.floor(value / 0x1_0000_0000));
      this.view.setUint32(this.length + 5, value >>> 0);
      this.length += 9;
    }
  }

  /** An unsigned integer up to 2^64−1; small ones take the same bytes as `uint`. */
  bigUint(value: bigint): void {
    if (value <= 0x1f_ffff_ffff_ffffn) {
      this.uint(Number(value));
      return;
    }
    this.reserve(9);
    this.buffer[this.length] = 0xcf;
    this.view.setBigUint64(this.length + 1, value);
    this.length += 9;
  }

  arrayHeader(count: number): void {
    if (count < 16) {
      this.byte(0x90 | count);
      return;
    }
    this.reserve(5);
    if (count < 0x1_0000) {
      this.buffer[this.length] = 0xdc;
      this.view.setUint16(this.length + 1, count);
      this.length += 3;
    } else {
      this.buffer[this.length] = 0xdd;
      this.view.setUint32(this.length + 1, count);
      this.length += 5;
    }
  }

  binHeader(count: number): void {
    this.reserve(5);
    if (count < 0x100) {
      this.buffer[this.length] = 0xc4;
      this.buffer[this.length + 1] = count;
      this.length += 2;
    } else if (count < 0x1_0000) {
      this.buffer[this.length] = 0xc5;
      this.view.setUint16(this.length + 1, count);
      this.length += 3;
    } else {
      this.buffer[this.length] = 0xc6;
      this.view.setUint32(this.length + 1, count);
      this.length += 5;
    }
  }

  bin(bytes: Uint8Array): void {
    this.binHeader(bytes.length);
    this.raw(bytes);
  }

  /** Bytes that are hex text in memory. */
  binHex(text: string): void {
    this.binHeader(text.length >> 1);
    this.hex(text);
  }

  /** Text, or two texts joined, as one string. */
  text(value: string, rest = ''): void {
    // Short ASCII is by far the most common text (keys, tags, names): write it without a second buffer.
    if (value.length + rest.length < SHORT_TEXT_MAX && this.shortAscii(value, rest)) return;
    const bytes = encoder.encode(value + rest);
    this.textHeader(bytes.length);
    this.raw(bytes);
  }

  private textHeader(count: number): void {
    this.reserve(5);
    if (count < 32) {
      this.buffer[this.length++] = 0xa0 | count;
    } else if (count < 0x100) {
      this.buffer[this.length++] = 0xd9;
      this.buffer[this.length++] = count;
    } else if (count < 0x1_0000) {
      this.buffer[this.length] = 0xda;
      this.view.setUint16(this.length + 1, count);
      this.length += 3;
    } else {
      this.buffer[this.length] = 0xdb;
      this.view.setUint32(this.length + 1, count);
      this.length += 5;
    }
  }

  /** Writes the texts if they are ASCII; otherwise takes back what it wrote and says so. */
  private shortAscii(value: string, rest: string): boolean {
    const start = this.length;
    this.textHeader(value.length + rest.length);
    this.reserve(value.length + rest.length);
    if (this.ascii(value) && this.ascii(rest)) return true;
    this.length = start;
    return false;
  }

  private ascii(value: string): boolean {
    const { buffer, length } = this;
    const count = value.length;
    for (let at = 0; at < count; at++) {
      const unit = value.charCodeAt(at);
      if (unit >= 0x80) return false;
      buffer[length + at] = unit;
    }
    this.length = length + count;
    return true;
  }

  /** A view of what was written from `start` on. Later growth moves the buffer but leaves this view whole. */
  bytesSince(start: number): Uint8Array {
    return this.bytesBetween(start, this.length);
  }

  /** A view of what was written in `[start, end)`; it stays whole as well. */
  bytesBetween(start: number, end: number): Uint8Array {
    return this.buffer.subarray(start, end);
  }

  /** A copy of everything written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  /** Forgets everything and reuses the buffer; views handed out before are dead. */
  reset(): void {
    this.length = 0;
  }
}
