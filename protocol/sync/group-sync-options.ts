/** What the sync of one group is given. */
import type { HandOvers } from '../../actors/checkpoint/hand-overs.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Access } from '../access.ts';
import type { Host } from '../host.ts';
import type { NetworkPort } from '../port.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { ArtifactFetcher } from './artifacts.ts';

export interface GroupSyncOptions {
  readonly port: NetworkPort;
  readonly host: Host;
  readonly access: Access;
  readonly client: RpcClient;
  readonly artifacts: ArtifactFetcher;
  readonly handOvers: HandOvers;
  readonly stallMs?: number | undefined;
  /** Connected peers to ask, the most promising first. */
  sources(groupId: Hex32): readonly Hex32[];
  /** Told after each pull that reached somebody: the group is as new as its sources. */
  level(groupId: Hex32, source: Hex32): void;
}
