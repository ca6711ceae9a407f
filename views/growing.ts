/** Numbers in one growing typed array: a tenth of the memory of an array of numbers, and nothing for the collector. */

type Numbers = Float64Array | Int32Array | Uint8Array;

export class Growing<A extends Numbers> {
  #array: A;
  length = 0;

  constructor(empty: A) {
    this.#array = empty;
  }

  /** The array itself; entries at and after `length` are zero. Read again after anything was added. */
  get array(): A {
    return this.#array;
  }

  push(value: number): void {
    this.set(this.length, value);
  }

  /** Sets an entry, and lengthens the array up to it. */
  set(at: number, value: number): void {
    this.reserve(at + 1);
    this.#array[at] = value;
    if (at >= this.length) this.length = at + 1;
  }

  /** Makes room for `count` entries. */
  reserve(count: number): void {
    if (count <= this.#array.length) return;
    const longer = new (this.#array.constructor as new (length: number) => A)(
      Math.max(16, count, 2 * this.length),
    );
    longer.set(this.#array as never);
    this.#array = longer;
  }
}
