/** A database whose pages are changed one after another, and everything that can be asked of it each time. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { checkDataFile } from '../../storage/data-file.ts';
import { type Environment, openEnvironment } from '../../storage/environment.ts';
import { StorageError } from '../../storage/errors.ts';
import { Intact } from '../../storage/intact.ts';
import { stateKey } from '../../storage/keys.ts';
import { Pages } from '../../storage/pages.ts';
import { read, type Scan, scanTable, type View } from '../../storage/scan.ts';
import { openStore } from '../../storage/store.ts';

const GROUP_ID = '1'.padStart(64, '0');
/** The group's number, which its keys begin with. */
const GROUP = 1;
const GROUP_KEY_BYTES = 4;

const nameOf = (n: number, length: number): string => `${'k'.repeat(length)}/${String(n).padStart(4, '0')}`;

/** What is written: its keys and values decide how many levels there are. */
export interface Shape {
  readonly keys: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** What became of a damage; any other text says what was a wrong answer. */
export type Outcome = 'refused' | 'found' | 'harmless' | `wrong: ${string}`;

interface TreePage {
  readonly page: number;
  /** How many pages it is above the leaves, those included. */
  readonly depth: number;
}

/** Everything asked by one view, or each thing by a view of its own, as by a node that has just been opened. */
class Questions {
  readonly #file: string;
  readonly #environment: Environment;
  readonly #present: ReadonlyMap<string, Uint8Array>;
  found = 0;
  wrong: string | undefined;

  constructor(file: string, environment: Environment, present: ReadonlyMap<string, Uint8Array>) {
    this.#file = file;
    this.#environment = environment;
    this.#present = present;
  }

  /** Single keys, each that is there and each that is not. */
  askKeys(absent: readonly string[]): void {
    this.#use((view) => {
      for (const key of absent) this.#ask(key, 'none', () => this.#get(view, key));
      for (const [key, value] of this.#present) this.#ask(key, entry(key, value), () => this.#get(view, key));
    });
  }

