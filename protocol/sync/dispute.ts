/**
 * A group in dispute: its sealer has sealed two blocks at one height, and nobody has decided. It is not followed, but
 * looked at: where the sealing has gone on to somebody else meanwhile, the chain has left the lie behind, and it is
 * followed again by itself. That such a hand-over is there is only believed as far as to fetch and judge blocks.
 */
import type { HandOvers } from '../../actors/checkpoint/hand-overs.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { NetworkError } from '../errors.ts';
import type { NetworkPort } from '../port.ts';
import type { RpcClient } from '../rpc/client.ts';
import { accusedSealers, isInDispute, readSeal, reviewEvidence } from './evidence.ts';

export interface DisputeOptions {
  readonly port: NetworkPort;
  readonly client: RpcClient;
  readonly handOvers: HandOvers;
}

export class Dispute {
  private readonly groupId: Hex32;
  private readonly options: DisputeOptions;
  private isOpen: boolean;

  constructor(groupId: Hex32, options: DisputeOptions) {
    this.groupId = groupId;
    this.options = options;
    this.isOpen = isInDispute(options.port, groupId);
  }

  /** Whether the group rests because of it. */
  get isOn(): boolean {
    return this.isOpen;
  }

  /** Looks at what is stored: evidence has come, or somebody has decided. */
  reread(): void {
    this.isOpen = isInDispute(this.options.port, this.groupId);
  }

  /** Looks whether the chain has left behind what is open. */
  async review(): Promise<void> {
    const { port, handOvers } = this.options;
    if (this.isOpen) this.isOpen = await reviewEvidence(port, handOvers, this.groupId);
  }

  /** Whether a peer shows a newer head that somebody else has sealed than those who are accused. */
  async isOverAt(peer: Hex32): Promise<boolean> {
    const { client, port } = this.options;
    const { groupId } = this;
    try {
      await client.introduce(peer);
      const header = readSeal(await client.call(peer, 'group_head', { groupId, height: undefined }));
      if (header === undefined || header.groupId !== groupId) return false;
      const isNewer = header.height > (port.store.group(groupId).head()?.height ?? -1);
      return isNewer && !accusedSealers(port, groupId).includes(header.sealer);
    } catch (error) {
      if (error instanceof NetworkError) return false;
      throw error;
    }
  }
}
