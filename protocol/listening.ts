/**
 * Where this node listens. Whoever leaves the port open gets a free one, and after a restart the same again where it
 * can be had: so the addresses in join codes that were handed out, and in the books of peers, stay good.
 *
 *   'port'  →  the port, in decimal
 */
import { utf8 } from '../events/bytes.ts';
import type { OpaqueMap } from '../storage/opaque-map.ts';
import { NetworkError } from './errors.ts';
import { Host, type HostOptions } from './host.ts';

const PORT_KEY = utf8('port');

/** @throws NetworkError `listen_failed` */
export async function startHost(records: OpaqueMap, options: HostOptions): Promise<Host> {
  const { listen } = options;
  if (listen === undefined) return Host.start(options);
  const host = await hostAtSamePort(records, options, listen);
  const port = /\/tcp\/(\d+)$/.exec(host.addresses()[0] ?? '')?.[1];
  if (port !== undefined && port !== keptPort(records)) await records.put(PORT_KEY, utf8(port));
  return host;
}

async function hostAtSamePort(
  records: OpaqueMap,
  options: HostOptions,
  listen: NonNullable<HostOptions['listen']>,
): Promise<Host> {
  const kept = Number(keptPort(records) ?? 0);
  if (listen.port !== 0 || kept === 0) return Host.start(options);
  try {
    return await Host.start({ ...options, listen: { ...listen, port: kept } });
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    return Host.start(options);
  }
}

function keptPort(records: OpaqueMap): string | undefined {
  const kept = records.get(PORT_KEY);
  return kept === undefined ? undefined : Buffer.from(kept).toString();
}
