/**
 * The filling in of a group's history behind its checkpoint, in the background, from whoever has it: one source
 * after the other, resumed after any break, until every block has been judged and the checkpoint with them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SourceFailedError } from '../../actors/chain/validate.ts';
import { HistoryFiller } from '../../actors/checkpoint/fill.ts';
import { decodeBlock } from '../../events/block.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { blamesSender } from '../../events/refusals.ts';
import { MisbehaviourError, NetworkError } from '../errors.ts';
import type { Host } from '../host.ts';
import { BACKOFF_MS_FIRST, BACKOFF_MS_MAX } from '../limits.ts';
import type { NetworkPort } from '../port.ts';
import { fetchBlocks } from './stream.ts';

const PROGRESS_GAP_MS = 250;

export interface HistoryFillOptions {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly stallMs?: number | undefined;
  /** Connected peers to ask. */
  sources(groupId: Hex32): readonly Hex32[];
  /** The history does not lead to the checkpoint: the group must not go on. */
  lie(groupId: Hex32): void;
}

export class HistoryFill {
  private readonly groupId: Hex32;
  private readonly options: HistoryFillOptions;
  private readonly abort = new AbortController();
  private readonly running: Promise<void>;
  private toldMs = 0;

  constructor(groupId: Hex32, options: HistoryFillOptions) {
    this.groupId = groupId;
    this.options = options;
    this.running = this.run();
  }

  private async run(): Promise<void> {
    const { store, verifier } = this.options.port;
    let filler: HistoryFiller | undefined;
    let failures = 0;
    while (!this.abort.signal.aborted) {
      try {
        filler ??= await HistoryFiller.open(store.group(this.groupId), store.network, verifier);
        if (filler === undefined) return;
        const before = filler.next;
        await this.fill(filler);
        if (filler.isFull) return await this.finish(filler);
        failures = filler.next > before ? 0 : failures + 1;
      } catch (error) {
        // The environment may be better next time; what has no code is a bug, and shall be seen.
        if (typeof (error as { code?: unknown }).code !== 'string') throw error;
        // What was judged and could not be stored is judged again.
        filler = undefined;
        failures++;
      }
      await this.wait(Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** failures));
    }
  }

  private async wait(forMs: number): Promise<void> {
    await delay(forMs, undefined, { signal: this.abort.signal, ref: false }).catch(() => {});
  }

  private async fill(filler: HistoryFiller): Promise<void> {
    for (const source of this.options.sources(this.groupId)) {
      if (this.abort.signal.aborted || filler.isFull) return;
      try {
        await this.fillFrom(filler, source);
        if (filler.isFull) return;
      } catch (error) {
        const cause = error instanceof SourceFailedError ? error.cause : error;
        if (!(cause instanceof NetworkError)) throw error;
        if (cause instanceof MisbehaviourError) this.options.host.shutOut(source, cause.message);
      }
    }
  }

  private async fillFrom(filler: HistoryFiller, source: Hex32): Promise<void> {
    const { host, port, stallMs } = this.options;
    const { groupId, abort } = this;
    const from = filler.next;
    const nowMs = (): number => port.clock.nowMs();
    const fetched = await fetchBlocks(host, source, { groupId, from, nowMs, signal: abort.signal, stallMs });
    const refusal = await filler.take(this.counted(fetched.blocks, filler));
    if (refusal !== undefined && blamesSender(refusal))
      throw new MisbehaviourError(`a block of the history that is not valid: ${refusal.code}`);
    if (refusal !== undefined)
      throw new NetworkError('peer_refused', `a block of the history was refused: ${refusal.code}`);
  }

  private async *counted(
    blocks: AsyncGenerator<Uint8Array, void>,
    { next, height: target }: HistoryFiller,
  ): AsyncGenerator<Uint8Array, void> {
    let height = next;
    for await (const block of blocks) {
      yield block;
      this.tell(height++, target, height > target);
    }
  }

  private tell(height: number, target: number, isLast: boolean): void {
    const nowMs = performance.now();
    if (!isLast && nowMs - this.toldMs < PROGRESS_GAP_MS) return;
    this.toldMs = nowMs;
    this.options.port.bus.moment({ kind: 'history.progress', groupId: this.groupId, height, target });
  }

  private async finish(filler: HistoryFiller): Promise<void> {
    const { port, lie } = this.options;
    const { groupId } = this;
    const { height } = filler;
    const result = await filler.finish();
    if (result.status === 'sound') {
      port.historyFilled(groupId);
      return;
    }
    const { sealer } = decodeBlock(port.store.group(groupId).block(height)!).header;
    port.bus.moment({ kind: 'evidence.checkpoint', groupId, height, sealer, what: result.what });
    lie(groupId);
  }

  /** Ends the filling; it goes on at the next start. */
  async close(): Promise<void> {
    this.abort.abort();
    await this.running;
  }
}
