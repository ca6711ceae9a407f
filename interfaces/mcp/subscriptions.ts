/** Who is told of which resource. The eras differ: a client of the older one names addresses on its connection. */
import type { ProtocolEra } from '@modelcontextprotocol/server';
import type { BatteryNode } from '../../node.ts';
import { watchChanges } from './changes.ts';
import type { MadeServer } from './server.ts';

/** Addresses that one connection may name. */
export const SUBSCRIPTIONS_MAX = 1_024;

/** Sends what changes to a server's client, for as long as the connection lasts. */
export function tellChanges(
  node: BatteryNode,
  { server, subscribed }: MadeServer,
  era: ProtocolEra,
): Disposable {
  // A client that goes away meanwhile is not told, and misses nothing.
  const sent = (sending: Promise<void>): void => void sending.catch(() => {});
  return watchChanges(node, ({ updated, isListChanged }) => {
    if (isListChanged) sent(server.sendResourceListChanged());
    for (const address of updated) {
      // In the newer era the entry knows what each subscription asked for, and lets nothing else through.
      const uris = era === 'modern' ? [address] : (subscribed.get(address) ?? []);
      for (const uri of uris) sent(server.sendResourceUpdated({ uri }));
    }
  });
}
