/** A real node in a folder of its own, on time that the test moves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MomentEvent } from '../../events/bus.ts';
import { BatteryNode } from '../../node.ts';
import { ManualTime } from './manual-time.ts';

export interface TestNode {
  readonly data: string;
  readonly time: ManualTime;
  node: BatteryNode;
  /** Events of the moment since the node was opened. */
  moments: MomentEvent[];
  /** Closes the node and opens it again, `ms` later. */
  restart(ms?: number): Promise<void>;
}

export async function openTestNode(time = new ManualTime()): Promise<TestNode> {
  const folder = mkdtempSync(join(tmpdir(), 'lb-node-'));
  const data = join(folder, 'node');
  const open = () => BatteryNode.openOrInit({ data, clock: time, timers: time, durability: 'commit' });
  const listen = (): void => {
    test.moments = [];
    const { moments } = test;
    test.node.bus.moment$.subscribe((event) => moments.push(event));
  };
  const test: TestNode = {
    data,
    time,
    node: await open(),
    moments: [],
    restart: async (ms = 0) => {
      await test.node.close();
      time.advance(ms);
      test.node = await open();
      listen();
    },
  };
  listen();
  onTestFinished(async () => {
    await test.node.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return test;
}
