/**
 * When those who seal were last heard. A group that is quiet and one whose sealer is gone look alike from its blocks, so
 * every sign counts: a block, a beat, an answer, or the word that a sealer gives each minute (protocol/sealer-signs.ts).
 *
 *   'sealer-heard/' group sealer  →  when (u48)
 */
import { decodeBlock } from '../events/block.ts';
import { concatBytes, fromHex, type Hex32, utf8 } from '../events/bytes.ts';
import { sealersTable } from '../machines/tables.ts';
import type { Store } from '../storage/store.ts';
import type { WatchedClock } from './clock.ts';
import { StoredState } from './group-view.ts';

/** What was heard is written when it is this much newer than what is written. */
const KEEP_GAP_MS = 60_000;

/** A sealer who was not heard for so long is called silent: five of the signs that it would have given. */
export const SEALER_SILENT_MS = 5 * 60_000;

/** Whether a sealer elsewhere, who was last heard then, is to be called silent. */
export const isSilent = (isSealedHere: boolean, heardMs: number | undefined, nowMs: number): boolean =>
  !isSealedHere && nowMs - (heardMs ?? -Infinity) > SEALER_SILENT_MS;

export interface SealersHeardOptions {
  readonly store: Pick<Store, 'network' | 'group'>;
  readonly clock: WatchedClock;
}

const keyOf = (groupId: Hex32, sealer: Hex32): Uint8Array =>
  concatBytes(utf8('sealer-heard/'), fromHex(groupId), fromHex(sealer));

export class SealersHeard {
  private readonly options: SealersHeardOptions;
  /** By group and sealer: of groups that are here, and of those who seal them. */
  private readonly heard = new Map<string, number>();
  private readonly kept = new Map<string, number>();

  constructor(options: SealersHeardOptions) {
    this.options = options;
  }

  private sealers(groupId: Hex32): readonly Hex32[] {
    return new StoredState(this.options.store.group(groupId)).get(sealersTable, '') ?? [];
  }

  /** When the present sealer of a group was last heard; nothing where it never was. */
  lastMs(groupId: Hex32): number | undefined {
    const [sealer] = this.sealers(groupId);
    if (sealer === undefined) return undefined;
    const signs = [
      this.heard.get(`${groupId}/${sealer}`),
      this.keptMs(groupId, sealer),
      this.byBlockMs(groupId, sealer),
    ];
    const known = signs.filter((sign) => sign !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  }

  private keptMs(groupId: Hex32, sealer: Hex32): number | undefined {
    const kept = this.options.store.network.get(keyOf(groupId, sealer));
    return kept === undefined ? undefined : Buffer.from(kept).readUIntBE(0, 6);
  }

  /** The time of the head, where the present sealer has sealed it. */
  private byBlockMs(groupId: Hex32, sealer: Hex32): number | undefined {
    const reader = this.options.store.group(groupId);
    const head = reader.head()!;
    return decodeBlock(reader.block(head.height)!).header.sealer === sealer ? head.tsMs : undefined;
  }

  /** A key has shown itself in a group at a time; it counts where it seals the group. */
  note(groupId: Hex32, key: Hex32, atMs = this.options.clock.nowMs()): void {
    const { store, clock } = this.options;
    if (!this.sealers(groupId).includes(key)) return;
    const at = `${groupId}/${key}`;
    // A clock that is ahead makes nobody heard in the future.
    const heardMs = Math.min(atMs, clock.nowMs());
    if (heardMs <= (this.heard.get(at) ?? -1)) return;
    this.heard.set(at, heardMs);
    if (heardMs < (this.kept.get(at) ?? 0) + KEEP_GAP_MS) return;
    this.kept.set(at, heardMs);
    const value = Buffer.alloc(6);
    value.writeUIntBE(heardMs, 0, 6);
    // What is lost by a failure here comes again with the next sign.
    store.network.put(keyOf(groupId, key), new Uint8Array(value)).catch(() => {});
  }
}
