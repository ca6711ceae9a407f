/** The open files of the views: opened when a group is first asked for, the least recently used one closed first. */
import { mkdirSync } from 'node:fs';
import type { Hex32 } from '../events/bytes.ts';
import type { StoreReader } from '../storage/store-reader.ts';
import { ViewsError } from './errors.ts';
import { GroupFile, type Notify } from './group-file.ts';
import { filePath } from './paths.ts';

/** Each holds a page cache and the search indexes of its group. */
const OPEN_MAX = 32;

export class Files {
  readonly #store: StoreReader;
  readonly #dir: string;
  readonly #notify: Notify;
  readonly #open = new Map<Hex32, GroupFile>();

  constructor(store: StoreReader, dir: string, notify: Notify) {
    this.#store = store;
    this.#dir = dir;
    this.#notify = notify;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** The read models of a group. @throws ViewsError `not_found` */
  get(groupId: Hex32): GroupFile {
    this.#store.renew();
    const open = this.#open.get(groupId);
    if (open?.isInPlace === false) {
      this.forget(groupId);
      this.#notify({ kind: 'views.rebuilt', groupId, reason: 'their file was taken away' });
    }
    // A group that was repaired is read at its new place.
    else if (open !== undefined && !this.#store.isCurrent(open.reader)) this.forget(groupId);
    const file = this.#open.get(groupId) ?? this.#openFile(groupId);
    this.#open.delete(groupId);
    this.#open.set(groupId, file);
    for (const [oldest, other] of this.#open) {
      if (this.#open.size <= OPEN_MAX) break;
      this.#open.delete(oldest);
      other.close();
    }
    return file;
  }

  #openFile(groupId: Hex32): GroupFile {
    if (!this.#store.hasGroup(groupId))
      throw new ViewsError('not_found', `there is no group ${groupId} on this node`);
    return new GroupFile(filePath(this.#dir, groupId), this.#store.group(groupId), this.#notify);
  }

  /** Forgets a file that cannot be used any more; the next question opens it anew. */
  forget(groupId: Hex32): void {
    const file = this.#open.get(groupId);
    this.#open.delete(groupId);
    file?.close();
  }

  close(): void {
    for (const groupId of [...this.#open.keys()]) this.forget(groupId);
  }
}
