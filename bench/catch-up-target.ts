/** The target of the catch-up measurement: a new node of its own process; prints what it measured. */
import { BatteryNode } from '../node.ts';
import { connectToAny, subscribe } from '../protocol/membership.ts';
import { NetworkService } from '../protocol/network-service.ts';
import { startThreads } from './validation.ts';
import { benchSigner } from './workload.ts';

const WAIT_MS = 300_000;

/** What the source says of itself. */
export interface Source {
  readonly groupId: string;
  readonly addresses: readonly string[];
  readonly head: number;
}

export interface CatchUp {
  /** Until the last block was on disk, and until the texts of all claims were. */
  readonly seconds: number;
  readonly secondsWithTexts: number;
  /** How much more memory is in use in the second half than in the first; where it was watched. */
  readonly growthMb: number | undefined;
}

/** Collects garbage at every eighth of the way, and notes what is in use then: what counts is what cannot be freed. */
class MemoryWatch {
  private readonly inUseMb = new Map<number, number>();

  /** @param part of the way, from 0 to 1 */
  reached(part: number): void {
    const eighth = Math.floor(8 * part);
    if (this.inUseMb.has(eighth)) return;
    globalThis.gc!();
    const { heapUsed, external } = process.memoryUsage();
    this.inUseMb.set(eighth, (heapUsed + external) / 2 ** 20);
  }

  /** The most in the second half less the most in the first one, without its beginning. */
  get growthMb(): number {
    const most = (from: number, to: number): number =>
      Math.max(...[...this.inUseMb].filter(([at]) => at >= from && at < to).map(([, mb]) => mb));
    return most(4, 8) - most(1, 4);
  }
}

async function catchUp(data: string, threads: number, source: Source): Promise<CatchUp> {
  const { groupId, addresses, head } = source;
  await using node = await BatteryNode.openOrInit({ data, threads });
  const signer = benchSigner('member 0');
  const port = { ...node.networkPort, signer, signers: () => [signer] };
  await startThreads(port.verifier);
  const network = await NetworkService.start(port, { mdns: false });
  const key = benchSigner('founder').publicKey;
  await connectToAny(network, [{ key, addresses }]);
  const memory = globalThis.gc === undefined ? undefined : new MemoryWatch();
  const start = performance.now();
  const since = (): number => (performance.now() - start) / 1000;
  const reached = new Promise<number>((resolve) =>
    node.bus.head$.subscribe(({ height }) => {
      if (height === head) resolve(since());
      else memory?.reached(height / head);
    }),
  );
  await subscribe(network, groupId, key, WAIT_MS);
  const secondsWithTexts = since();
  const seconds = await reached;
  const missing = network.status().groups[0]?.artifactsMissing;
  if (missing !== 0) throw new Error(`${missing} texts are missing`);
  await network.stop();
  return { seconds, secondsWithTexts, growthMb: memory?.growthMb };
}

const [data = '', threads = '', source = ''] = process.argv.slice(2);
console.log(JSON.stringify(await catchUp(data, Number(threads), JSON.parse(source) as Source)));
