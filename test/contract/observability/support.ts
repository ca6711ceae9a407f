/** A real node under a real configuration, watched; it all goes away when the test ends. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { NetworkGauges } from '../../../actors/telemetry.ts';
import { loadConfig, nodeOptions } from '../../../interfaces/config/load.ts';
import type { SettingName } from '../../../interfaces/config/schema.ts';
import { startObservability } from '../../../interfaces/observability/observe.ts';
import { BatteryNode, type OpenOptions } from '../../../node.ts';

/** The present values of a network in which nothing happens. */
export const quietNetwork: NetworkGauges = {
  peers: () => 0,
  outboxDepth: () => 0,
  artifactsMissing: () => 0,
  defence: () => ({ bans: 0, rateLimited: 0, connectionsRefused: 0 }),
  banned: () => [],
  suspected: () => [],
  syncLag: () => [],
};

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'observability-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function watchedNode(
  flags: Partial<Record<SettingName, string>>,
  more: Partial<OpenOptions> = {},
  data = join(temporaryFolder(), 'node'),
) {
  const config = loadConfig({
    data,
    env: {},
    flags: { durability: 'commit', log_level: 'silent', ...flags },
  });
  const observability = await startObservability(config);
  const { telemetry } = observability;
  const node = await BatteryNode.openOrInit({
    data,
    ...nodeOptions(config),
    ...(telemetry === undefined ? {} : { telemetry }),
    ...more,
  });
  const close = async (): Promise<void> => {
    await node.close();
    await observability.close();
  };
  onTestFinished(close);
  const attached = await observability.attach(node, data);
  return { data, node, observability, attached, close };
}

/** All lines of all log files, the oldest first. */
export function readLogs(folder: string): string {
  const number = (name: string): number => Number(name.split('.')[1]);
  const names = readdirSync(folder).sort((a, b) => number(a) - number(b));
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}
