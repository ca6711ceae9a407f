/** Gossipsub spoken by hand, as those who abuse it do. */
import { RPC } from '@libp2p/gossipsub/message';
import type { Host } from '../../protocol/host.ts';

/** With its length before it, as a varint. */
function prefixed(bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) return Uint8Array.from([...length, ...bytes]);
  }
}

/**
 * Sends calls to a peer on a stream of its own, as fast as the peer takes them; to no effect once the peer
 * has closed it.
 */
export async function gossipByHand(
  host: Host,
  to: { readonly key: string },
): Promise<(rpc: Partial<RPC>) => Promise<void>> {
  const stream = await host.openStream(to.key, '/meshsub/1.2.0');
  return async (rpc) => {
    try {
      if (stream.send(prefixed(RPC.encode({ subscriptions: [], messages: [], ...rpc })))) return;
      await stream.onDrain({ signal: AbortSignal.timeout(5_000) });
    } catch {
      // The victim has closed the stream, or reads no more: that is what may happen.
    }
  };
}

/** A call that carries orders of the mesh alone. */
export const control = (part: Partial<NonNullable<RPC['control']>>): Partial<RPC> => ({
  control: { ihave: [], iwant: [], graft: [], prune: [], idontwant: [], ...part },
});

/** An id of a message, or a message, that nobody knows. */
export const noise = (at: number): Uint8Array => new TextEncoder().encode(`message ${at}`.padEnd(32, '.'));