  askAll(): void {
    const all = [...this.#present].map(([key, value]) => entry(key, value));
    this.#use((view) => this.#ask('all', all.join(), () => this.#scan(view, {})));
    all.reverse();
    this.#use((view) => this.#ask('all, backward', all.join(), () => this.#scan(view, { reverse: true })));
  }

  /** A few entries from or around each key. */
  askAround(): void {
    const all = [...this.#present].map(([key, value]) => entry(key, value));
    for (const [at, key] of [...this.#present.keys()].entries()) {
      const start = stateKey(GROUP, key).slice();
      const next = stateKey(GROUP, `${key}+`).slice();
      const asked: [what: string, expected: readonly string[], how: Partial<Scan>][] = [
        ['3 from', all.slice(at, at + 3), { start, limit: 3 }],
        ['1 behind', all.slice(at + 1, at + 2), { start: next, limit: 1 }],
        ['only', [all[at]!], { start, end: next }],
        ['2 back from', all.slice(Math.max(0, at - 1), at + 1).reverse(), { start, reverse: true, limit: 2 }],
        ['1 back from behind', [all[at]!], { start: next, reverse: true, limit: 1 }],
      ];
      for (const [what, expected, how] of asked)
        this.#use((view) => this.#ask(`${what} ${key}`, expected.join(), () => this.#scan(view, how)));
    }
  }

  #ask(what: string, expected: string, answer: () => string): void {
    try {
      const is = answer();
      if (is !== expected) this.wrong ??= `${what.slice(-40)}: ${is.slice(0, 80)}`;
    } catch (error) {
      assertDamage(error);
      this.found++;
    }
  }

  #use(ask: (view: View) => void): void {
    const intact = new Intact(this.#file, (use) => use());
    ask({ options: {}, intact, check: () => {}, damaged: () => {} });
    intact.close();
  }

  #scan(view: View, how: Partial<Scan>): string {
    const scan = { prefix: stateKey(GROUP, '').slice(), ...how };
    return [...scanTable(this.#environment.tables.state, view, scan)]
      .map(([key, value]) => entry(Buffer.from(key.subarray(GROUP_KEY_BYTES)).toString(), value))
      .join();
  }

  #get(view: View, key: string): string {
    const value = read(this.#environment.tables.state, view, stateKey(GROUP, key));
    return value === undefined ? 'none' : entry(key, value);
  }
}

/** A database whose `state` has branches, written in several commits, so that there are older pages in it. */
export class DamagedTree {
  readonly #file: string;
  readonly #environment: Environment;
  readonly #present: ReadonlyMap<string, Uint8Array>;
  readonly #absent: readonly string[];
  readonly #descriptor: number;
  readonly #whole: Buffer;

  static async make(dir: string, { keys, keyBytes, valueBytes }: Shape): Promise<DamagedTree> {
    const store = openStore(dir, { durability: 'commit' });
    const group = await store.addGroup(GROUP_ID, 'a', 0);
    const present = new Map<string, Uint8Array>();
    const absent: string[] = [];
    for (let n = 0; n < keys; n++) {
      const key = nameOf(n, keyBytes);
      if (n % 5 === 3) absent.push(key);
      else present.set(key, new Uint8Array(valueBytes).fill(n));
      absent.push(`${key}+`);
    }
    for (let round = 1; round <= OLDER; round++)
      await group.commit({
        state: Array.from({ length: keys }, (_, n) => [
          nameOf(n, keyBytes),
          new Uint8Array(valueBytes).fill(n + round),
        ]),
      });
    await group.commit({ state: absent.map((key) => [key, undefined]) });
    await group.commit({ state: present });
    await store.close();
    return new DamagedTree(dir, present, absent);
  }

  private constructor(dir: string, present: ReadonlyMap<string, Uint8Array>, absent: readonly string[]) {
    this.#file = join(dir, 'data.mdb');
    this.#present = present;
    this.#absent = absent;
    this.#whole = readFileSync(this.#file);
    this.#descriptor = openSync(this.#file, 'r+');
    this.#environment = openEnvironment({ dir, mapSize: 2 ** 30, durability: 'commit' });
  }

  async close(): Promise<void> {
    closeSync(this.#descriptor);
    await this.#environment.root.close();
  }

  get pageBytes(): number {
    return this.#whole.readUInt32LE(48);
  }

  get pageCount(): number {
    return this.#whole.length / this.pageBytes;
  }

  /** A copy of a page as it was written. */
  page(number: number): Buffer {
    return Buffer.from(this.#whole.subarray(number * this.pageBytes, (number + 1) * this.pageBytes));
  }

  /** The pages of the table `state`, from the top. */
  pages(): TreePage[] {
    const pages = new Pages(this.#file);
    const { main } = pages.meta;
    const record = pages.entries(main.root!, main.depth).find(({ key }) => key.toString() === 'state\0')!;
    const { root, depth } = pages.treeIn(record.data);
    const found: TreePage[] = [];
    const walk = (page: number, above: number): void => {
      found.push({ page, depth: above });
      if (above > 1) for (const below of pages.entries(page, above)) walk(below.page, above - 1);
    };
    walk(root!, depth);
    pages.close();
    return found;
  }

  /** What becomes of it with `bytes` in the place of a page. */
  with(number: number, bytes: Buffer): Outcome {
    const at = number * this.pageBytes;
    writeSync(this.#descriptor, bytes, 0, bytes.length, at);
    try {
      checkDataFile(this.#file);
      return this.#askEverything();
    } catch (error) {
      assertDamage(error);
      return 'refused';
    } finally {
      writeSync(this.#descriptor, this.#whole, at, this.pageBytes, at);
    }
  }

  #askEverything(): Outcome {
    this.#environment.root.resetReadTxn();
    const questions = new Questions(this.#file, this.#environment, this.#present);
    questions.askKeys(this.#absent);
    questions.askAll();
    questions.askAround();
    if (questions.wrong !== undefined) return `wrong: ${questions.wrong}`;
    return questions.found > 0 ? 'found' : 'harmless';
  }
}

/** Commits that are written over. */
const OLDER = 6;

function entry(key: string, value: Uint8Array): string {
  return `${key.slice(-5)}=${value.length}x${value[0]}`;
}

function assertDamage(error: unknown): void {
  if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error;
}
