/**
 * A group in memory: for replay, time travel and tests of what stands on the port.
 *
 * It keeps the contract of the LMDB adapter, order rules and refusals included, except that nothing outlives it.
 * A commit takes effect at once, and resolves in a later turn like a real one.
 */
import { toHex } from '../events/bytes.ts';
import { checkHash, checkState, heightAfter } from './batch.ts';
import { closedError } from './environment.ts';
import { checkStateKey, idKey } from './keys.ts';
import type {
  ArtifactEntry,
  CommitBatch,
  CommitBlock,
  GroupStore,
  Head,
  Id,
  StateRange,
  StoredBlock,
  TxLocation,
} from './port.ts';
import { SortedMap } from './sorted-map.ts';

/** A new, empty group in memory. */
export function memoryGroup(groupId: string): MemoryGroup {
  return new MemoryGroup(groupId);
}

/** A group in memory. `close` is there so that both adapters end alike. */
export class MemoryGroup implements GroupStore {
  readonly groupId: string;
  readonly #blocks = new Map<number, StoredBlock>();
  readonly #effects = new Map<number, Uint8Array>();
  readonly #heights = new Map<string, number>();
  readonly #txs = new Map<string, TxLocation>();
  readonly #replacements = new Map<string, TxLocation>();
  readonly #state = new SortedMap();
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #artifacts = new Map<string, Uint8Array>();
  #head: Head | undefined;
  #closed = false;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  async commit(batch: CommitBatch): Promise<void> {
    this.#check();
    const head = this.#head;
    heightAfter(head?.height, batch);
    const apply = this.#prepare(batch);
    for (const change of apply) change();
    await Promise.resolve();
  }

  head(): Head | undefined {
    this.#check();
    return this.#head;
  }

  block(height: number): Uint8Array | undefined {
    return this.#copy(this.#blocks.get(height)?.bytes);
  }

  blockId(height: number): string | undefined {
    this.#check();
    return this.#blocks.get(height)?.id;
  }

  heightOf(blockId: Id): number | undefined {
    this.#check();
    return this.#heights.get(hex(blockId));
  }

  blockIds(digits: string): string[] {
    this.#check();
    return idsBeginning(digits, this.#heights);
  }

  txIds(digits: string): string[] {
    this.#check();
    return idsBeginning(digits, this.#txs);
  }

  *blocks(from: number, to = Number.POSITIVE_INFINITY): Generator<StoredBlock> {
    this.#check();
    const heights = [...this.#blocks.keys()].filter((height) => height >= from && height < to);
    for (const height of heights.sort((a, b) => a - b)) {
      const block = this.#blocks.get(height)!;
      yield { ...block, bytes: block.bytes.slice() };
    }
  }

  effects(height: number): Uint8Array | undefined {
    return this.#copy(this.#effects.get(height));
  }

  txLocation(txId: Id): TxLocation | undefined {
    this.#check();
    return this.#txs.get(hex(txId));
  }

  replacement(replacedId: Id): TxLocation | undefined {
    this.#check();
    return this.#replacements.get(hex(replacedId));
  }

  hasReplacements(): boolean {
    this.#check();
    return this.#replacements.size > 0;
  }

  state(key: string): Uint8Array | undefined {
    checkStateKey(key);
    return this.#copy(this.#state.get(key));
  }

  *stateRange(prefix: string, range?: StateRange): Generator<readonly [string, Uint8Array]> {
    this.#check();
    checkStateKey(prefix);
    for (const [key, value] of this.#state.range(prefix, range)) yield [key, value.slice()];
  }

  node(level: number, index: number): Uint8Array | undefined {
    return this.#copy(this.#nodes.get(`${level}/${index}`));
  }

  artifact(hash: Id): Uint8Array | undefined {
    return this.#copy(this.#artifacts.get(hex(hash)));
  }

  hasArtifact(hash: Id): boolean {
    this.#check();
    return this.#artifacts.has(hex(hash));
  }

  *artifacts(start: Id = '0'.repeat(64)): Generator<ArtifactEntry> {
    this.#check();
    const first = hex(start);
    for (const hash of [...this.#artifacts.keys()].sort()) {
      if (hash >= first) yield { hash, size: this.#artifacts.get(hash)!.length };
    }
  }

  artifactCount(): number {
    this.#check();
    return this.#artifacts.size;
  }

  /** Everything asked afterwards fails with `closed`. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** Reads and checks the whole batch before anything of it is done, so that a commit is all or nothing. */
  #prepare(batch: CommitBatch): (() => void)[] {
    const changes: (() => void)[] = [];
    for (const block of batch.blocks ?? []) changes.push(this.#keepBlock(block));
    const { head } = batch;
    if (head) {
      changes.push(() => {
        this.#head = { ...head, frontier: head.frontier.map((hash) => hash.slice()) };
      });
    }
    for (const [key, value] of batch.state ?? []) {
      checkState(key);
      const kept = value?.slice();
      changes.push(() => (kept ? this.#state.set(key, kept) : this.#state.delete(key)));
    }
    for (const { txId, height, index, replaced } of batch.txs ?? []) {
      const id = hex(txId);
      const locations = replaced ? this.#replacements : this.#txs;
      changes.push(() => locations.set(id, { height, index }));
    }
    for (const [level, index, hash] of batch.nodes ?? []) {
      checkHash(hash);
      const kept = hash.slice();
      changes.push(() => this.#nodes.set(`${level}/${index}`, kept));
    }
    for (const { hash, bytes } of batch.artifacts ?? []) {
      const id = hex(hash);
      const kept = bytes.slice();
      changes.push(() => this.#artifacts.set(id, kept));
    }
    return changes;
  }

  #keepBlock({ height, id, bytes, effects }: CommitBlock): () => void {
    const block = { height, id: hex(id), bytes: bytes.slice() };
    const keptEffects = effects?.slice();
    return () => {
      this.#blocks.set(height, block);
      this.#heights.set(block.id, height);
      if (keptEffects) this.#effects.set(height, keptEffects);
    };
  }

  #copy(bytes: Uint8Array | undefined): Uint8Array | undefined {
    this.#check();
    return bytes?.slice();
  }

  #check(): void {
    if (this.#closed) throw closedError();
  }
}

function idsBeginning(digits: string, byId: ReadonlyMap<string, unknown>): string[] {
  return [...byId.keys()].filter((id) => id.startsWith(digits)).sort();
}

function hex(id: Id): string {
  return toHex(idKey(id));
}
