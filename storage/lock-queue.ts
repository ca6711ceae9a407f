/**
 * Whose turn it is: those who wait for a directory stand in a row, so that many short verbs at once get it one after
 * the other, and nobody is overtaken until their patience is over.
 *
 * Each who waits keeps an empty file whose name begins with the time at which they came, and touches it while they
 * wait. One that was not touched for a while belongs to somebody who has gone. The lock alone decides who owns the
 * directory: where no file can be made (a full disk), everybody tries their luck, as without a row.
 */
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Waiters touch their file far more often than that, also on a machine with much to do. */
const GONE_MS = 5_000;
const NAME = /^\d{15}-\d+-\d+$/;

let made = 0;

export class LockQueue implements Disposable {
  private readonly folder: string;
  private readonly name: string;
  private isIn = false;

  /** @param folder where those who wait keep their files */
  constructor(folder: string) {
    this.folder = folder;
    const came = String(Date.now()).padStart(15, '0');
    this.name = `${came}-${process.pid}-${++made}`;
  }

  private get file(): string {
    return join(this.folder, this.name);
  }

  /** Whether nobody who came earlier waits. Whoever asks stands in the row from then on. */
  isFirst(): boolean {
    try {
      this.touch();
      const nowMs = statSync(this.file).mtimeMs;
      const [first] = readdirSync(this.folder)
        .filter((name) => NAME.test(name) && (name === this.name || !this.hasGone(name, nowMs)))
        .sort();
      return first === undefined || first >= this.name;
    } catch {
      return true;
    }
  }

  /** How many wait. */
  static lengthOf(folder: string): number {
    try {
      return readdirSync(folder).filter((name) => NAME.test(name)).length;
    } catch {
      return 0;
    }
  }

  private touch(): void {
    if (!this.isIn) mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.file, '', { mode: 0o600 });
    const now = new Date();
    utimesSync(this.file, now, now);
    this.isIn = true;
  }

  private hasGone(name: string, nowMs: number): boolean {
    const file = join(this.folder, name);
    const touchedMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (touchedMs === undefined) return true;
    if (nowMs - touchedMs <= GONE_MS) return false;
    rmSync(file, { force: true });
    return true;
  }

  [Symbol.dispose](): void {
    if (!this.isIn) return;
    this.isIn = false;
    try {
      rmSync(this.file, { force: true });
    } catch {
      // It is taken for one of somebody who has gone, soon.
    }
  }
}
