/** Nodes with claims in them, for tests of the views. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Group } from '../../actors/group.ts';
import { BatteryNode, type OpenOptions } from '../../node.ts';
import type { ViewsNotice } from '../../views/protocol.ts';

interface Opened {
  readonly node: BatteryNode;
  readonly notices: ViewsNotice[];
}

export function newDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lb-views-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'node');
}

export async function opened(data: string, options: Partial<OpenOptions> = {}): Promise<Opened> {
  const notices: ViewsNotice[] = [];
  const node = await BatteryNode.openOrInit({
    data,
    durability: 'commit',
    embedder: { kind: 'none' },
    ...options,
  });
  onTestFinished(() => node.close());
  node.bus.moment$.subscribe((event) => {
    if (event.kind === 'views.rebuilt' || event.kind === 'views.failed') notices.push(event);
  });
  return { node, notices };
}

export async function withClaims(
  node: BatteryNode,
  texts: readonly string[],
): Promise<{ group: Group; claims: string[] }> {
  const group = await node.createGroup({ name: 'views' });
  const claims: string[] = [];
  for (const text of texts) claims.push((await group.as('node').publishClaim({ text })).claim);
  return { group, claims };
}

/** The one file of views in a data directory. */
export const viewFile = (data: string): string => {
  const dir = join(data, 'views');
  return join(dir, readdirSync(dir).find((name) => /^[0-9a-f]{64}\.db$/.test(name))!);
};
